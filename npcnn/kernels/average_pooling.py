"""Average pooling, with its backward directly under it.

Arguments and examples are those of `npcnn.reference.average_pooling`.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels import pooling
from npcnn.kernels.pooling import inside, part
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.tiles.runs import zero_run

Pair = tuple[int, int]
Array = np.ndarray


@Body
def _forward(task, ints, scratch, x, y):
    """Fill a block of rows of one channel of y."""
    channel, batch = task % ints[pooling.CHANNELS], ints[pooling.BATCH]
    height, width = ints[pooling.HEIGHT], ints[pooling.WIDTH]
    i0, i1 = part(ints[pooling.OUT_HEIGHT], task // ints[pooling.CHANNELS], ints[pooling.BLOCKS])
    for i in range(i0, i1):
        row, rows = inside(
            i, ints[pooling.ROW_STEP], ints[pooling.ABOVE], ints[pooling.ROWS], height
        )
        for j in range(ints[pooling.OUT_WIDTH]):
            column, columns = inside(
                j, ints[pooling.COLUMN_STEP], ints[pooling.LEFT], ints[pooling.COLUMNS], width
            )
            corner = ((channel * height + row) * width + column) * batch
            to = ((channel * ints[pooling.OUT_HEIGHT] + i) * ints[pooling.OUT_WIDTH] + j) * batch
            for n in range(batch):
                y[to + n] = x[corner + n]
            for cell in range(1, rows * columns):
                place = corner + (cell // columns * width + cell % columns) * batch
                for n in range(batch):
                    y[to + n] += x[place + n]
            for n in range(batch):
                y[to + n] /= rows * columns


@op
def average_pooling2d(x: Array, pool_size: Pair, strides: Pair, padding: str) -> Array:
    """Return the mean of each window, channel by channel; padding cells do not count.

    Returns:
        y (N, OH, OW, C), the batch innermost in memory.
    """
    call = pooling.plan(x.shape, pool_size, strides, padding, x.dtype)
    y = memory.empty(call.y_block, x.dtype)
    if y.size:
        _forward(call.tasks, call.parallel, [layout.batch_innermost(x), y], call.ints)
    return layout.batch_outermost(y)


@Body
def _backward(task, ints, scratch, grad_y, grad_x):
    """Fill the rows of one channel of grad_x that a block of rows of y draws on."""
    channel, batch = task % ints[pooling.CHANNELS], ints[pooling.BATCH]
    height, width = ints[pooling.HEIGHT], ints[pooling.WIDTH]
    block, blocks = task // ints[pooling.CHANNELS], ints[pooling.BLOCKS]
    i0, i1 = part(ints[pooling.OUT_HEIGHT], block, blocks)
    step, above = ints[pooling.ROW_STEP], ints[pooling.ABOVE]
    first = max(i0 * step - above, 0) if block else 0
    last = i1 * step - above if block < blocks - 1 else height
    line = width * batch
    zero_run(grad_x, (channel * height + first) * line, max(last - first, 0) * line)
    for i in range(i0, i1):
        row, rows = inside(i, step, above, ints[pooling.ROWS], height)
        for j in range(ints[pooling.OUT_WIDTH]):
            column, columns = inside(
                j, ints[pooling.COLUMN_STEP], ints[pooling.LEFT], ints[pooling.COLUMNS], width
            )
            corner = ((channel * height + row) * width + column) * batch
            at = ((channel * ints[pooling.OUT_HEIGHT] + i) * ints[pooling.OUT_WIDTH] + j) * batch
            for cell in range(rows * columns):
                place = corner + (cell // columns * width + cell % columns) * batch
                for n in range(batch):
                    grad_x[place + n] += grad_y[at + n] / (rows * columns)


@op
def average_pooling2d_backward(
    grad_y: Array, x: Array, pool_size: Pair, strides: Pair, padding: str
) -> Array:
    """Return grad_x: each window's gradient in equal shares to its cells; x gives the shape."""
    call = pooling.plan(x.shape, pool_size, strides, padding, x.dtype)
    n, height, width, channels = x.shape
    grad_x = memory.empty((channels, height, width, n), x.dtype)
    if grad_y.size:
        _backward(call.tasks, call.parallel, [layout.batch_innermost(grad_y), grad_x], call.ints)
    else:
        grad_x[...] = 0
    return layout.batch_outermost(grad_x)
