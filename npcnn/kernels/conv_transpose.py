"""The transpose of a convolution, by the convolution's kernels, with its backward under it.

It hands x out as a convolution's backward pass hands out grad_y, so its forward pass is that half
of `conv.py`'s backward one, with a bias and an activation. Its own backward pass is a convolution
of grad_y, and that convolution's gradient by the kernel.

Arguments and examples are those of `npcnn.reference.conv_transpose`.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels import conv
from npcnn.kernels.convolution import calls, plans
from npcnn.kernels.convolution.plans import Pair
from npcnn.kernels.convolution.slide import copy_rows, part, slide_rows, source_rows
from npcnn.kernels.convolution.winograd import Rows, rows_of_pairs, slide_pairs, tiles_of, units_of
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import ZERO
from npcnn.kernels.tiles import simd, tiles
from npcnn.kernels.tiles.runs import masked_run, sum_lanes, zero_run

Array = np.ndarray


@Body
def _forward(task, ints, scratch, x, w, bias, y):
    """Fill a block of rows of y, or of pairs of them."""
    call = calls.header_at(ints, 0)
    p, q, blocks = call.forward, call.backward, call.blocks
    plan, back = plans.plan_at(ints, p), plans.plan_at(ints, q)
    height, at, split = plan.out_height, call.grad_at, call.split
    if call.paired:
        u0, u1 = units_of(plan.height, task, blocks, split)
        first, last = rows_of_pairs(u0, u1, split, call.top, height)
    else:
        u0, u1 = part(plan.height, task, blocks)
        first, last = source_rows(ints, q, u0, u1)
    copy_rows(ints, q, x, (first, last), (scratch, at))
    if call.paired:
        source = Rows(scratch, at, first, last, back.row_pitch)
        share = u0, u1, ZERO, tiles_of(ints, q)
        slide_pairs(ints, q, source, (w, ZERO + 1), share, (bias, call.mode), y, scratch)
    else:
        rows, share = (scratch, at, first), (u0, u1, ZERO, plan.channels)
        slide_rows(ints, q, rows, w, (bias, call.mode), y, share, scratch)


@op
def conv2d_transpose(
    x: Array, kernel: Array, bias: Array | None, strides: Pair, dilation: Pair, before: Pair,
    size: Pair, activation: str,
) -> Array:  # fmt: skip
    """Return y[n, i·s + u·d − b, j·s + v·d − b, f] = Σ x[n, i, j, c]·kernel[u, v, f, c] + bias[f].

    Returns:
        y (N, *size, F), the batch innermost in memory.
    """
    geometry = _geometry(x, kernel, strides, dilation, before, size)
    dtype, filters = x.dtype, kernel.shape[2]
    y = memory.empty((filters, *size, len(x)), dtype)
    if y.size and not x.size:
        y[...] = 0
    elif y.size:
        call = calls.backward_call(geometry, dtype, tiles.RELU if activation == "relu" else 0, 1)
        bias = layout.zeros(filters, dtype) if bias is None else layout.contiguous(bias)
        arrays = [layout.batch_innermost(x), layout.contiguous(kernel), bias, y]
        _forward(call.tasks, call.parallel, arrays, call.ints, call.scratch)
    return layout.batch_outermost(y)


@Body
def _masked(task, ints, scratch, g, y, to, sums, grad_bias):
    """Copy one filter's grad_y, zeros where y is not above zero; and add it up."""
    size, lanes = ints[0], ints[1]
    zero_run(sums, task * lanes, lanes)
    places = task * size, task * size, task * lanes, size
    masked_run(to, g, y, sums, places, ints[2], lanes)
    sum_lanes(grad_bias, task, sums, task * lanes, 1, 1, 0)


@op
def conv2d_transpose_backward(
    grad_y: Array, x: Array, y: Array, kernel: Array, grad_kernel: Array, grad_bias: Array | None,
    strides: Pair, dilation: Pair, before: Pair, activation: str, need_grad_x: bool = True,
) -> Array | None:  # fmt: skip
    """Write the gradients by kernel and bias, and return the one by x (or None if not needed).

    With G the gradient by the output before its activation: grad_bias = Σ G, grad_x is the
    convolution of G with the kernel, grad_kernel that convolution's gradient by its kernel.
    """
    geometry = _geometry(x, kernel, strides, dilation, before, grad_y.shape[1:3])
    dtype, relu, (filters, channels) = x.dtype, activation == "relu", kernel.shape[2:]
    if grad_bias is None:
        grad_bias = memory.empty((filters,), dtype)
    if not (x.size and grad_y.size):
        grad_kernel[...], grad_bias[...] = 0, 0
        return np.zeros_like(x) if need_grad_x else None
    weights, x_block = layout.contiguous(kernel), layout.batch_innermost(x)
    g, lanes = layout.batch_innermost(grad_y), simd.lanes_of(dtype)
    grad = memory.empty(g.shape, dtype)
    sums = memory.empty((filters * lanes,), dtype)
    size = np.array([grad.size // filters, lanes, 1 if relu else 2], np.int64)
    arrays = [g, layout.batch_innermost(y) if relu else g, grad, sums, grad_bias]
    call = calls.backward_call(geometry, dtype, 2, 0)
    _masked(filters, call.parallel, arrays, size)
    totals, unwanted = memory.empty((call.totals,), dtype), memory.empty((channels,), dtype)
    arrays = [grad, x_block, x_block, weights, layout.zeros(filters, dtype), grad, totals]
    body, reduce = conv.backward_bodies(call)
    body(call.tasks, call.parallel, arrays, call.ints, call.scratch)
    reduce(conv.REDUCERS, kernel.size > 4000, [totals, grad_kernel, unwanted], call.ints)
    if not need_grad_x:
        return None
    grad_x = memory.empty(x_block.shape, dtype)
    call = calls.forward_call(geometry, dtype, 0)
    body = conv._forward_in_pairs if call.paired else conv._forward
    arrays = [grad, weights, layout.zeros(channels, dtype), grad_x]
    body(call.tasks, call.parallel, arrays, call.ints, call.scratch)
    return layout.batch_outermost(grad_x)


def _geometry(x: Array, kernel: Array, strides: Pair, dilation: Pair, before: Pair,
              size: tuple[int, ...]) -> plans.Geometry:  # fmt: skip
    """Return what the convolution is whose transpose this is: of y's images, with x's windows."""
    batch, height, width, _ = x.shape
    windows = (before[0], height), (before[1], width)
    shape = batch, size[0], size[1], kernel.shape[2]
    return plans.Geometry(shape, kernel.shape, strides, windows, dilation)
