"""Convolution group by group, with its backward directly under it: `conv.py`'s tasks, once a group.

With the batch innermost, a group's channels are a block of their own in memory, and so are its
outputs. So a task of a group is a task of a plain convolution whose arrays begin further on. Only
the kernel, in which all filters of a tap are neighbours, is sorted by groups first, and its
gradient sorted back.

A channel that is a group of its own (the depthwise convolution) has tasks of its own,
`depthwise.py`'s.

Arguments and examples are those of `npcnn.reference.grouped_conv`.
"""

from __future__ import annotations

import functools
from math import prod
from typing import NamedTuple

import numpy as np

from npcnn.contracts import op
from npcnn.kernels import conv
from npcnn.kernels.convolution import calls, depthwise, plans
from npcnn.kernels.convolution.plans import Pair
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import ZERO, helper
from npcnn.kernels.tiles import tiles
from npcnn.kernels.tiles.runs import copy_run
from npcnn.kernels.tiles.simd import moved
from npcnn.shapes import bounded_steps

Array = np.ndarray

# A call's integers: tasks a group, and how much further on each group's arrays begin. Those of the
# group's own call follow.
TASKS, X, Y, KERNEL, FILTERS, TOTALS = range(6)
HEADER = 6
# Of the kernel's sorting: taps with their channels, all filters, those of a group; and where to.
TAPS, ALL, EACH, BACK = range(4)

_rows, _pairs = helper(conv._forward.function), helper(conv._forward_in_pairs.function)
_rows_back, _pairs_back = helper(conv._backward.function), helper(conv._backward_in_pairs.function)
_reduced = helper(conv._reduce.function)
_single = helper(depthwise._forward.function)
_single_back = helper(depthwise._backward.function)


class _Call(NamedTuple):
    """What a call needs to know of its shapes."""

    one: calls.Call  # of one group's convolution
    tasks: int
    parallel: bool
    ints: Array
    single: bool  # whether a group is one channel


@functools.lru_cache(maxsize=256)
def _call(geometry: plans.Geometry, groups: int, dtype: np.dtype, mode: int, wanted: int | None
          ) -> _Call:  # fmt: skip
    """Return what a call needs: `wanted` is None for the forward pass, else as for backward."""
    single = geometry.x_shape[3] == 1
    if wanted is None:
        one = calls.forward_call(geometry, dtype, mode, single)
    else:
        one = calls.backward_call(geometry, dtype, mode, wanted, single, lifts=False)
    header = [0] * HEADER
    header[TASKS], header[X], header[Y] = one.tasks, prod(geometry.x_shape), prod(one.y_block)
    header[KERNEL], header[FILTERS] = prod(geometry.kernel_shape), geometry.kernel_shape[3]
    header[TOTALS] = one.totals
    parallel = groups * plans.multiply_adds(geometry) >= calls.SMALL
    ints = np.array([*header, *one.ints], np.int64)
    return _Call(one, groups * one.tasks, parallel, ints, single)


@Body
def _sort(task, ints, scratch, to, source):
    """Copy a group's part of a kernel, (taps, filters), to (groups, taps, its filters); or back."""
    taps, every, each = ints[TAPS], ints[ALL], ints[EACH]
    for tap in range(taps):
        place, other = (task * taps + tap) * each, tap * every + task * each
        if ints[BACK]:
            copy_run(to, other, source, place, each)
        else:
            copy_run(to, place, source, other, each)


@Body
def _forward(task, ints, scratch, x, w, bias, y):
    """Do a task of one group."""
    group, own = task // ints[TASKS], task % ints[TASKS]
    x, w = moved(x, group * ints[X]), moved(w, group * ints[KERNEL])
    bias, y = moved(bias, group * ints[FILTERS]), moved(y, group * ints[Y])
    if calls.header_at(ints, HEADER).paired:
        _pairs(own, moved(ints, ZERO + HEADER), scratch, x, w, bias, y)
    else:
        _rows(own, moved(ints, ZERO + HEADER), scratch, x, w, bias, y)


@Body
def _forward_single(task, ints, scratch, x, w, bias, y):
    """Do a task of one channel."""
    group, own = task // ints[TASKS], task % ints[TASKS]
    x, w = moved(x, group * ints[X]), moved(w, group * ints[KERNEL])
    bias, y = moved(bias, group * ints[FILTERS]), moved(y, group * ints[Y])
    _single(own, moved(ints, ZERO + HEADER), scratch, x, w, bias, y)


@op
def grouped_conv2d(
    x: Array, kernel: Array, bias: Array | None, strides: Pair, padding: str, dilation: Pair,
    activation: str, groups: int,
) -> Array:  # fmt: skip
    """Return the convolutions of each group of channels with its filters, side by side.

    Returns:
        y (N, OH, OW, F), the batch innermost in memory.
    """
    geometry = _geometry(x, kernel, strides, padding, dilation, groups)
    dtype, filters = x.dtype, kernel.shape[3]
    mode = tiles.RELU if activation == "relu" else 0
    call = _call(geometry, groups, dtype, mode, None)
    y = memory.empty((filters, *call.one.y_block[1:]), dtype)
    if y.size:
        bias = layout.zeros(filters, dtype) if bias is None else layout.contiguous(bias)
        arrays = [layout.batch_innermost(x), _sorted(kernel, groups), bias, y]
        body = _forward_single if call.single else _forward
        body(call.tasks, call.parallel, arrays, call.ints, call.one.scratch)
    return layout.batch_outermost(y)


@Body
def _backward(task, ints, scratch, x, g, y, w, zeros, grad_x, totals):
    """Do a task of one group."""
    group, own = task // ints[TASKS], task % ints[TASKS]
    x, grad_x = moved(x, group * ints[X]), moved(grad_x, group * ints[X])
    g, y, w = (
        moved(g, group * ints[Y]), moved(y, group * ints[Y]), moved(w, group * ints[KERNEL]),
    )  # fmt: skip
    totals = moved(totals, group * ints[TOTALS])
    if calls.header_at(ints, HEADER).paired:
        _pairs_back(own, moved(ints, ZERO + HEADER), scratch, x, g, y, w, zeros, grad_x, totals)
    else:
        _rows_back(own, moved(ints, ZERO + HEADER), scratch, x, g, y, w, zeros, grad_x, totals)


@Body
def _backward_single(task, ints, scratch, x, g, y, w, zeros, grad_x, totals):
    """Do a task of one channel."""
    group, own = task // ints[TASKS], task % ints[TASKS]
    x, grad_x = moved(x, group * ints[X]), moved(grad_x, group * ints[X])
    g, y, w = (
        moved(g, group * ints[Y]), moved(y, group * ints[Y]), moved(w, group * ints[KERNEL]),
    )  # fmt: skip
    totals, ints = moved(totals, group * ints[TOTALS]), moved(ints, ZERO + HEADER)
    _single_back(own, ints, scratch, x, g, y, w, zeros, grad_x, totals)


@Body
def _reduce(task, ints, scratch, totals, grad_kernel, grad_bias):
    """Add up the sums of one group."""
    totals, grad_bias = moved(totals, task * ints[TOTALS]), moved(grad_bias, task * ints[FILTERS])
    grad_kernel = moved(grad_kernel, task * ints[KERNEL])
    for share in range(conv.REDUCERS):
        _reduced(
            share, moved(ints, ZERO + HEADER), scratch, totals, grad_kernel, grad_bias,
        )  # fmt: skip


@op
def grouped_conv2d_backward(
    grad_y: Array, x: Array, y: Array, kernel: Array, grad_kernel: Array, grad_bias: Array | None,
    strides: Pair, padding: str, dilation: Pair, activation: str, groups: int,
    need_grad_x: bool = True,
) -> Array | None:  # fmt: skip
    """Write the gradients by kernel and bias, and return the one by x, each group's on its own."""
    geometry = _geometry(x, kernel, strides, padding, dilation, groups)
    dtype, relu = x.dtype, activation == "relu"
    if grad_bias is None:
        grad_bias = memory.empty(kernel.shape[3:], dtype)
    if not grad_y.size:
        grad_kernel[...], grad_bias[...] = 0, 0
        return np.zeros_like(x) if need_grad_x else None
    call = _call(geometry, groups, dtype, 1 if relu else 2, int(need_grad_x))
    x_block, g_block = layout.batch_innermost(x), layout.batch_innermost(grad_y)
    grad_x = memory.empty(x_block.shape, dtype) if need_grad_x else x_block
    totals = memory.empty((groups * call.one.totals,), dtype)
    arrays = [
        x_block, g_block, layout.batch_innermost(y) if relu else g_block, _sorted(kernel, groups),
        layout.zeros(kernel.shape[2], dtype), grad_x, totals,
    ]  # fmt: skip
    body = _backward_single if call.single else _backward
    body(call.tasks, call.parallel, arrays, call.ints, call.one.scratch)
    by_group = memory.empty((kernel.size,), dtype)
    _reduce(groups, call.parallel, [totals, by_group, grad_bias], call.ints)
    _sort(groups, False, [grad_kernel, by_group], _order(kernel.shape, groups, 1))
    return layout.batch_outermost(grad_x) if need_grad_x else None


def _geometry(x: Array, kernel: Array, strides: Pair, padding: str, dilation: Pair, groups: int
              ) -> plans.Geometry:  # fmt: skip
    """Return what the convolution of one group is."""
    strides, dilation = bounded_steps(x.shape, strides, dilation)
    kernel_shape = (*kernel.shape[:3], kernel.shape[3] // groups)
    x_shape = (*x.shape[:3], kernel.shape[2])
    return plans.geometry_of(x_shape, kernel_shape, strides, padding, dilation)


def _sorted(kernel: Array, groups: int) -> Array:
    """Return the kernel's weights, group after group."""
    to = memory.empty((kernel.size,), kernel.dtype)
    _sort(groups, False, [to, layout.contiguous(kernel)], _order(kernel.shape, groups, 0))
    return to


@functools.lru_cache(maxsize=256)
def _order(shape: tuple[int, ...], groups: int, back: int) -> Array:
    taps, filters = prod(shape[:3]), shape[3]
    return np.array([taps, filters, filters // groups, back], np.int64)
