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

A plan is a row of integers: a header, then four tables at the places the header names, counted
from the plan's own start. A call's integers are a header of their own and then its plans.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from npcnn.kernels import simd, tiles
from npcnn.kernels.layout import shares
from npcnn.shapes import output_size, padding_before_after

Pair = tuple[int, int]
Axis = list[list[tuple[int, int]]]

# A plan's header, by index.
(
    CHANNELS, HEIGHT, WIDTH, BATCH, OUT_CHANNELS, OUT_HEIGHT, OUT_WIDTH, LANES, TILES, DOT_TILES,
    W_STEP, ROW_PHASES, ROW_STEP, FIRST_ROW, LAST_ROW, ROW_TABLE_WIDTH, COLUMN_PHASES, COLUMN_STEP,
    FIRST_COLUMN, COLUMNS, CHANNEL_PITCH, ROW_PITCH, TAPS, COLUMN_COUNTS, OFF, WOFF,
) = range(26)  # fmt: skip
ROW_TAPS = 26  # the first table: of each row phase, how many taps and their offsets

# A call's header: parts to cut into, options, and where things lie in a thread's scratch memory.
BLOCKS, GROUPS, MODE, WANTED, GRAD_AT, SPARE_AT, PITCH, FORWARD, BACKWARD = range(9)
HEADER = 9

# Multiply-adds below which one thread is done before a second has woken up.
SMALL = 400_000


class Geometry(NamedTuple):
    """What a convolution is, apart from its numbers."""

    x_shape: tuple[int, int, int, int]
    kernel_shape: tuple[int, int, int, int]
    strides: Pair
    padding: str
    dilation: Pair


class Call(NamedTuple):
    """What a call needs to know of its shapes."""

    y_block: tuple[int, int, int, int]  # (F, OH, OW, N), y as it lies in memory
    parallel: bool
    tasks: int
    scratch: int
    totals: int
    ints: np.ndarray


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


def source_rows(ints: Any, p: int, start: int, stop: int) -> Pair:
    """Return the first row that outputs start … stop − 1 draw on, and the one after the last."""
    first = start // ints[p + ROW_PHASES] * ints[p + ROW_STEP] + ints[p + FIRST_ROW]
    last = (stop - 1) // ints[p + ROW_PHASES] * ints[p + ROW_STEP] + ints[p + LAST_ROW] + 1
    first = min(max(first, 0), ints[p + HEIGHT])
    return first, max(min(last, ints[p + HEIGHT]), first)


def part(total: int, index: int, parts: int) -> Pair:
    """Return where part `index` of so many starts and stops."""
    return total * index // parts, total * (index + 1) // parts


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


def forward_plan(geometry: Geometry, dtype: np.dtype) -> list[int]:
    """Return the plan that draws y from x; weights kernel[u, v, c, f], filters one apart."""
    batch, height, width, channels = geometry.x_shape
    kernel_shape, out = geometry.kernel_shape, output_shape(geometry)
    columns = kernel_shape[1]
    filters = kernel_shape[3]

    def weight(u: int, v: int, c: int) -> int:
        return ((u * columns + v) * channels + c) * filters

    sizes = [channels, height, width, batch, filters, *out]
    axes = _forward_axis(geometry, 0), _forward_axis(geometry, 1)
    return _plan(sizes, dtype, axes, geometry.strides, out[1], weight, 1)


def backward_plan(geometry: Geometry, dtype: np.dtype) -> list[int]:
    """Return the plan that draws grad_x from grad_y: filters are its channels, and vice versa."""
    batch, height, width, channels = geometry.x_shape
    kernel_shape, out = geometry.kernel_shape, output_shape(geometry)
    columns, filters = kernel_shape[1], kernel_shape[3]

    def weight(u: int, v: int, f: int) -> int:
        return (u * columns + v) * channels * filters + f

    sizes = [filters, *out, batch, channels, height, width]
    axes = _backward_axis(geometry, 0), _backward_axis(geometry, 1)
    # All of grad_y's columns are packed, also those no grad_x draws on: grad_kernel does.
    wide = max(width, out[1] * geometry.strides[1])
    return _plan(sizes, dtype, axes, (1, 1), wide, weight, filters)


def _plan(sizes: list[int], dtype: np.dtype, axes: tuple[Axis, Axis], steps: Pair, width: int,
          weight: Callable[[int, int, int], int], w_step: int) -> list[int]:  # fmt: skip
    rows, columns = axes
    channels, batch, step = sizes[0], sizes[3], steps[1]
    offsets = [o for phase in columns for o, _ in phase] or [0]
    first, reach = min(offsets), max(offsets)
    if step == 1:  # the packed row begins and ends with the image's own, or outside
        first, reach = min(first, 0), max(reach, 0)
    per_phase = math.ceil(width / len(columns)) + (reach - first) // step
    channel_pitch = step * per_phase * batch
    row_pitch = channels * channel_pitch
    off, woff = [], []
    for row_phase in rows:
        for column_phase in columns:
            taps = [(o, u, c, q, v) for o, u in row_phase for c in range(channels)
                    for q, v in column_phase]  # fmt: skip
            starts = [
                o * row_pitch + c * channel_pitch
                + ((q - first) % step * per_phase + (q - first) // step) * batch
                for o, _, c, q, _ in taps
            ]  # fmt: skip
            off.append(starts)
            woff.append([weight(u, v, c) for _, u, c, _, v in taps])
    row_offsets = [o for phase in rows for o, _ in phase] or [0]
    row_table = [[len(phase), *(o for o, _ in phase)] for phase in rows]
    most, wide = max(map(len, off)), max(map(len, row_table))
    counts_at = ROW_TAPS + len(rows) * wide
    off_at = counts_at + len(columns)
    woff_at = off_at + len(off) * most
    plan = [
        *sizes, simd.lanes_of(dtype), tiles.slide_address(dtype), tiles.dot_address(dtype), w_step,
        len(rows), steps[0], min(row_offsets), max(row_offsets), wide,
        len(columns), step, first, per_phase, channel_pitch, row_pitch, most,
        counts_at, off_at, woff_at,
    ]  # fmt: skip
    for line in row_table:
        plan += line + [0] * (wide - len(line))
    plan += [len(phase) * channels for phase in columns]
    for line in (*off, *woff):
        plan += line + [0] * (most - len(line))
    return plan


def _cuts(geometry: Geometry) -> tuple[int, int, int]:
    """Return the multiply-adds, and into how many blocks of rows and groups of filters to cut."""
    height, width = output_shape(geometry)
    taps, filters = math.prod(geometry.kernel_shape[:3]), geometry.kernel_shape[3]
    work = height * width * geometry.x_shape[0] * taps * filters
    if work < SMALL:
        return work, 1, 1
    blocks = shares(height, 3, 16)
    return work, blocks, shares(filters, tiles.ROWS, max(4 // blocks, 1))


@functools.lru_cache(maxsize=256)
def forward_call(geometry: Geometry, dtype: np.dtype, mode: int) -> Call:
    """Return what the forward pass of a convolution needs."""
    plan = forward_plan(geometry, dtype)
    batch, height, width = geometry.x_shape[0], *output_shape(geometry)
    filters = geometry.kernel_shape[3]
    work, blocks, groups = _cuts(geometry)
    rows = 0
    for block in range(blocks if work else 0):
        first, last = source_rows(plan, 0, *part(height, block, blocks))
        rows = max(rows, last - first)
    packed = rows * plan[ROW_PITCH]
    spare = filters * max(width * batch, plan[LANES])
    header = [blocks, groups, mode, 0, 0, packed, 0, HEADER, 0]
    ints = np.array(header + plan, np.int64)
    y_block = (filters, height, width, batch)
    return Call(y_block, work >= SMALL, blocks * groups, packed + spare, 0, ints)


@functools.lru_cache(maxsize=256)
def backward_call(geometry: Geometry, dtype: np.dtype, masked: int, wanted: int) -> Call:
    """Return what the backward pass of a convolution needs."""
    forward, backward = forward_plan(geometry, dtype), backward_plan(geometry, dtype)
    batch, height, width, channels = geometry.x_shape
    out_height, out_width = output_shape(geometry)
    work, blocks, _ = _cuts(geometry)
    x_rows = g_rows = 0
    for block in range(blocks if work else 0):
        i0, i1 = part(out_height, block, blocks)
        first, last = source_rows(forward, 0, i0, i1)
        x_rows = max(x_rows, last - first)
        first, last = source_rows(backward, 0, *part(height, block, blocks))
        g_rows = max(g_rows, max(last, i1) - min(first, i0))
    x_size, g_size = x_rows * forward[ROW_PITCH], g_rows * backward[ROW_PITCH]
    spare = channels * max(width * batch, forward[LANES])
    pitch = (forward[OUT_CHANNELS] * (1 + forward[TAPS]) + 1) * forward[LANES]
    header = [
        blocks, 1, masked, wanted, x_size, x_size + g_size, pitch, HEADER, HEADER + len(forward),
    ]  # fmt: skip
    ints = np.array(header + forward + backward, np.int64)
    y_block = (forward[OUT_CHANNELS], out_height, out_width, batch)
    scratch = x_size + g_size + spare
    return Call(y_block, work >= SMALL, blocks, scratch, blocks * pitch, ints)
