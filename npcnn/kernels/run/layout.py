"""Memory order: what the kernels make of any array that comes in, and the arrays they make.

Arrays of this package are C-contiguous blocks with the batch innermost, (C, H, W, N) seen as
(N, H, W, C), or (features, N) seen as (N, features). A row of an image, all its columns and all
images of the batch, is then one long run of consecutive numbers, however few channels there are.
"""

from __future__ import annotations

import functools

import numpy as np

from npcnn.kernels.run import memory

Array = np.ndarray


def contiguous(x: Array) -> Array:
    """Return x, or a C-contiguous copy of it, which no program can make again."""
    return np.ascontiguousarray(x)


def batch_innermost(x: Array) -> Array:
    """Return x (N, …, C) as a C-contiguous block (C, …, N): a view if it lies so, else a copy."""
    axes = (3, 1, 2, 0) if x.ndim == 4 else (x.ndim - 1, *range(1, x.ndim - 1), 0)
    return contiguous(x.transpose(axes))


def batch_outermost(block: Array) -> Array:
    """Return a block (C, …, N) as (N, …, C), a view."""
    axes = (3, 1, 2, 0) if block.ndim == 4 else (block.ndim - 1, *range(1, block.ndim - 1), 0)
    return block.transpose(axes)


def swapped(ndim: int) -> tuple[int, ...]:
    """Return so many axes with the first and the last in each other's places.

    >>> swapped(4), swapped(1), swapped(0)
    ((3, 1, 2, 0), (0,), ())
    """
    return (ndim - 1, *range(1, ndim - 1), 0) if ndim > 1 else (0,)[:ndim]


def same_order(x: Array) -> tuple[Array, tuple[int, ...] | None]:
    """Return a C-contiguous array of x's elements, and the axes that bring it back to x's order.

    For ops that look at each element alone: any order will do as long as the result gets it too.
    """
    if x.flags.c_contiguous:
        return x, None
    if x.ndim >= 2:
        axes = (x.ndim - 1, *range(1, x.ndim - 1), 0)
        return contiguous(x.transpose(axes)), axes
    return contiguous(x), None


def zeros(size: int, dtype: np.dtype) -> Array:
    """Return a vector of zeros that nobody writes to."""
    return memory.known(_zeros(size, dtype))


@functools.cache
def _zeros(size: int, dtype: np.dtype) -> Array:
    return np.zeros(size, dtype)


def ones(size: int, dtype: np.dtype) -> Array:
    """Return a vector of ones that nobody writes to."""
    return memory.known(_ones(size, dtype))


@functools.cache
def _ones(size: int, dtype: np.dtype) -> Array:
    return np.ones(size, dtype)


def in_order(array: Array) -> Array:
    """Return the array, or a copy of it, with the batch innermost in memory."""
    return array if array.transpose(swapped(array.ndim)).flags.c_contiguous else own_copy(array)


def own_copy(array: Array) -> Array:
    """Return a copy that is the caller's for good, the batch innermost in memory."""
    axes = swapped(array.ndim)
    block = memory.aligned([array.shape[axis] for axis in axes], array.dtype)
    copy = block.transpose(axes)  # the axes swap first and last, so they undo themselves
    copy[...] = array
    return copy


def shares(total: int, smallest: int, most: int) -> int:
    """Return into how many parts to cut: a power of two, no part below `smallest` if possible.

    It depends on the shape only, never on the number of threads: results must not. Two threads
    get equal halves of a power of two, and so do four quarters.

    >>> shares(28, 3, 16), shares(14, 3, 16), shares(3, 3, 16)
    (8, 4, 1)
    """
    parts = 1
    while parts * 2 <= most and total >= 2 * parts * smallest:
        parts *= 2
    return parts
