"""What a convolution's call needs besides its arrays: a vector of integers, made once a shape."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import NamedTuple

import numpy as np

from npcnn.kernels.convolution import plans
from npcnn.kernels.convolution.plans import Geometry, Pair, output_shape, part, source_rows
from npcnn.kernels.run.layout import shares
from npcnn.kernels.run.records import reader
from npcnn.kernels.tiles import simd, tiles, winograd_tiles

# Multiply-adds below which one thread is done before a second has woken up.
SMALL = 400_000
# Rows, or half pairs, that a block has at least. In backward, each block packs the rows of grad_y
# beside its own once more.
ROWS_A_BLOCK = 3
# A row is short up to so many vectors, which are turned round at once; and up to one cell for so
# many bytes of sums, a vector for each tap and filter. Both are measured: few sums stay in the
# cache, and then to turn grad_y round is what costs.
SHORT, BYTES_A_CELL = 32, 400
# Short rows: cells that a block has at least, and no less than two rows.
CELLS_A_BLOCK = 128
# Lifted rows: cells at once, at most and as bytes of grad_y; and the least that are worth lifting:
# cells of a row, channels, and filters of each 16 lanes.
LIFTED_CELLS, LIFTED_BYTES = 512, 1 << 19
LEAST_CELLS, LEAST_CHANNELS, LEAST_FILTERS = 64, 12, 14
# Bytes of a channel, that is a group of its own, which are packed at once.
PLANE_BYTES = 1 << 18
# Bytes of source rows that all filters slide over before the next ones come.
CHUNK_BYTES = 1 << 16


@dataclasses.dataclass
class Header:
    """What a call's vector of integers begins with; the plans follow."""

    blocks: int = 1  # parts to cut into: of the rows
    groups: int = 1  # and of the filters
    mode: int = 0
    wanted: int = 0  # whether grad_x is
    grad_at: int = 0  # where things lie in a thread's scratch memory
    spare_at: int = 0
    pitch: int = 0  # from one block's sums to the next's
    packed: int = 0  # whether x's rows are
    forward: int = 0  # where the plans lie in the vector
    backward: int = 0
    # What rows in pairs need (`winograd.py`).
    paired: int = 0  # their tile's address
    kernel_columns: int = 0
    split: int = 0  # units a pair is cut into
    half: int = 0  # and the elements of the first
    chunk: int = 0  # elements that all filters pass together
    top: int = 0  # the first source row of pair 0
    weights_at: int = 0  # where lifted weights lie
    zeros_at: int = 0  # and a row of zeros
    # What short rows need (`outer.py`).
    cells: int = 0  # cells of grad_y turned round at once; 0: rows are long
    cells_at: int = 0  # where two tables of their places are
    turned_at: int = 0  # where they lie
    filter_pitch: int = 0  # and from one to the next
    # What lifted rows need besides (`lifted.py`).
    lifted: int = 0  # whether they are
    lifted_at: int = 0  # where x's lie
    lifted_pitch: int = 0  # from channel to channel
    leftmost: int = 0  # the first element that a row's first cell draws on
    nothing_at: int = 0  # where a row of zeros is


HEADER = len(dataclasses.fields(Header))
header_at = reader(Header)


class Call(NamedTuple):
    """What a call needs to know of its shapes."""

    y_block: tuple[int, int, int, int]  # (F, OH, OW, N), y as it lies in memory
    paired: bool
    parallel: bool
    tasks: int
    scratch: int
    totals: int
    ints: np.ndarray
    lifted: bool = False


def in_pairs(geometry: Geometry) -> bool:
    """Return whether rows are computed in pairs; with only 16 registers that is no faster.

    It does not depend on the batch: a sample's numbers are the same bits in any.
    """
    return (
        simd.WIDE
        and geometry.kernel_shape[0] == 3
        and geometry.strides == (1, 1)
        and geometry.dilation[0] == 1
        and min(geometry.x_shape[1], output_shape(geometry)[0]) >= 2
    )


def units_of(height: int, task: int, blocks: int, split: int) -> Pair:
    """Return which units of pairs of rows a task has: the first one, and the one after the last."""
    units = (height + 1) // 2 * split
    return units * task // blocks, units * (task + 1) // blocks


def rows_of_pairs(u0: int, u1: int, split: int, top: int, height: int) -> Pair:
    """Return the first source row that units u0 … u1 − 1 draw on, and the one after the last.

    Pair 0 draws on four rows from `top` on, the next on four from top + 2 on; there are `height`.
    """
    first = min(max(2 * (u0 // split) + top, 0), height)
    return first, max(min(2 * ((u1 + split - 1) // split) + top + 2, height), first)


def _header(geometry: Geometry, dtype: np.dtype, channels: int, single: bool) -> Header:
    """Return what the headers of both passes have in common.

    `channels` is how many the source rows have: x's going forward, grad_y's going back. `single`
    is for a channel that is a group of its own (`depthwise.py`).
    """
    rows, columns = output_shape(geometry)
    height, narrow = min(geometry.x_shape[1], rows), min(geometry.x_shape[2], columns)
    header = Header()
    header.kernel_columns = geometry.kernel_shape[1]
    header.forward, header.packed = HEADER, not plans.in_place(geometry, dtype)
    paired = in_pairs(geometry) and not single
    # Seven pairs on two threads would be three and four: half a pair more makes them equal.
    header.half = narrow // 2 * geometry.x_shape[0]
    header.split = 2 if header.half >= simd.lanes_of(dtype) else 1
    chunk = CHUNK_BYTES // (4 * channels * dtype.itemsize)
    line = max(geometry.x_shape[2], columns) * geometry.x_shape[0]
    header.chunk = min(max(chunk // 64, 1), line // 64 + 1) * 64
    if paired:
        header.paired = winograd_tiles.slide_address(dtype) or 1  # no address without the JIT
    if single:
        source = math.prod(geometry.x_shape) * dtype.itemsize
        while header.blocks * PLANE_BYTES < source and header.blocks * ROWS_A_BLOCK < rows:
            header.blocks *= 2
    elif plans.multiply_adds(geometry) >= SMALL:
        parts = (height + 1) // 2 * header.split if paired else rows
        header.blocks = shares(parts, ROWS_A_BLOCK, 16)
    return header


def _block(geometry: Geometry) -> tuple[int, int, int, int]:
    """Return y's shape as it lies in memory."""
    height, width = output_shape(geometry)
    if geometry.turned:
        height, width = width, height
    return geometry.kernel_shape[3], height, width, geometry.x_shape[0]


def _after_pairs(header: Header, geometry: Geometry, at: int) -> int:
    """Give lifted weights and zeros a place in the scratch memory; return what is behind them."""
    if not header.paired:
        return at
    header.weights_at = at
    header.zeros_at = at + 4 * math.prod(geometry.kernel_shape[1:])
    return header.zeros_at + 2 * header.chunk


def _drawn_on(header: Header, plan: list[int], block: int, height: int, source: int) -> Pair:
    """Return the first row that a block draws on, and the one after the last.

    Of the rows that are filled there are `height`, of those that are drawn on `source`.
    """
    if header.paired:
        units = units_of(height, block, header.blocks, header.split)
        return rows_of_pairs(*units, header.split, header.top, source)
    return source_rows(plan, 0, *part(height, block, header.blocks))


@functools.lru_cache(maxsize=256)
def forward_call(geometry: Geometry, dtype: np.dtype, mode: int, single: bool = False) -> Call:
    """Return what the forward pass of a convolution needs."""
    batch, height, width = geometry.x_shape[0], *output_shape(geometry)
    filters = geometry.kernel_shape[3]
    header = _header(geometry, dtype, geometry.x_shape[3], single)
    make = plans.paired_forward_plan if header.paired else plans.forward_plan
    plan = make(geometry, dtype)
    about = plans.plan_at(plan, 0)
    blocks, parallel, rows = header.blocks, plans.multiply_adds(geometry) >= SMALL, 0
    if parallel and not single:
        few = winograd_tiles.FILTERS if header.paired else tiles.ROWS
        header.groups = shares(filters, few, max(4 // blocks, 1))
    header.top = -plans.pad_before(geometry, 0)
    for block in range(blocks if header.packed and height * width * batch else 0):
        first, last = _drawn_on(header, plan, block, height, geometry.x_shape[1])
        rows = max(rows, last - first)
    header.mode, header.spare_at = mode, rows * about.row_pitch
    scratch = header.spare_at + filters * max(width * batch, 2 * about.lanes)
    scratch = _after_pairs(header, geometry, scratch)
    ints = np.array([*dataclasses.astuple(header), *plan], np.int64)
    y_block, tasks = _block(geometry), blocks * header.groups
    return Call(y_block, header.paired > 0, parallel, tasks, scratch, 0, ints)


def _cells(header: Header, geometry: Geometry, dtype: np.dtype) -> int:
    """Return how many cells of grad_y are turned round at once: 0 where rows are long.

    The kernel's gradient has a sum a block, so that blocks of few cells would do little but add.
    """
    lanes, (rows, columns) = simd.lanes_of(dtype), output_shape(geometry)
    line, sums = columns * geometry.x_shape[0], math.prod(geometry.kernel_shape)
    if not 0 < line <= min(SHORT * lanes, sums * simd.VECTOR_BYTES // BYTES_A_CELL):
        return 0
    if plans.multiply_adds(geometry) >= SMALL:
        header.blocks = shares(rows, max(-(-CELLS_A_BLOCK // line), 2), 16)
    header.packed = 1
    header.filter_pitch = -(-geometry.kernel_shape[3] // lanes) * lanes  # whole vectors
    header.cells = SHORT * lanes // line * line
    return header.cells


def _lifts(header: Header, geometry: Geometry, dtype: np.dtype) -> bool:
    """Return whether the kernel's gradient draws on lifted rows, and write that down.

    It does where a row of grad_y has cells, and its filters fill the vectors, to make up for
    lifting and turning them.
    """
    filters, lanes = geometry.kernel_shape[3], simd.lanes_of(dtype)
    wide = -(-filters // lanes) * lanes
    line = output_shape(geometry)[1] * geometry.x_shape[0]
    if not header.paired or line < LEAST_CELLS or geometry.x_shape[3] < LEAST_CHANNELS:
        return False
    if filters * 16 < LEAST_FILTERS * wide:
        return False
    if plans.multiply_adds(geometry) >= SMALL:  # of few rows too, each thread gets some
        header.blocks = max(header.blocks, shares(output_shape(geometry)[0], 2, 2))
    cells = LIFTED_BYTES // (4 * wide * dtype.itemsize) // LEAST_CELLS * LEAST_CELLS
    header.lifted, header.filter_pitch = 1, wide
    header.cells = min(max(cells, LEAST_CELLS), LIFTED_CELLS)
    return True


def _after_lifted(header: Header, geometry: Geometry, at: int) -> tuple[int, list[int]]:
    """Give lifted rows a place in the scratch memory; return what is behind, and their tables.

    Of these there are three: where each cell of x and of grad_y lies, and each column's taps.
    """
    batch, most = geometry.x_shape[0], header.cells + header.cells // 2
    offsets = [o for o, _ in plans.forward_axis(geometry, 1)[0]]
    header.leftmost = min(offsets) * batch
    header.lifted_pitch = most + (max(offsets) - min(offsets)) * batch
    header.turned_at = at
    header.lifted_at = header.turned_at + 4 * most * header.filter_pitch
    header.nothing_at = header.lifted_at + 4 * tiles.ROWS * header.lifted_pitch
    table = [*range(most), *(cell * header.filter_pitch for cell in range(most))]
    table += [o * batch - header.leftmost for o in offsets]
    return header.nothing_at + header.lifted_pitch, table


def _places(header: Header, plan: list[int], line: int) -> list[int]:
    """Return where each cell is: in x's packed rows, and in those of grad_y turned round."""
    about = plans.plan_at(plan, 0)
    step = about.row_step * about.row_pitch
    cells = range(header.cells)
    of_x = [cell // line * step + cell % line for cell in cells]
    return of_x + [cell * header.filter_pitch for cell in cells]


@functools.lru_cache(maxsize=256)
def backward_call(
    geometry: Geometry, dtype: np.dtype, masked: int, wanted: int, single: bool = False,
    lifts: bool = True,
) -> Call:  # fmt: skip
    """Return what the backward pass of a convolution needs; without `lifts`, no row is lifted."""
    batch, height, width, channels = geometry.x_shape
    filters, out_height, out_width = geometry.kernel_shape[3], *output_shape(geometry)
    header = _header(geometry, dtype, filters, single)
    lifted = lifts and _lifts(header, geometry, dtype)
    cells = 0 if lifted or single else _cells(header, geometry, dtype)
    header.packed |= single
    if cells or single:
        dots = plans.forward_plan(geometry, dtype, True)
    else:
        dots = plans.dot_plan(geometry, dtype)
    make = plans.paired_backward_plan if header.paired else plans.backward_plan
    backward = make(geometry, dtype)
    of_x, of_y = plans.plan_at(dots, 0), plans.plan_at(backward, 0)
    header.top = plans.pad_before(geometry, 0) - 2
    blocks, x_rows, g_rows = header.blocks, 0, 0
    for block in range(blocks if out_height * out_width * batch else 0):
        i0, i1 = part(out_height, block, blocks)
        first, last = source_rows(dots, 0, i0, i1)
        x_rows = max(x_rows, last - first) if header.packed and not lifted else 0
        first, last = _drawn_on(header, backward, block, height, out_height)
        g_rows = max(g_rows, max(last, i1) - min(first, i0))
    taps = math.prod(geometry.kernel_shape[:3])
    header.mode, header.wanted, header.backward = masked, wanted, HEADER + len(dots)
    sums = taps * (header.filter_pitch or filters * of_x.lanes)
    if lifted:
        sums = sums // 3 * 4
    header.pitch = (filters + 1) * of_x.lanes + sums
    header.grad_at = x_rows * of_x.row_pitch
    header.spare_at = header.grad_at + g_rows * of_y.row_pitch
    scratch = header.spare_at + channels * max(width * batch, 2 * of_x.lanes)
    scratch = _after_pairs(header, geometry, scratch)
    header.cells_at = HEADER + len(dots) + len(backward)
    places: list[int] = []
    if lifted:
        scratch, places = _after_lifted(header, geometry, scratch)
    elif cells:
        header.turned_at, scratch = scratch, scratch + cells * header.filter_pitch
        places = _places(header, dots, out_width * batch)
    ints = np.array([*dataclasses.astuple(header), *dots, *backward, *places], np.int64)
    parallel, totals = plans.multiply_adds(geometry) >= SMALL, blocks * header.pitch
    paired = header.paired > 0
    return Call(_block(geometry), paired, parallel, blocks, scratch, totals, ints, lifted)
