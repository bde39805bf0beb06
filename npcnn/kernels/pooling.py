"""Max pooling, with its backward directly under it.

Arguments and examples are those of `npcnn.reference.pooling`.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import helper
from npcnn.kernels.run.elementwise import SMALL
from npcnn.kernels.tiles import simd
from npcnn.kernels.tiles.runs import largest_run, winner_run, zero_run
from npcnn.shapes import bounded_pool, output_size, padding_before_after

Pair = tuple[int, int]
Array = np.ndarray

# A call's integers.
(
    CHANNELS, HEIGHT, WIDTH, BATCH, OUT_HEIGHT, OUT_WIDTH, ROWS, COLUMNS, ROW_STEP, COLUMN_STEP,
    ABOVE, LEFT, LANES, BLOCKS, APART, COVERED,
) = range(16)  # fmt: skip


class _Call(NamedTuple):
    """What a call needs to know of its shapes."""

    y_block: tuple[int, int, int, int]  # (C, OH, OW, N), y as it lies in memory
    tasks: int
    parallel: bool
    ints: Array


@functools.lru_cache(maxsize=256)
def plan(
    shape: tuple[int, ...], pool_size: Pair, strides: Pair, padding: str, dtype: np.dtype
) -> _Call:
    """Return what a call of a pooling needs to know of its shapes."""
    batch, height, width, channels = shape
    pool_size, strides = bounded_pool(shape, pool_size, strides)
    lanes = simd.lanes_of(dtype)
    sizes = list(zip((height, width), pool_size, strides, strict=True))
    rows, columns = (output_size(*size, padding) for size in sizes)
    before = [padding_before_after(*size, padding)[0] for size in sizes]
    apart = strides[0] >= pool_size[0] and strides[1] >= pool_size[1]
    covered = strides == pool_size and (height, width) == (rows * strides[0], columns * strides[1])
    if not apart or batch < lanes:
        covered = False  # backward adds to cells one by one: all must be zero before
    # Windows that share cells must be done by one thread, in order: it takes a whole channel.
    parallel = batch * height * width * channels >= SMALL
    blocks = layout.shares(rows, 2, 16) if apart and parallel else 1
    ints = [
        channels, height, width, batch, rows, columns, *pool_size, *strides, *before, lanes, blocks,
        apart, covered,
    ]  # fmt: skip
    return _Call(
        (channels, rows, columns, batch), channels * blocks, parallel, np.array(ints, np.int64)
    )  # fmt: skip


def _part(total: int, index: int, parts: int) -> Pair:
    return total * index // parts, total * (index + 1) // parts


def _inside(position: int, step: int, before: int, window: int, size: int) -> Pair:
    """Return the first cell of a window along one axis, and how many of its cells are inside."""
    start = position * step - before
    stop = min(start + window, size)
    return max(start, 0), stop - max(start, 0)


def _larger(value, best):
    return value if (value > best) | (value != value) else best  # no branch: one is often wrong


def _largest_row(y, x, to, start, rows, ints):
    """Fill a row of y, which begins at `to`, from the rows of x that begin at `start`.

    For batches too small for a vector.
    """
    batch, line = ints[BATCH], ints[WIDTH] * ints[BATCH]
    paired = (rows == 2) & (ints[COLUMNS] == 2) & (ints[COLUMN_STEP] == 2) & (ints[LEFT] == 0)
    whole = min(ints[OUT_WIDTH], ints[WIDTH] // 2) if paired & (batch == 1) else 0
    for j in range(whole):  # one picture: LLVM makes vectors of this, not of what is below
        corner = start + 2 * j
        best = larger(x[corner + 1], x[corner])
        best = larger(x[corner + line], best)
        y[to + j] = larger(x[corner + line + 1], best)
    for j in range(whole, ints[OUT_WIDTH]):
        column, columns = inside(j, ints[COLUMN_STEP], ints[LEFT], ints[COLUMNS], ints[WIDTH])
        for n in range(batch):
            corner = start + column * batch + n
            best = x[corner]
            if (rows == 2) & (columns == 2):
                best = larger(x[corner + batch], best)
                best = larger(x[corner + line], best)
                best = larger(x[corner + line + batch], best)
            else:
                for cell in range(1, rows * columns):
                    place = corner + cell // columns * line + cell % columns * batch
                    best = larger(x[place], best)
            y[to + j * batch + n] = best


part, inside = helper(_part), helper(_inside)
larger, largest_row = helper(_larger), helper(_largest_row)


@Body
def _forward(task, ints, scratch, x, y):
    """Fill a block of rows of one channel of y; blocks outside, so threads keep to their rows."""
    channel, batch, line = task % ints[CHANNELS], ints[BATCH], ints[WIDTH] * ints[BATCH]
    i0, i1 = part(ints[OUT_HEIGHT], task // ints[CHANNELS], ints[BLOCKS])
    for i in range(i0, i1):
        row, rows = inside(i, ints[ROW_STEP], ints[ABOVE], ints[ROWS], ints[HEIGHT])
        start = (channel * ints[HEIGHT] + row) * line
        to = (channel * ints[OUT_HEIGHT] + i) * ints[OUT_WIDTH] * batch
        if batch < ints[LANES]:
            largest_row(y, x, to, start, rows, ints)
            continue
        for j in range(ints[OUT_WIDTH]):
            column, columns = inside(j, ints[COLUMN_STEP], ints[LEFT], ints[COLUMNS], ints[WIDTH])
            places = to + j * batch, start + column * batch, batch
            largest_run(y, x, places, (rows, line, columns, batch))


@op
def max_pooling2d(x: Array, pool_size: Pair, strides: Pair, padding: str) -> Array:
    """Return the largest value of each window, channel by channel.

    Padding cells hold −∞, so they never win; a NaN in a window makes its result NaN.

    Returns:
        y (N, OH, OW, C), the batch innermost in memory.
    """
    call = plan(x.shape, pool_size, strides, padding, x.dtype)
    y = memory.empty(call.y_block, x.dtype)
    if y.size:
        _forward(call.tasks, call.parallel, [layout.batch_innermost(x), y], call.ints)
    return layout.batch_outermost(y)


@Body
def _backward(task, ints, scratch, x, y, grad_y, grad_x):
    """Fill the rows of one channel of grad_x that a block of rows of y draws on."""
    channel, batch, line = task % ints[CHANNELS], ints[BATCH], ints[WIDTH] * ints[BATCH]
    block, blocks = task // ints[CHANNELS], ints[BLOCKS]
    i0, i1 = part(ints[OUT_HEIGHT], block, blocks)
    if not ints[COVERED]:
        first = max(i0 * ints[ROW_STEP] - ints[ABOVE], 0) if block else 0
        last = i1 * ints[ROW_STEP] - ints[ABOVE] if block < blocks - 1 else ints[HEIGHT]
        zero_run(grad_x, (channel * ints[HEIGHT] + first) * line, max(last - first, 0) * line)
    for i in range(i0, i1):
        row, rows = inside(i, ints[ROW_STEP], ints[ABOVE], ints[ROWS], ints[HEIGHT])
        for j in range(ints[OUT_WIDTH]):
            column, columns = inside(j, ints[COLUMN_STEP], ints[LEFT], ints[COLUMNS], ints[WIDTH])
            corner = ((channel * ints[HEIGHT] + row) * ints[WIDTH] + column) * batch
            at = ((channel * ints[OUT_HEIGHT] + i) * ints[OUT_WIDTH] + j) * batch
            if ints[APART] and batch >= ints[LANES]:
                places = corner, at, batch
                winner_run(grad_x, x, y, grad_y, places, (rows, line, columns, batch))
                continue
            for n in range(batch):
                for cell in range(rows * columns):
                    place = corner + cell // columns * line + cell % columns * batch + n
                    if x[place] == y[at + n] or x[place] != x[place]:
                        grad_x[place] += grad_y[at + n]
                        break


@op
def max_pooling2d_backward(
    grad_y: Array, x: Array, y: Array, pool_size: Pair, strides: Pair, padding: str
) -> Array:
    """Return grad_x: each window's gradient goes to its first maximum in row order.

    Where windows overlap, a cell that wins several of them gets the sum; the first NaN of a window
    counts as its maximum.
    """
    call = plan(x.shape, pool_size, strides, padding, x.dtype)
    x_block = layout.batch_innermost(x)
    grad_x = memory.empty(x_block.shape, x.dtype)
    if not grad_y.size:
        grad_x[...] = 0
    else:
        arrays = [x_block, layout.batch_innermost(y), layout.batch_innermost(grad_y), grad_x]
        _backward(call.tasks, call.parallel, arrays, call.ints)
    return layout.batch_outermost(grad_x)
