"""Global average pooling, with its backward directly under it.

Arguments and examples are those of `npcnn.reference.global_pooling`.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import SMALL

Array = np.ndarray


@Body
def _forward(task, ints, scratch, y, x):
    """Fill one channel of y; each row has a sum of its own, so that large images stay exact."""
    height, width, batch = ints[0], ints[1], ints[2]
    to = task * batch
    for n in range(batch):
        y[to + n] = 0
    for i in range(height):
        row = (task * height + i) * width * batch
        for n in range(batch):
            scratch[n] = x[row + n]
        for j in range(1, width):
            for n in range(batch):
                scratch[n] += x[row + j * batch + n]
        for n in range(batch):
            y[to + n] += scratch[n]
    for n in range(batch):
        y[to + n] /= height * width


@op
def global_average_pooling2d(x: Array) -> Array:
    """Return each channel's mean over rows and columns.

    Returns:
        y (N, C), the batch innermost in memory.
    """
    batch, height, width, channels = x.shape
    y = memory.empty((channels, batch), x.dtype)
    ints = np.array([height, width, batch], np.int64)
    if x.size:
        _forward(channels, x.size >= SMALL, [y, layout.batch_innermost(x)], ints, batch)
    else:
        y[...] = np.nan  # the mean of nothing
    return y.T


@Body
def _backward(task, ints, scratch, grad_x, grad_y):
    """Fill one channel of grad_x."""
    cells, batch = ints[0], ints[1]
    for n in range(batch):
        scratch[n] = grad_y[task * batch + n] / cells
    for cell in range(task * cells, (task + 1) * cells):
        for n in range(batch):
            grad_x[cell * batch + n] = scratch[n]


@op
def global_average_pooling2d_backward(grad_y: Array, x: Array) -> Array:
    """Return grad_x: each channel's gradient in equal shares to its cells; x gives the shape."""
    batch, height, width, channels = x.shape
    grad_x = memory.empty((channels, height, width, batch), x.dtype)
    ints = np.array([height * width, batch], np.int64)
    if grad_x.size:
        arrays = [grad_x, layout.batch_innermost(grad_y)]
        _backward(channels, grad_x.size >= SMALL, arrays, ints, batch)
    return layout.batch_outermost(grad_x)
