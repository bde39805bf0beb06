"""The fully connected layer on the same tiles as convolution, with its backward under it.

With the batch innermost, y (units, N) = kernelᵀ x is a convolution of one pixel: rows of x (in, N)
slide under the filters. grad_x is the same with the kernel read across. For grad_kernel the batch
is summed over and the units run along the vectors, so that grad_y is turned round first.

Arguments and examples are those of `npcnn.reference.dense`.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.convolution import calls, plans
from npcnn.kernels.convolution.slide import dot_block, part, slide_run
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import ZERO, helper
from npcnn.kernels.run.records import reader
from npcnn.kernels.tiles import simd, tiles
from npcnn.kernels.tiles.runs import copy_run, masked_run, sum_lanes, zero_run
from npcnn.kernels.tiles.simd import moved

Array = np.ndarray

# Parts no smaller than this many rows of tiles' filters: four tiles.
ROWS = 4 * tiles.ROWS
# With few samples, parts of so many vectors of units: a row of the kernel is read in pieces.
VECTORS = 2 * tiles.VECTORS
FEW = tiles.ROWS
# Bytes from which on a kernel's row is long.
LONG = 1 << 10


class _Header(NamedTuple):
    """What a call's vector of integers begins with; its plans follow."""

    inputs: int
    units: int
    batch: int
    lanes: int
    mode: int
    tasks: int
    batch_pitch: int  # from unit to unit, a sample beside the other
    unit_pitch: int  # and from sample to sample
    wanted: int  # whether grad_x is
    sums_at: int  # where those for the bias lie
    first: int  # where the plans do
    second: int


HEADER = len(_Header._fields)
_header_at = reader(_Header)


def _product(dtype: np.dtype, taps: int, pitch: int, w_pitch: int, w_step: int,
             dot_tiles: int = 0, filters: int = 0) -> list[int]:  # fmt: skip
    """Return a plan for out[f, t] = Σₖ w[k·w_pitch + f·w_step] · buf[k·pitch + t].

    Where sums run along the rows, `dot_tiles` is their tile's address, and `filters` how many.
    """
    plan = plans.Plan(*[0] * plans.ROW_TAPS)._replace(
        lanes=simd.lanes_of(dtype), tiles=tiles.slide_address(dtype), w_step=w_step,
        dot_tiles=dot_tiles, out_channels=filters, off=plans.ROW_TAPS, woff=plans.ROW_TAPS + taps,
    )  # fmt: skip
    return [*plan, *(k * pitch for k in range(taps)), *(k * w_pitch for k in range(taps))]


@functools.lru_cache(maxsize=256)
def _forward_call(
    n: int, inputs: int, units: int, dtype: np.dtype, mode: int
) -> tuple[int, int, Array]:
    lanes = simd.lanes_of(dtype)
    least = ROWS if n >= lanes else VECTORS * lanes
    parts = 1 if n * inputs * units < calls.SMALL else layout.shares(units, least, 16)
    wide = -(-units // parts) if units * dtype.itemsize >= LONG else units
    header = _Header(inputs, units, n, lanes, mode, parts, n, wide, 0, 0, HEADER, 0)
    if n >= lanes:
        plan, room = _product(dtype, inputs, n, wide, 1), inputs * wide if wide < units else 0
    else:  # samples for filters, units along the vectors
        plan, room = _product(dtype, inputs, units, n, 1), n * max(units, lanes)
    return parts, room, np.array([*header, *plan], np.int64)


@Body
def _forward(task, ints, scratch, x, w, bias, y, zeros):
    """Fill some units of y (units, N)."""
    call = _header_at(ints, 0)
    p, batch, units, inputs = call.first, call.batch, call.units, call.inputs
    u0, u1 = part(units, task, call.tasks)
    if batch >= call.lanes:
        weights, pitch = moved(w, u0), call.unit_pitch
        # Long rows of a kernel: those units' weights side by side. From tap to tap they lie a row
        # apart, and of such rows few fit into the first-level cache at once.
        if pitch < units:
            for k in range(inputs):
                copy_run(scratch, k * pitch, weights, k * units, u1 - u0)
            weights = scratch
        end, to = (moved(bias, u0), call.mode), (y, u0 * batch, batch, batch)
        slide_run(ints, p, (ZERO, ZERO, inputs), (ZERO, u1 - u0), weights, (x, ZERO), end, to)
        return
    # A vector of a row too short for it has the next row's beginning behind, which is not used;
    # the last rows have nothing behind.
    wide = max(u1 - u0, call.lanes)
    rows = max(inputs - (u0 + wide - 1) // units, 0)
    end, to = (zeros, ZERO), (scratch, ZERO, wide, wide)
    slide_run(ints, p, (ZERO, ZERO, rows), (ZERO, batch), x, (w, u0), end, to)
    for n in range(batch):
        for k in range(rows, inputs):
            for u in range(u0, u1):
                scratch[n * wide + u - u0] += x[k * batch + n] * w[k * units + u]
    for u in range(u0, u1):
        for n in range(batch):
            value = scratch[n * wide + u - u0] + bias[u]
            if call.mode and value < 0:
                y[u * batch + n] = 0
            else:
                y[u * batch + n] = value


@op
def dense(x: Array, kernel: Array, bias: Array | None, activation: str) -> Array:
    """Return y = x @ kernel + bias, and max(y, 0) of it where activation is 'relu'.

    Returns:
        y (N, …, units), the batch innermost in memory.
    """
    dtype, (inputs, units) = x.dtype, kernel.shape
    n = x.size // inputs  # in memory, all axes but the last are one
    mode = tiles.RELU if activation == "relu" else 0
    parts, room, ints = _forward_call(n, inputs, units, dtype, mode)
    y = memory.empty((units, n), dtype)
    if y.size:
        bias = layout.zeros(units, dtype) if bias is None else layout.contiguous(bias)
        zeros = layout.zeros(n, dtype)
        arrays = [layout.batch_innermost(x), layout.contiguous(kernel), bias, y, zeros]
        _forward(parts, parts > 1, arrays, ints, room)
    return layout.batch_outermost(y.reshape(units, *x.shape[1:-1], len(x)))


def _pitch(size: int, lanes: int) -> int:
    """Return how far apart to lay rows of that size: by no multiple of eight cache lines.

    Of rows so far apart, eight times eight fit into the first-level cache, however short they are.
    """
    return size + lanes if size % (8 * lanes) == 0 else size


@functools.lru_cache(maxsize=256)
def _backward_call(
    n: int, inputs: int, units: int, dtype: np.dtype, masked: int, wanted: int
) -> tuple[int, int, int, Array]:
    lanes = simd.lanes_of(dtype)
    batch_pitch, unit_pitch = (_pitch(max(size, lanes), lanes) for size in (n, units))
    parts = 1 if n * inputs * units < calls.SMALL else layout.shares(inputs, ROWS, 16)
    if n >= lanes:
        by_x = _product(dtype, units, batch_pitch, 1, units)
    else:  # a row of the kernel times each sample's gradient
        by_x = _product(dtype, inputs, units, 0, 0, tiles.dot_address(dtype), n)
    by_kernel = _product(dtype, n, unit_pitch, 1, n)
    sums_at = units * batch_pitch + n * unit_pitch
    header = _Header(
        inputs, units, n, lanes, masked, parts, batch_pitch, unit_pitch, wanted, sums_at, HEADER,
        HEADER + len(by_x),
    )  # fmt: skip
    ints = np.array([*header, *by_x, *by_kernel], np.int64)
    spare = -(-inputs // parts) * max(batch_pitch, unit_pitch, n * lanes if n < lanes else 0)
    return parts, sums_at + units * lanes, spare, ints


@Body
def _turn(task, ints, scratch, g, y, both, grad_bias):
    """Write masked grad_y twice, as (units, N) and as (N, units), zeros behind; and its sums."""
    call = _header_at(ints, 0)
    batch, units, lanes = call.batch, call.units, call.lanes
    pitch, turned, sums = call.batch_pitch, call.units * call.batch_pitch, call.sums_at
    zero_run(both, 0, call.sums_at + units * lanes)
    for u in range(units):
        places = u * pitch, u * batch, sums + u * lanes, batch
        masked_run(both, g, y, both, places, call.mode, lanes)
        for n in range(batch):
            both[turned + n * call.unit_pitch + u] = both[u * pitch + n]
    sum_lanes(grad_bias, 0, both, sums, units, 1, 0)


@helper
def _rows(ints, p, size, rows, w, source, zeros, to):
    """Fill rows = (i0, i1 + 1) of out (in, n), by way of the spare memory if they are short.

    size = (taps, n), source = (buf, where they begin), to = (out, spare).
    """
    call = _header_at(ints, 0)
    (taps, n), (i0, i1), (out, spare) = size, rows, to
    whole = max(n, call.lanes)
    place, start = out, i0 * n
    if whole > n:
        place, start = spare, ZERO
    end, run = (zeros, ZERO), (place, start, whole, whole)
    slide_run(ints, p, (ZERO, ZERO, taps), rows, w, source, end, run)
    if whole > n:
        for i in range(i0, i1):
            copy_run(out, i * n, spare, (i - i0) * whole, n)


@Body
def _backward(task, ints, scratch, x, w, both, zeros, grad_x, grad_kernel):
    """Fill the rows of grad_x (in, N) and of grad_kernel (in, units) of some inputs."""
    call = _header_at(ints, 0)
    batch, units = call.batch, call.units
    i0, i1 = part(call.inputs, task, call.tasks)
    if call.wanted:
        size, to = (units, batch), (grad_x, scratch)
        _rows(ints, call.first, size, (i0, i1), w, (both, ZERO), zeros, to)
    turned, size, to = (both, units * call.batch_pitch), (batch, units), (grad_kernel, scratch)
    _rows(ints, call.second, size, (i0, i1), x, turned, zeros, to)


@Body
def _backward_few(task, ints, scratch, x, w, both, zeros, grad_x, grad_kernel):
    """Do the same for fewer samples than a vector has lanes, which run along the units."""
    call = _header_at(ints, 0)
    batch, units, lanes = call.batch, call.units, call.lanes
    i0, i1 = part(call.inputs, task, call.tasks)
    turned, pitch, whole = units * call.batch_pitch, call.unit_pitch, units - units % lanes
    if call.wanted:
        p = call.first
        zero_run(scratch, 0, (i1 - i0) * batch * lanes)
        taps, grad = (p + plans.ROW_TAPS, i0, i1), (both, turned, pitch)
        dot_block(ints, p, taps, (w, ZERO), grad, whole, scratch, -i0 * batch * lanes)
        sum_lanes(grad_x, i0 * batch, scratch, 0, (i1 - i0) * batch, 1, 0)
        for i in range(i0, i1):
            for n in range(batch):
                for u in range(whole, units):
                    grad_x[i * batch + n] += w[i * units + u] * both[turned + n * pitch + u]
    for i in range(i0, i1, FEW):  # whole rows, one tile of them after the other
        rows, to = (i, min(i + FEW, i1)), (grad_kernel, scratch)
        _rows(ints, call.second, (batch, units), rows, x, (both, turned), zeros, to)


@op
def dense_backward(
    grad_y: Array, x: Array, y: Array, kernel: Array, grad_kernel: Array, grad_bias: Array | None,
    activation: str, need_grad_x: bool = True,
) -> Array | None:  # fmt: skip
    """Write the gradients by kernel and bias, and return the one by x (or None if not needed).

    grad_kernel = xᵀ G, grad_bias = Σ rows of G, grad_x = G kernelᵀ, with G the gradient by the
    output before its activation.
    """
    dtype, relu, (inputs, units) = x.dtype, activation == "relu", kernel.shape
    n = x.size // inputs
    if grad_bias is None:
        grad_bias = memory.empty((units,), dtype)
    if not n:
        grad_kernel[...], grad_bias[...] = 0, 0
        return np.zeros_like(x) if need_grad_x else None
    masked = 1 if relu else 2
    parts, size, spare, ints = _backward_call(n, inputs, units, dtype, masked, int(need_grad_x))
    g = layout.batch_innermost(grad_y)
    both = memory.empty((size + simd.lanes_of(dtype),), dtype)
    _turn(1, False, [g, layout.batch_innermost(y) if relu else g, both, grad_bias], ints)
    block = layout.batch_innermost(x)
    grad_x = memory.empty(block.shape, dtype) if need_grad_x else block
    zeros = layout.zeros(inputs, dtype)
    arrays = [block, layout.contiguous(kernel), both, zeros, grad_x, grad_kernel]
    body = _backward if n >= simd.lanes_of(dtype) else _backward_few
    body(parts, parts > 1, arrays, ints, spare)
    return layout.batch_outermost(grad_x) if need_grad_x else None
