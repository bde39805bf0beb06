"""Where each tap of a convolution finds its input: integer tables, made once per shape.

A packed row holds, channel by channel, one row of the image with its halo of zeros, the columns
of each stride phase together:

    row i:  channel 0: [phase 0: col 0, S, 2S, …][phase 1: col 1, S + 1, …] channel 1: …

so that for every tap the input of all outputs of a row is one run of numbers. For output row i,
tap k = (u, c, v), the run starts at row(i)·row_pitch + OFF[k], and its weight is at WOFF[k].

One form serves the forward pass and the gradient by x. Output i = q·P + p, with P phases, draws on
source cells q·S + o for the taps t of phase p:

    forward:        P = 1,  S = stride:  o = t·dilation − padding, every tap t
    gradient by x:  P = stride,  S = 1:  o = (p + padding − t·dilation) / stride, where that is whole

A plan is one array of integers: a header, then four tables at the places the header names.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

from npcnn.kernels.layout import shares
from npcnn.shapes import output_size, padding_before_after

Pair = tuple[int, int]
Axis = list[list[tuple[int, int]]]

# The header's entries, by index.
(
    ROW_PHASES, ROW_STEP, COLUMN_PHASES, COLUMN_STEP, FIRST_COLUMN, COLUMNS, CHANNEL_PITCH,
    ROW_PITCH, FIRST_ROW, LAST_ROW, TAPS, ROW_TAPS, COLUMN_COUNTS, OFF, WOFF, ROW_TABLE_WIDTH,
    W_STEP,
) = range(17)  # fmt: skip


class Geometry(NamedTuple):
    """What a convolution is, apart from its numbers."""

    x_shape: tuple[int, int, int, int]
    kernel_shape: tuple[int, int, int, int]
    strides: Pair
    padding: str
    dilation: Pair


def _pad(geometry: Geometry, axis: int) -> int:
    return padding_before_after(
        geometry.x_shape[1 + axis], geometry.kernel_shape[axis], geometry.strides[axis],
        geometry.padding, geometry.dilation[axis],
    )[0]  # fmt: skip


def _forward_axis(geometry: Geometry, axis: int) -> Axis:
    pad, step = _pad(geometry, axis), geometry.dilation[axis]
    return [[(t * step - pad, t) for t in range(geometry.kernel_shape[axis])]]


def _backward_axis(geometry: Geometry, axis: int) -> Axis:
    pad, step, stride = _pad(geometry, axis), geometry.dilation[axis], geometry.strides[axis]
    taps = range(geometry.kernel_shape[axis])
    return [
        sorted(
            ((p + pad - t * step) // stride, t) for t in taps if (p + pad - t * step) % stride == 0
        )
        for p in range(stride)
    ]


@functools.lru_cache(maxsize=256)
def forward_plan(geometry: Geometry) -> np.ndarray:
    """Return the plan that draws y from x; weights kernel[u, v, c, f], filters one apart."""
    kernel_shape, strides = geometry.kernel_shape, geometry.strides
    rows, columns = _forward_axis(geometry, 0), _forward_axis(geometry, 1)
    channels, filters = kernel_shape[2:]

    def weight(u: int, v: int, c: int) -> int:
        return ((u * kernel_shape[1] + v) * channels + c) * filters

    width = output_shape(geometry)[1]
    return _plan(rows, columns, strides, width, channels, geometry.x_shape[0], weight, 1)


@functools.lru_cache(maxsize=256)
def backward_plan(geometry: Geometry) -> np.ndarray:
    """Return the plan that draws grad_x from grad_y; its 'channels' are filters, and vice versa."""
    kernel_shape = geometry.kernel_shape
    rows, columns = _backward_axis(geometry, 0), _backward_axis(geometry, 1)
    channels, filters = kernel_shape[2:]

    def weight(u: int, v: int, f: int) -> int:
        return (u * kernel_shape[1] + v) * channels * filters + f

    # Columns at the end of y's rows are packed too, for the gradient by the kernel's sake.
    width = max(geometry.x_shape[2], output_shape(geometry)[1] * geometry.strides[1])
    return _plan(rows, columns, (1, 1), width, filters, geometry.x_shape[0], weight, filters)


def output_shape(geometry: Geometry) -> Pair:
    """Return how many rows and columns the output has."""
    rows, columns = (
        output_size(
            geometry.x_shape[1 + axis], geometry.kernel_shape[axis], geometry.strides[axis],
            geometry.padding, geometry.dilation[axis],
        )
        for axis in (0, 1)
    )  # fmt: skip
    return rows, columns


def source_rows(plan: np.ndarray, start: int, stop: int, height: int) -> Pair:
    """Return the first row that outputs start … stop − 1 draw on, and the one after the last."""
    first = start // plan[ROW_PHASES] * plan[ROW_STEP] + plan[FIRST_ROW]
    last = (stop - 1) // plan[ROW_PHASES] * plan[ROW_STEP] + plan[LAST_ROW] + 1
    first = min(max(first, 0), height)
    return first, max(min(last, height), first)


def part(total: int, index: int, parts: int) -> Pair:
    """Return where part `index` of so many starts and stops."""
    return total * index // parts, total * (index + 1) // parts


def _plan(rows: Axis, columns: Axis, steps: Pair, width: int, channels: int, batch: int,
          weight: object, w_step: int) -> np.ndarray:  # fmt: skip
    step = steps[1]
    offsets = [o for phase in columns for o, _ in phase] or [0]
    first = min(0, *offsets) if step == 1 else min(offsets)
    reach = max(0, *offsets) if step == 1 else max(offsets)
    per_phase = math.ceil(width / len(columns)) + (reach - first) // step
    channel_pitch = step * per_phase * batch
    row_pitch = channels * channel_pitch
    off: list[list[int]] = []
    woff: list[list[int]] = []
    for row_phase in rows:
        for column_phase in columns:
            off.append([])
            woff.append([])
            for o_row, u in row_phase:
                for c in range(channels):
                    for o_column, v in column_phase:
                        place = o_column - first
                        run = (place % step) * per_phase + place // step
                        off[-1].append(o_row * row_pitch + c * channel_pitch + run * batch)
                        woff[-1].append(weight(u, v, c))  # type: ignore[operator]
    taps = max(map(len, off))
    wide = 1 + max(map(len, rows))
    row_table = [[len(phase), *(o for o, _ in phase)] for phase in rows]
    row_offsets = [o for phase in rows for o, _ in phase] or [0]
    row_taps = 17
    column_counts = row_taps + len(rows) * wide
    off_start = column_counts + len(columns)
    woff_start = off_start + len(off) * taps
    header = [
        len(rows), steps[0], len(columns), step, first, per_phase, channel_pitch, row_pitch,
        min(row_offsets), max(row_offsets), taps, row_taps, column_counts, off_start, woff_start,
        wide, w_step,
    ]  # fmt: skip
    tables = [
        header,
        *([*line, *[0] * (wide - len(line))] for line in row_table),
        [len(phase) * channels for phase in columns],
        *([*line, *[0] * (taps - len(line))] for line in off),
        *([*line, *[0] * (taps - len(line))] for line in woff),
    ]
    return np.array([value for table in tables for value in table], np.int64)


class Call(NamedTuple):
    """All that a call needs to know of its shapes."""

    y_shape: tuple[int, int, int, int]  # (F, OH, OW, N), as it lies in memory
    forward: np.ndarray
    backward: np.ndarray
    small: bool  # not worth a parallel region
    blocks: int  # of rows
    groups: int  # of filters, forward
    x_size: int  # elements of a block's packed x
    g_size: int  # elements of a block's packed grad_y
    y_spare: int  # elements that slide_rows may need beside them
    x_spare: int
    pitch: int  # elements of a block's sums, backward


@functools.lru_cache(maxsize=256)
def prepare(geometry: Geometry, small: int, rows: int, vector_bytes: int, itemsize: int) -> Call:
    """Return the plans and sizes of a convolution; below `small` multiply-adds it stays whole."""
    batch, height, width, channels = geometry.x_shape
    taps, filters = geometry.kernel_shape[0] * geometry.kernel_shape[1], geometry.kernel_shape[3]
    out_height, out_width = output_shape(geometry)
    work = out_height * out_width * batch * taps * channels * filters
    blocks = 1 if work < small else shares(out_height, 3, 16)
    groups = 1 if work < small else shares(filters, rows, max(4 // blocks, 1))
    forward, backward = forward_plan(geometry), backward_plan(geometry)
    x_rows = g_rows = 0
    for block in range(blocks if work else 0):
        i0, i1 = part(out_height, block, blocks)
        first, last = source_rows(forward, i0, i1, height)
        x_rows = max(x_rows, last - first)
        first, last = source_rows(backward, *part(height, block, blocks), out_height)
        g_rows = max(g_rows, max(last, i1) - min(first, i0))
    lanes = vector_bytes // itemsize
    return Call(
        (filters, out_height, out_width, batch), forward, backward, work < small, blocks, groups,
        x_rows * int(forward[ROW_PITCH]), g_rows * int(backward[ROW_PITCH]),
        filters * max(out_width * batch, lanes), channels * max(width * batch, lanes),
        (filters + 1 + taps * channels * filters) * lanes,
    )  # fmt: skip
