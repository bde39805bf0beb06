"""Flatten each sample to a vector, with its backward directly under it.

Arguments and examples are those of `npcnn.reference.flatten`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import SMALL
from npcnn.kernels.tiles.runs import copy_run

Array = np.ndarray


@Body
def _swap(task, ints, scratch, out, x):
    """Copy x (first, second, batch) to out (second, first, batch), a share of the cells.

    The cells of the images are the second axis, or with ints[4] the first.
    """
    first, second, batch, parts = ints[0], ints[1], ints[2], ints[3]
    a0, a1, b0, b1 = 0, first, second * task // parts, second * (task + 1) // parts
    if ints[4]:
        a0, a1, b0, b1 = first * task // parts, first * (task + 1) // parts, 0, second
    for b in range(b0, b1):
        for a in range(a0, a1):
            copy_run(out, (b * first + a) * batch, x, (a * second + b) * batch, batch)


def _swapped(x: Array, first: int, second: int, batch: int, cells_first: bool) -> Array:
    out = memory.empty((second * first, batch), x.dtype)
    cells = first if cells_first else second
    parts = layout.shares(cells, 4, 16) if 4 * out.size >= SMALL else 1
    if out.size:
        ints = np.array([first, second, batch, parts, cells_first], np.int64)
        _swap(parts, parts > 1, [out, x], ints)
    return out


@op
def flatten(x: Array) -> Array:
    """Return (N, everything else), each sample's elements in C order of its axes.

    The result is a (features, N) block, as the other kernels want it: of an own (C, H, W, N)
    block that is one pass which moves whole runs of N.
    """
    if x.ndim <= 2:
        return x if x.ndim == 2 else x[:, None]
    block = layout.batch_innermost(x)
    return _swapped(block, len(block), math.prod(x.shape[1:-1]), len(x), False).T


@op
def flatten_backward(grad_y: Array, x_shape: tuple[int, ...]) -> Array:
    """Return grad_x, grad_y folded back to the shape x had."""
    if len(x_shape) <= 2:
        return grad_y if len(x_shape) == 2 else grad_y[:, 0]
    channels, cells = x_shape[-1], math.prod(x_shape[1:-1])
    block = _swapped(layout.batch_innermost(grad_y), cells, channels, x_shape[0], True)
    return layout.batch_outermost(block.reshape(channels, *x_shape[1:-1], x_shape[0]))
