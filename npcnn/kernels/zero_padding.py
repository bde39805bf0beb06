"""Zeros around images, with the backward directly under it.

Arguments and examples are those of `npcnn.reference.zero_padding`.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import SMALL
from npcnn.kernels.tiles.runs import copy_run, zero_run

Edges = tuple[tuple[int, int], tuple[int, int]]
Array = np.ndarray


@Body
def _forward(task, ints, scratch, y, x):
    """Fill one channel of y; ints are x's rows, a row's numbers, and what lies around them."""
    height, line, above, below, left, right = ints[0], ints[1], ints[2], ints[3], ints[4], ints[5]
    wide = left + line + right
    to = task * (above + height + below) * wide
    zero_run(y, to, above * wide)
    for i in range(height):
        row = to + (above + i) * wide
        zero_run(y, row, left)
        copy_run(y, row + left, x, (task * height + i) * line, line)
        zero_run(y, row + left + line, right)
    zero_run(y, to + (above + height) * wide, below * wide)


@op
def zero_padding2d(x: Array, padding: Edges) -> Array:
    """Return x with rows and columns of zeros around it.

    Returns:
        y (N, above + H + below, left + W + right, C), the batch innermost in memory.
    """
    batch, height, width, channels = x.shape
    (above, below), (left, right) = padding
    shape = (channels, above + height + below, left + width + right, batch)
    y = memory.empty(shape, x.dtype)
    if y.size:
        ints = [height, width * batch, above, below, left * batch, right * batch]
        arrays = [y, layout.batch_innermost(x)]
        _forward(channels, y.size >= SMALL, arrays, np.array(ints, np.int64))
    return layout.batch_outermost(y)


@Body
def _backward(task, ints, scratch, grad_x, grad_y):
    """Fill one channel of grad_x; ints as those of `_forward`."""
    height, line, above, below, left, right = ints[0], ints[1], ints[2], ints[3], ints[4], ints[5]
    wide = left + line + right
    corner = (task * (above + height + below) + above) * wide + left
    for i in range(height):
        copy_run(grad_x, (task * height + i) * line, grad_y, corner + i * wide, line)


@op
def zero_padding2d_backward(grad_y: Array, padding: Edges) -> Array:
    """Return grad_x, grad_y without the rows and columns around."""
    batch, height, width, channels = grad_y.shape
    (above, below), (left, right) = padding
    height, width = height - above - below, width - left - right
    grad_x = memory.empty((channels, height, width, batch), grad_y.dtype)
    if grad_x.size:
        ints = [height, width * batch, above, below, left * batch, right * batch]
        arrays = [grad_x, layout.batch_innermost(grad_y)]
        _backward(channels, grad_x.size >= SMALL, arrays, np.array(ints, np.int64))
    return layout.batch_outermost(grad_x)
