"""Memory order: what the kernels make of any array that comes in, and the arrays they make.

Arrays of this package are C-contiguous blocks with the batch innermost, (C, H, W, N) seen as
(N, H, W, C), or (features, N) seen as (N, features). A row of an image, all its columns and all
images of the batch, is then one long run of consecutive numbers, however few channels there are.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

import numba
import numpy as np

Array = np.ndarray

_scratch = threading.local()


def batch_innermost(x: Array) -> Array:
    """Return x (N, …, C) as a C-contiguous block (C, …, N): a view if it lies so, else a copy."""
    axes = (3, 1, 2, 0) if x.ndim == 4 else (x.ndim - 1, *range(1, x.ndim - 1), 0)
    return np.ascontiguousarray(x.transpose(axes))


def batch_outermost(block: Array) -> Array:
    """Return a block (C, …, N) as (N, …, C), a view."""
    axes = (3, 1, 2, 0) if block.ndim == 4 else (block.ndim - 1, *range(1, block.ndim - 1), 0)
    return block.transpose(axes)


def empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an uninitialised array of a shape (N, …, C), the batch innermost in memory."""
    return batch_outermost(np.empty((shape[-1], *shape[1:-1], shape[0]), dtype))


def same_order(x: Array) -> tuple[Array, tuple[int, ...] | None]:
    """Return a C-contiguous array of x's elements, and the axes that bring it back to x's order.

    For ops that look at each element alone: any order will do as long as the result gets it too.
    """
    if x.flags.c_contiguous:
        return x, None
    if x.ndim >= 2:
        axes = (x.ndim - 1, *range(1, x.ndim - 1), 0)
        return np.ascontiguousarray(x.transpose(axes)), axes
    return np.ascontiguousarray(x), None


def scratch(size: int, dtype: np.dtype, name: str = "threads") -> Array:
    """Return working memory kept from call to call: a row of `size` elements for each thread.

    It belongs to the calling Python thread, so that two of them may run ops at once.
    """
    kept = vars(_scratch)
    rows = numba.config.NUMBA_NUM_THREADS if name == "threads" else 1
    held = kept.get((name, dtype))
    if held is None or held.shape[1] < size:
        # a few rows of zeros more than asked for: tiles read, and never use, beyond the end
        held = kept[(name, dtype)] = np.zeros((rows, size + size // 4 + 64), dtype)
    return held


@functools.cache
def zeros(size: int, dtype: np.dtype) -> Array:
    """Return a vector of zeros that nobody writes to."""
    return np.zeros(size, dtype)


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
