"""Penalties on the size of numbers, and limits to it.

Arguments and examples are those of `npcnn.reference.regularization`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, SMALL, each_element, in_place

Array = np.ndarray

EPSILON = 1e-7


@Body
def _penalty(task, ints, scratch, grad, w, sums, options):
    l1, l2 = options[0], options[1]
    absolute = square = 0.0
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        absolute += abs(w[i])
        square += w[i] * w[i]
        if ints[1]:
            sign = 1 if w[i] > 0 else (-1 if w[i] < 0 else 0)
            grad[i] += l1 * sign + 2 * l2 * w[i]
    sums[task] = l1 * absolute + l2 * square


@Body
def _add_to_each(task, ints, scratch, out, losses, sums):
    total = 0.0
    for part in range(PARTS):
        total += sums[part]
    for i in range(ints[0]):
        out[i] = losses[i] + total


@Body
def _slope(task, ints, scratch, out, grad_y, y, options):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        sign = 1 if y[i] > 0 else (-1 if y[i] < 0 else 0)
        out[i] = grad_y[i] + options[0] * sign + 2 * options[1] * y[i]


@Body
def _limit(task, ints, scratch, w, options):
    low, high, rate, epsilon = options[0], options[1], options[2], options[3]
    size, inner = ints[1], ints[2]
    for place in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        first = place // inner * size * inner + place % inner
        square = 0.0
        for k in range(size):
            square += w[first + k * inner] * w[first + k * inner]
        norm = math.sqrt(square)
        wanted = rate * min(max(norm, low), high) + (1 - rate) * norm
        for k in range(size):
            w[first + k * inner] *= wanted / (epsilon + norm)


@Body
def _non_negative(task, ints, scratch, w):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        if w[i] < 0:
            w[i] = 0


@op
def l1_l2(losses: Array, w: Array, grad: Array | None, l1: float, l2: float) -> Array:
    """Return losses + l1 Σ|w| + l2 Σ w², each of them; add the gradient by w to `grad`."""
    dtype, block, given = w.dtype, layout.contiguous(w), grad is not None
    sums, options = memory.empty((PARTS,), dtype), memory.constant([l1, l2], dtype)
    arrays = [block if grad is None else grad, block, sums, options]
    in_place(_penalty, arrays, given)
    ordered, axes = layout.same_order(losses)
    out = memory.empty(ordered.shape, dtype)
    if out.size:
        _add_to_each(1, False, [out, ordered, sums], np.array([out.size], np.int64))
    return out if axes is None else out.transpose(axes)


@op
def l1_l2_backward(grad_y: Array, y: Array, l1: float, l2: float) -> Array:
    """Return grad_y + l1 sign(y) + 2 l2 y."""
    return each_element(_slope, [grad_y, y], l1, l2)


@op
def norm_constraint(w: Array, low: float, high: float, rate: float) -> None:
    """Scale w so that its lengths along the middle axis come to lie from `low` to `high`, in place.

    A length n becomes rate · (n, cut to the range) + (1 − rate) · n; source of the formula: Keras.
    """
    outer, size, inner = w.shape
    options = memory.constant([low, high, rate, EPSILON], w.dtype)
    if w.size:
        ints = np.array([outer * inner, size, inner], np.int64)
        _limit(PARTS, w.size >= SMALL, [w, options], ints)


@op
def non_negative(w: Array) -> None:
    """Put 0 in the place of each number below it."""
    in_place(_non_negative, [w])
