"""2-D convolution, forward and backward, from packed rows and register tiles.

Where the kernel has three rows, rows are computed in pairs (`winograd.py`). Else, one by one:

The output's rows are cut into blocks, as many as the shape asks for; a thread takes whole blocks.
For each it packs the input rows the block draws on into a buffer of its own (`slide.pack_rows`)
and slides all filters over them (`slide.slide_rows`). im2col is still the idea, but its rows are
shifted views into the packed buffer (`plans.py`), so no column matrix is ever written.

Backward, a block packs its rows of grad_y once, relu's mask applied on the way, and uses them
twice: against x for the kernel's gradient, and under the kernel turned round for x's own.

Arguments and examples are those of `npcnn.reference.conv`.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.convolution import calls, plans
from npcnn.kernels.convolution.lifted import lifted_rows, lower_sums
from npcnn.kernels.convolution.outer import outer_rows, sum_blocks
from npcnn.kernels.convolution.slide import (
    copy_rows,
    dot_rows,
    pack_rows,
    part,
    slide_rows,
    source_rows,
)
from npcnn.kernels.convolution.winograd import Rows, rows_of_pairs, slide_pairs, tiles_of, units_of
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import ZERO, helper
from npcnn.kernels.tiles import tiles
from npcnn.kernels.tiles.runs import sum_lanes, zero_run
from npcnn.shapes import bounded_steps

Pair = tuple[int, int]
Array = np.ndarray

# Shares of the taps, in which blocks' sums are added up.
REDUCERS = 8


@Body
def _forward(task, ints, scratch, x, w, bias, y):
    """Fill a block of rows and a group of filters of y."""
    call = calls.header_at(ints, 0)
    p, groups = call.forward, call.groups
    plan = plans.plan_at(ints, p)
    i0, i1 = part(plan.out_height, task // groups, call.blocks)
    f0, f1 = part(plan.out_channels, task % groups, groups)
    first, source = ZERO, x
    if call.packed:
        first, last = source_rows(ints, p, i0, i1)
        copy_rows(ints, p, x, (first, last), (scratch, ZERO))
        source = scratch
    rows, share = (source, ZERO, first), (i0, i1, f0, f1)
    slide_rows(ints, p, rows, w, (bias, call.mode), y, share, scratch)


@Body
def _forward_in_pairs(task, ints, scratch, x, w, bias, y):
    """Fill a block of pairs of rows and a group of filters of y."""
    call = calls.header_at(ints, 0)
    p, groups, split = call.forward, call.groups, call.split
    plan = plans.plan_at(ints, p)
    u0, u1 = units_of(plan.out_height, task // groups, call.blocks, split)
    tile0, tile1 = part(tiles_of(ints, p), task % groups, groups)
    first, last, source = ZERO, plan.height, x
    pitch = plan.width * plan.batch
    if call.packed:
        first, last = rows_of_pairs(u0, u1, split, call.top, last)
        copy_rows(ints, p, x, (first, last), (scratch, ZERO))
        source, pitch = scratch, plan.row_pitch
    rows, share = Rows(source, ZERO, first, last, pitch), (u0, u1, tile0, tile1)
    slide_pairs(ints, p, rows, (w, ZERO), share, (bias, call.mode), y, scratch)


@op
def conv2d(
    x: Array, kernel: Array, bias: Array | None, strides: Pair, padding: str, dilation: Pair,
    activation: str,
) -> Array:  # fmt: skip
    """Return y[n, i, j, f] = Σ x[n, i·s + u·d, j·s + v·d, c] · kernel[u, v, c, f] + bias[f].

    Returns:
        y (N, OH, OW, F), the batch innermost in memory.
    """
    strides, dilation = bounded_steps(x.shape, strides, dilation)
    geometry = plans.geometry_of(x.shape, kernel.shape, strides, padding, dilation)
    dtype = x.dtype
    call = calls.forward_call(geometry, dtype, tiles.RELU if activation == "relu" else 0)
    y = memory.empty(call.y_block, dtype)
    if y.size:
        bias = layout.zeros(kernel.shape[3], dtype) if bias is None else layout.contiguous(bias)
        arrays = [layout.batch_innermost(x), layout.contiguous(kernel), bias, y]
        body = _forward_in_pairs if call.paired else _forward
        body(call.tasks, call.parallel, arrays, call.ints, call.scratch)
    return layout.batch_outermost(y)


@helper
def _pack(ints, task, g, y, first, last, totals, scratch):
    """Pack rows first … last − 1 of grad_y; add up a block's sums for the bias.

    Return where the others begin, and the block's own rows.
    """
    call = calls.header_at(ints, 0)
    p, q, start = call.forward, call.backward, task * call.pitch
    plan = plans.plan_at(ints, p)
    i0, i1 = part(plan.out_height, task, call.blocks)
    zero_run(totals, start, call.pitch)
    place, own = (scratch, call.grad_at), (totals, start, i0, i1)
    pack_rows(ints, q, g, (first, last), place, (call.mode, y), own)
    return start + (plan.out_channels + 1) * plan.lanes, i0, i1


@helper
def _sums(ints, x, first, sums, i0, i1, totals, scratch):
    """Add up a block's sums for the kernel; grad_y's packed rows begin with row `first`."""
    call = calls.header_at(ints, 0)
    x_first, rows = ZERO, x
    if call.packed:
        x_first, x_last = source_rows(ints, call.forward, i0, i1)
        copy_rows(ints, call.forward, x, (x_first, x_last), (scratch, ZERO))
        rows = scratch
    if call.cells:
        outer_rows(ints, scratch, x_first, first, i0, i1, totals, sums)
    else:
        grad = scratch, call.grad_at, first
        dot_rows(ints, (rows, x_first), grad, i0, i1, totals, sums)


@Body
def _backward(task, ints, scratch, x, g, y, w, zeros, grad_x, totals):
    """Fill a block of rows of grad_x, and the block's own sums for the other gradients."""
    call = calls.header_at(ints, 0)
    p, q, blocks = call.forward, call.backward, call.blocks
    plan = plans.plan_at(ints, p)
    first, last = part(plan.out_height, task, blocks)
    r0, r1 = part(plan.height, task, blocks)
    if call.wanted:
        above, below = source_rows(ints, q, r0, r1)
        first, last = min(first, above), max(last, below)
    sums, i0, i1 = _pack(ints, task, g, y, first, last, totals, scratch)
    _sums(ints, x, first, sums, i0, i1, totals, scratch)
    if call.wanted:
        rows, share = (scratch, call.grad_at, first), (r0, r1, ZERO, plan.channels)
        slide_rows(ints, q, rows, w, (zeros, ZERO), grad_x, share, scratch)


@helper
def _pairs_reach(ints, task):
    """Return which units of pairs of rows of grad_x a block has, and which of grad_y it needs."""
    call = calls.header_at(ints, 0)
    p, blocks, split = call.forward, call.blocks, call.split
    plan = plans.plan_at(ints, p)
    height = plan.out_height
    first, last = part(height, task, blocks)
    u0, u1 = units_of(plan.height, task, blocks, split)
    if call.wanted:
        above, below = rows_of_pairs(u0, u1, split, call.top, height)
        first, last = min(first, above), max(last, below)
    return u0, u1, first, last


@helper
def _slide_back(ints, task, w, zeros, grad_x, scratch):
    """Fill a block of pairs of rows of grad_x from packed rows of grad_y."""
    call = calls.header_at(ints, 0)
    q, (u0, u1, first, last) = call.backward, _pairs_reach(ints, task)
    back = plans.plan_at(ints, q)
    if call.wanted:
        rows = Rows(scratch, call.grad_at, first, last, back.row_pitch)
        share = u0, u1, ZERO, tiles_of(ints, q)
        slide_pairs(ints, q, rows, (w, ZERO + 1), share, (zeros, ZERO), grad_x, scratch)


@Body
def _backward_in_pairs(task, ints, scratch, x, g, y, w, zeros, grad_x, totals):
    """Fill a block of pairs of rows of grad_x, and the block's own sums for the others."""
    _, _, first, last = _pairs_reach(ints, task)
    sums, i0, i1 = _pack(ints, task, g, y, first, last, totals, scratch)
    _sums(ints, x, first, sums, i0, i1, totals, scratch)
    _slide_back(ints, task, w, zeros, grad_x, scratch)


@Body
def _backward_lifted(task, ints, scratch, x, g, y, w, zeros, grad_x, totals):
    """Do the same, the sums for the kernel from lifted rows."""
    _, _, first, last = _pairs_reach(ints, task)
    sums, i0, i1 = _pack(ints, task, g, y, first, last, totals, scratch)
    lifted_rows(ints, x, scratch, first, i0, i1, totals, sums)
    _slide_back(ints, task, w, zeros, grad_x, scratch)


@Body
def _reduce(task, ints, scratch, totals, grad_kernel, grad_bias):
    """Add up the blocks' sums, block after block, then the lanes of each; a share of the taps."""
    call = calls.header_at(ints, 0)
    p, blocks, pitch = call.forward, call.blocks, call.pitch
    plan = plans.plan_at(ints, p)
    filters, lanes = plan.out_channels, plan.lanes
    if task == 0:
        sum_lanes(grad_bias, 0, totals, 0, filters, blocks, pitch)
    k0, k1 = part(plan.taps * plan.segments, task, REDUCERS)
    if call.cells:
        sum_blocks(ints, k0, k1, totals, grad_kernel)
        return
    for k in range(k0, k1):
        start = (filters + 1 + k * filters) * lanes
        to = ints[p + plan.woff + k]
        sum_lanes(grad_kernel, to, totals, start, filters, blocks, pitch)


@Body
def _reduce_lifted(task, ints, scratch, totals, grad_kernel, grad_bias):
    """Add up the blocks' sums, and lower those for the kernel; a share of its taps."""
    call = calls.header_at(ints, 0)
    p, blocks, pitch = call.forward, call.blocks, call.pitch
    plan = plans.plan_at(ints, p)
    if task == 0:
        sum_lanes(grad_bias, 0, totals, 0, plan.out_channels, blocks, pitch)
    k0, k1 = part(call.kernel_columns * plan.channels, task, REDUCERS)
    lower_sums(ints, p, k0, k1, grad_kernel, totals)


def backward_bodies(call: calls.Call) -> tuple[Body, Body]:
    """Return what fills grad_x and a block's sums, and what adds these up."""
    if call.lifted:
        return _backward_lifted, _reduce_lifted
    return _backward_in_pairs if call.paired else _backward, _reduce


@op
def conv2d_backward(
    grad_y: Array, x: Array, y: Array, kernel: Array, grad_kernel: Array, grad_bias: Array | None,
    strides: Pair, padding: str, dilation: Pair, activation: str, need_grad_x: bool = True,
) -> Array | None:  # fmt: skip
    """Write the gradients by kernel and bias, and return the one by x (or None if not needed).

    With G the gradient by the output before its activation (grad_y where y > 0, for relu):
    grad_kernel[u, v, c, f] = Σ x[n, i·s + u·d, j·s + v·d, c] · G[n, i, j, f] over n, i, j;
    grad_bias = Σ G; grad_x[n, a, b, c] = Σ G[n, i, j, f] · kernel[u, v, c, f] over all i, j, u, v
    with i·s + u·d = a and j·s + v·d = b.

    Sums are cut by the shape into blocks and lanes and added in a fixed order: other roundings
    than the reference's, and the same for any number of threads.
    """
    strides, dilation = bounded_steps(x.shape, strides, dilation)
    geometry = plans.geometry_of(x.shape, kernel.shape, strides, padding, dilation)
    dtype, relu = x.dtype, activation == "relu"
    if grad_bias is None:
        grad_bias = memory.empty(kernel.shape[3:], dtype)
    if not grad_y.size:
        grad_kernel[...], grad_bias[...] = 0, 0
        return np.zeros_like(x) if need_grad_x else None
    call = calls.backward_call(geometry, dtype, 1 if relu else 2, int(need_grad_x))
    x_block, g_block = layout.batch_innermost(x), layout.batch_innermost(grad_y)
    grad_x = memory.empty(x_block.shape, dtype) if need_grad_x else x_block
    totals = memory.empty((call.totals,), dtype)
    arrays = [
        x_block, g_block, layout.batch_innermost(y) if relu else g_block,
        layout.contiguous(kernel), layout.zeros(kernel.shape[2], dtype), grad_x, totals,
    ]  # fmt: skip
    body, reduce = backward_bodies(call)
    body(call.tasks, call.parallel, arrays, call.ints, call.scratch)
    reduce(REDUCERS, kernel.size > 4000, [totals, grad_kernel, grad_bias], call.ints)
    return layout.batch_outermost(grad_x) if need_grad_x else None
