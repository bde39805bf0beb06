"""Where each tap of a convolution finds its input: integer tables, made once per shape.

A packed row holds, channel by channel, one row of the image with its halo of zeros, the columns
of each stride phase together:

    row i:  channel 0: [phase 0: col 0, S, 2S, …][phase 1: col 1, S + 1, …] channel 1: …

so that for every tap the input of all outputs of a row is one run of numbers. For output row i,
tap k = (u, c, v), the run starts at row(i)·row_pitch + OFF[k], and its weight is at WOFF[k].

Where the columns' stride is 1 and the batch fills a vector, x is read where it lies. Columns
near the edges, whose windows reach outside, are then *segments* of their own, with fewer taps;
the inner columns are one long segment.

One form serves the forward pass and the gradient by x. Output i = q·P + p, with P phases, draws on
source cells q·S + o for the taps t of phase p:

    forward:        P = 1,  S = stride:  o = t·dilation − padding, every tap t
    gradient by x:  P = stride,  S = 1:  o = (p + padding − t·dilation) / stride, where whole

A plan is a vector of integers: a header (`Plan`), then four tables at the places the header names,
counted from the plan's own start. `calls.py` makes a call's integers of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from npcnn.kernels.run.records import reader
from npcnn.kernels.tiles import simd, tiles
from npcnn.shapes import output_size, padding_before_after

Pair = tuple[int, int]
Axis = list[list[tuple[int, int]]]
Weight = Callable[[int, int, int], int]  # from row, column and channel of a tap


class Plan(NamedTuple):
    """A plan's header."""

    channels: int  # of the source, whose sizes these are
    height: int
    width: int
    batch: int
    out_channels: int
    out_height: int
    out_width: int
    lanes: int  # numbers of a vector
    tiles: int  # the address of slide_tile
    dot_tiles: int  # and of dot_tile
    w_step: int  # from a filter's weight to the next filter's
    row_phases: int  # P of the rows
    row_step: int  # S of the rows
    first_row: int  # the least and the greatest offset of a row
    last_row: int
    row_table_width: int  # from one row phase's taps to the next's
    column_step: int  # S of the columns
    first_column: int  # the column with which a packed row begins
    columns: int  # of each stride phase of a packed row
    channel_pitch: int
    row_pitch: int
    taps: int  # of a segment, at most
    segments: int  # of a row
    segment_table: int  # where the tables lie
    off: int
    woff: int


class Segment(NamedTuple):
    """Of a segment of a row, in the second table."""

    per_tap: int  # taps a row of the kernel
    start: int  # first output column
    every: int  # output columns from one to the next
    columns: int  # how many
    base: int  # what to add to the taps' offsets


# The first table: of each row phase, how many taps and their offsets. The second: the segments.
ROW_TAPS, SEGMENT = len(Plan._fields), len(Segment._fields)
plan_at, segment_at = reader(Plan), reader(Segment)


class Geometry(NamedTuple):
    """What a convolution is, apart from its numbers."""

    x_shape: tuple[int, int, int, int]
    kernel_shape: tuple[int, int, int, int]
    strides: Pair
    padding: str | tuple[Pair, Pair]  # or, of rows and of columns: zeros before, how many windows
    dilation: Pair
    turned: bool = False  # rows and columns swapped; the kernel's weights lie as they did


def geometry_of(x_shape: tuple[int, ...], kernel_shape: tuple[int, ...], strides: Pair,
                padding: str, dilation: Pair) -> Geometry:  # fmt: skip
    """Return a convolution's geometry: of one column, turned into one row.

    Both lie alike in memory, and a row is the run of numbers that vectors work on.
    """
    upright = Geometry(x_shape, kernel_shape, strides, padding, dilation)  # type: ignore[arg-type]
    batch, height, width, channels = x_shape
    if width != 1 or height == 1 or output_shape(upright)[1] != 1:
        return upright
    rows, columns, *rest = kernel_shape
    return Geometry(
        (batch, 1, height, channels), (columns, rows, rest[0], rest[1]), strides[::-1], padding,
        dilation[::-1], turned=True,
    )  # fmt: skip


def tap(geometry: Geometry, u: int, v: int) -> int:
    """Return which of the kernel's taps, as they lie, stands in row u and column v."""
    rows, columns = geometry.kernel_shape[:2]
    return v * rows + u if geometry.turned else u * columns + v


def output_shape(geometry: Geometry) -> Pair:
    """Return how many rows and columns the output has."""
    if not isinstance(geometry.padding, str):
        return geometry.padding[0][1], geometry.padding[1][1]
    rows, columns = (
        output_size(
            geometry.x_shape[1 + axis], geometry.kernel_shape[axis], geometry.strides[axis],
            geometry.padding, geometry.dilation[axis],
        )
        for axis in (0, 1)
    )  # fmt: skip
    return rows, columns


def source_rows(ints: Any, p: int, start: int, stop: int) -> Pair:
    """Return the first row that outputs start … stop − 1 draw on, and the one after the last."""
    plan = plan_at(ints, p)
    first = start // plan.row_phases * plan.row_step + plan.first_row
    last = (stop - 1) // plan.row_phases * plan.row_step + plan.last_row + 1
    first = min(max(first, 0), plan.height)
    return first, max(min(last, plan.height), first)


def part(total: int, index: int, parts: int) -> Pair:
    """Return where part `index` of so many starts and stops."""
    return total * index // parts, total * (index + 1) // parts


def multiply_adds(geometry: Geometry) -> int:
    """Return how many multiply-adds the plain sum takes."""
    height, width = output_shape(geometry)
    return height * width * geometry.x_shape[0] * math.prod(geometry.kernel_shape)


def pad_before(geometry: Geometry, axis: int) -> int:
    """Return how many rows or columns of zeros lie before the image."""
    if not isinstance(geometry.padding, str):
        return geometry.padding[axis][0]
    return padding_before_after(
        geometry.x_shape[1 + axis], geometry.kernel_shape[axis], geometry.strides[axis],
        geometry.padding, geometry.dilation[axis],
    )[0]  # fmt: skip


def forward_axis(geometry: Geometry, axis: int) -> Axis:
    """Return each tap's offset, from an output's place to the source cell's."""
    pad, step = pad_before(geometry, axis), geometry.dilation[axis]
    return [[(t * step - pad, t) for t in range(geometry.kernel_shape[axis])]]


def backward_axis(geometry: Geometry, axis: int) -> Axis:
    """Return the same for the gradient by x, for each stride phase, in the order of the offsets."""
    pad, step, stride = pad_before(geometry, axis), geometry.dilation[axis], geometry.strides[axis]
    taps = range(geometry.kernel_shape[axis])
    return [
        sorted(
            ((p + pad - t * step) // stride, t) for t in taps if (p + pad - t * step) % stride == 0
        )
        for p in range(stride)
    ]


def in_place(geometry: Geometry, dtype: np.dtype) -> bool:
    """Return whether x can be read where it lies."""
    return geometry.strides[1] == 1 and geometry.x_shape[0] >= simd.lanes_of(dtype)


class _Segment(NamedTuple):
    """Columns of a row that draw on the same taps."""

    taps: list[tuple[int, int]]  # offset of the run, column of the kernel
    start: int
    every: int
    columns: int
    base: int


class _Memory(NamedTuple):
    """How the source's rows lie in memory."""

    first: int  # column with which a row begins
    columns: int  # of each stride phase
    channel_pitch: int
    row_pitch: int


def packed(columns: Axis, step: int, width: int, channels: int, batch: int
            ) -> tuple[_Memory, list[_Segment]]:  # fmt: skip
    """Return the layout of packed rows, and a segment for each phase of the output's columns."""
    offsets = [o for phase in columns for o, _ in phase] or [0]
    first, reach = min(offsets), max(offsets)
    if step == 1:  # the packed row begins and ends with the image's own, or outside
        first, reach = min(first, 0), max(reach, 0)
    per_phase = math.ceil(width / len(columns)) + (reach - first) // step
    memory = _Memory(
        first, per_phase, step * per_phase * batch, channels * step * per_phase * batch
    )
    segments = []
    for phase, taps in enumerate(columns):
        runs = [
            (((o - first) % step * per_phase + (o - first) // step) * batch, v) for o, v in taps
        ]
        count = (width - phase + len(columns) - 1) // len(columns)
        segments.append(_Segment(runs, phase, len(columns), count, 0))
    return memory, segments


def lying(geometry: Geometry) -> tuple[_Memory, list[_Segment]]:
    """Return the layout of x itself, and a segment for each run of columns with the same taps."""
    batch, height, width, _ = geometry.x_shape
    taps = forward_axis(geometry, 1)[0]
    segments: list[_Segment] = []
    for j in range(output_shape(geometry)[1]):
        inside = [(o * batch, v) for o, v in taps if 0 <= j + o < width]
        if segments and segments[-1].taps == inside:
            segments[-1] = segments[-1]._replace(columns=segments[-1].columns + 1)
        else:
            segments.append(_Segment(inside, j, 1, 1, j * batch))
    return _Memory(0, width, height * width * batch, width * batch), segments


def forward_plan(geometry: Geometry, dtype: np.dtype, copied: bool = False) -> list[int]:
    """Return the plan that draws y from x; weights kernel[u, v, c, f], filters one apart.

    With `copied`, x's rows are packed even where they could be read in place.
    """
    batch, height, width, channels = geometry.x_shape
    filters, out = geometry.kernel_shape[3], output_shape(geometry)

    def weight(u: int, v: int, c: int) -> int:
        return (tap(geometry, u, v) * channels + c) * filters

    sizes = [channels, height, width, batch, filters, *out]
    if in_place(geometry, dtype) and not copied:
        memory, segments = lying(geometry)
    else:
        across = forward_axis(geometry, 1)
        memory, segments = packed(across, geometry.strides[1], out[1], channels, batch)
    rows = forward_axis(geometry, 0)
    return make_plan(sizes, dtype, rows, geometry.strides, memory, segments, weight, 1)


def backward_plan(geometry: Geometry, dtype: np.dtype) -> list[int]:
    """Return the plan that draws grad_x from grad_y: filters are its channels, and vice versa."""
    batch, height, width, channels = geometry.x_shape
    filters, out = geometry.kernel_shape[3], output_shape(geometry)

    def weight(u: int, v: int, f: int) -> int:
        return tap(geometry, u, v) * channels * filters + f

    sizes = [filters, *out, batch, channels, height, width]
    # All of grad_y's columns are packed, also those no grad_x draws on: grad_kernel does.
    wide = max(width, out[1] * geometry.strides[1])
    memory, segments = packed(backward_axis(geometry, 1), 1, wide, filters, batch)
    stride = geometry.strides[1]
    segments = [
        segment._replace(columns=(width - segment.start + stride - 1) // stride)
        for segment in segments
    ]
    rows = backward_axis(geometry, 0)
    return make_plan(sizes, dtype, rows, (1, 1), memory, segments, weight, filters)


def paired_forward_plan(geometry: Geometry, dtype: np.dtype) -> list[int]:
    """Return the plan that draws pairs of y's rows from x (`winograd.py`).

    It is the plan of a kernel of one row: where a tap finds its input in any of the source rows.
    The table of weights has each tap's place c·KW + v.
    """
    batch, height, width, channels = geometry.x_shape
    out = output_shape(geometry)
    if in_place(geometry, dtype):
        memory, segments = lying(geometry)
    else:
        memory, segments = packed(forward_axis(geometry, 1), 1, out[1], channels, batch)
    sizes = [channels, height, width, batch, geometry.kernel_shape[3], *out]
    place = _place(geometry)
    return make_plan(sizes, dtype, [[(0, 0)]], (1, 1), memory, segments, place, 1)


def paired_backward_plan(geometry: Geometry, dtype: np.dtype) -> list[int]:
    """Return the plan that draws pairs of grad_x's rows from packed rows of grad_y."""
    batch, height, width, channels = geometry.x_shape
    filters, out = geometry.kernel_shape[3], output_shape(geometry)
    memory, segments = packed(backward_axis(geometry, 1), 1, max(width, out[1]), filters, batch)
    segments = [segments[0]._replace(columns=width)]
    sizes, place = [filters, *out, batch, channels, height, width], _place(geometry)
    return make_plan(sizes, dtype, [[(0, 0)]], (1, 1), memory, segments, place, 1)


def _place(geometry: Geometry) -> Weight:
    return lambda _, v, c: c * geometry.kernel_shape[1] + v


def dot_plan(geometry: Geometry, dtype: np.dtype) -> list[int]:
    """Return the plan by which grad_kernel pairs x with grad_y.

    Where x lies in place, it is grad_y's packed rows, with their halo of zeros, that shift: a
    segment for each column of the kernel, its BASE counted in grad_y. Else, x's packed rows shift.
    """
    batch, height, width, channels = geometry.x_shape
    filters, out = geometry.kernel_shape[3], output_shape(geometry)
    if not in_place(geometry, dtype):
        return forward_plan(geometry, dtype)

    def weight(u: int, v: int, c: int) -> int:
        return (tap(geometry, u, v) * channels + c) * filters

    memory = _Memory(0, width, height * width * batch, width * batch)
    segments = [
        _Segment([(0, v)], 0, 1, width, -o * batch) for o, v in forward_axis(geometry, 1)[0]
    ]
    sizes = [channels, height, width, batch, filters, *out]
    rows = forward_axis(geometry, 0)
    return make_plan(sizes, dtype, rows, geometry.strides, memory, segments, weight, 1)


def make_plan(sizes: list[int], dtype: np.dtype, rows: Axis, steps: Pair, memory: _Memory,
          segments: list[_Segment], weight: Weight, w_step: int,
          ) -> list[int]:  # fmt: skip
    """Return a plan of these parts, weights `w_step` apart from filter to filter."""
    channels = sizes[0]
    off, woff = [], []
    for row_phase in rows:
        for segment in segments:
            taps = [(o, u, c, run, v) for o, u in row_phase for c in range(channels)
                    for run, v in segment.taps]  # fmt: skip
            off.append(
                [o * memory.row_pitch + c * memory.channel_pitch + run for o, _, c, run, _ in taps]
            )
            woff.append([weight(u, v, c) for _, u, c, _, v in taps])
    row_offsets = [o for phase in rows for o, _ in phase] or [0]
    row_table = [[len(phase), *(o for o, _ in phase)] for phase in rows]
    most, wide = max(map(len, off)), max(map(len, row_table))
    segments_at = ROW_TAPS + len(rows) * wide
    off_at = segments_at + len(segments) * SEGMENT
    woff_at = off_at + len(off) * most
    plan = [
        *sizes, simd.lanes_of(dtype), tiles.slide_address(dtype), tiles.dot_address(dtype), w_step,
        len(rows), steps[0], min(row_offsets), max(row_offsets), wide, steps[1], memory.first,
        memory.columns, memory.channel_pitch, memory.row_pitch, most, len(segments), segments_at,
        off_at, woff_at,
    ]  # fmt: skip
    for line in row_table:
        plan += line + [0] * (wide - len(line))
    for segment in segments:
        plan += [len(segment.taps) * channels, *segment[1:]]
    for line in (*off, *woff):
        plan += line + [0] * (most - len(line))
    return plan
