"""Larger images, with the backward directly under it: a new place is a sum of some old ones.

Which old rows go into a new one, with what weights, and likewise for columns, is in a list: one
row or two on the way up, those that took of it on the way down. One body goes both ways.

Arguments and examples are those of `npcnn.reference.upsampling`.
"""

from __future__ import annotations

import functools
from typing import Literal

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import SMALL

Array = np.ndarray
# A call's integers; behind them where each new row's list begins, and which old rows it names,
# then the same for columns.
HEIGHT, WIDTH, BATCH, OLD_HEIGHT, OLD_WIDTH, ROWS, COLUMNS, LISTS = range(8)


@Body
def _resample(task, ints, scratch, y, x, weights):
    """Fill one row of y in one channel; ints[ROWS], ints[COLUMNS] say how long the lists are."""
    height, width, batch = ints[HEIGHT], ints[WIDTH], ints[BATCH]
    channel, i = task // height, task % height
    old_rows = LISTS + height + 1
    columns = old_rows + ints[ROWS]
    old_columns = columns + width + 1
    for j in range(width):
        to = (task * width + j) * batch
        fresh = True
        for a in range(ints[LISTS + i], ints[LISTS + i + 1]):
            line = (channel * ints[OLD_HEIGHT] + ints[old_rows + a]) * ints[OLD_WIDTH]
            for b in range(ints[columns + j], ints[columns + j + 1]):
                weight = weights[a] * weights[ints[ROWS] + b]
                place = (line + ints[old_columns + b]) * batch
                if fresh:
                    for n in range(batch):
                        y[to + n] = weight * x[place + n]
                else:
                    for n in range(batch):
                        y[to + n] += weight * x[place + n]
                fresh = False


@functools.lru_cache(maxsize=64)
def _lists(length: int, factor: int, interpolation: str, back: bool) -> tuple[Array, ...]:
    """Return where each new place's list begins, which old ones they name, and the weights."""
    new = np.arange(length * factor)
    if interpolation == "nearest":
        pairs = [(new, new // factor, np.ones(len(new)))]
    else:
        centres = np.clip((new + 0.5) / factor - 0.5, 0, length - 1)
        before = centres.astype(np.int64)
        share = centres - before
        pairs = [(new, before, 1 - share), (new, np.minimum(before + 1, length - 1), share)]
    to, of, weights = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    to, of, weights = (part[weights > 0] for part in (to, of, weights))
    if back:
        to, of = of, to
    order = np.lexsort((of, to))
    starts = np.searchsorted(to[order], np.arange((length if back else length * factor) + 1))
    return starts, of[order], weights[order]


def _resampled(x: Array, size: tuple[int, int], interpolation: str, back: bool) -> Array:
    batch, height, width, channels = x.shape
    small = (height // size[0], width // size[1]) if back else (height, width)
    new = small if back else (height * size[0], width * size[1])
    y = memory.empty((channels, *new, batch), x.dtype)
    if y.size:
        (rows, old_rows, by_row), (columns, old_columns, by_column) = (
            _lists(small[k], size[k], interpolation, back) for k in range(2)
        )
        header = [*new, batch, height, width, len(old_rows), len(old_columns)]
        ints = np.concatenate([header, rows, old_rows, columns, old_columns]).astype(np.int64)
        weights = memory.constant([*by_row, *by_column], x.dtype)
        arrays = [y, layout.batch_innermost(x), weights]
        _resample(channels * new[0], y.size >= SMALL, arrays, ints)
    return layout.batch_outermost(y)


@op
def upsampling2d(
    x: Array, size: tuple[int, int], interpolation: Literal["nearest", "bilinear"]
) -> Array:
    """Return images whose rows and columns are size times as many.

    Returns:
        y (N, size[0] · H, size[1] · W, C), the batch innermost in memory.
    """
    return _resampled(x, size, interpolation, False)


@op
def upsampling2d_backward(
    grad_y: Array, size: tuple[int, int], interpolation: Literal["nearest", "bilinear"]
) -> Array:
    """Return grad_x: each place gets back what it gave."""
    return _resampled(grad_y, size, interpolation, True)
