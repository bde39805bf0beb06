"""Batch normalisation, with its backward directly under it: a task a channel.

A channel of a block (C, H, W, N) is one run of numbers. Sums go over sixteen lanes, which the
compiler keeps in registers, and from time to time into a double.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels import layout, memory
from npcnn.kernels.compile import ZERO, helper
from npcnn.kernels.elementwise import SMALL
from npcnn.kernels.tasks import Body

Array = np.ndarray

LANES = 16
CHUNK = 64 * LANES  # numbers added up before their sum goes into a double
# A call's integers.
SIZE, CHANNELS, TRAINING = range(3)


@helper
def _sums(g, x, start, size, center, lanes):
    """Return Σ g·(x − center) and Σ g over a channel; lanes has room for 2 · LANES numbers."""
    by_x = by_one = 0.0
    for first in range(start, start + size, CHUNK):
        stop = min(first + CHUNK, start + size)
        for k in range(2 * LANES):
            lanes[k] = 0
        whole = first + (stop - first) // LANES * LANES
        for t in range(first, whole, LANES):
            for k in range(LANES):
                lanes[k] += g[t + k] * (x[t + k] - center)
                lanes[LANES + k] += g[t + k]
        for t in range(whole, stop):
            lanes[0] += g[t] * (x[t] - center)
            lanes[LANES] += g[t]
        for k in range(LANES):
            by_x += lanes[k]
            by_one += lanes[LANES + k]
    return by_x, by_one


@helper
def _mean(x, start, size, center, squared, lanes):
    """Return the mean of x, or with `squared` of (x − center)²."""
    total = 0.0
    for first in range(start, start + size, CHUNK):
        stop = min(first + CHUNK, start + size)
        for k in range(LANES):
            lanes[k] = 0
        whole = first + (stop - first) // LANES * LANES
        if squared:
            for t in range(first, whole, LANES):
                for k in range(LANES):
                    lanes[k] += (x[t + k] - center) * (x[t + k] - center)
            for t in range(whole, stop):
                lanes[0] += (x[t] - center) * (x[t] - center)
        else:
            for t in range(first, whole, LANES):
                for k in range(LANES):
                    lanes[k] += x[t + k]
            for t in range(whole, stop):
                lanes[0] += x[t]
        for k in range(LANES):
            total += lanes[k]
    return total / size


@Body
def _find(task, found, x, mean, variance, options, a5, a6, scratch, ints):
    """Find a channel's center and rate; in training, move its running mean and variance."""
    size, start = ints[SIZE], task * ints[SIZE]
    if ints[TRAINING]:
        scratch[2 * LANES] = _mean(x, start, size, mean[task], ZERO, scratch)
        center = scratch[2 * LANES]  # in x's dtype
        scratch[2 * LANES] = _mean(x, start, size, center, ZERO + 1, scratch)
        spread = scratch[2 * LANES]
        mean[task] = options[0] * mean[task] + options[1] * center
        variance[task] = options[0] * variance[task] + options[1] * spread
    else:
        center, spread = mean[task], variance[task]
    found[task] = center
    found[ints[CHANNELS] + task] = 1 / math.sqrt(spread + options[2])


@Body
def _apply(task, y, x, found, gamma, beta, a5, a6, scratch, ints):
    """Fill a channel of y."""
    center, rate = found[task], found[ints[CHANNELS] + task] * gamma[task]
    for t in range(task * ints[SIZE], (task + 1) * ints[SIZE]):
        y[t] = (x[t] - center) * rate + beta[task]


@op
def batch_normalization(
    x: Array, gamma: Array | None, beta: Array | None, mean: Array, variance: Array,
    momentum: float, epsilon: float, training: bool,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Return y = gamma · (x − center) · rate + beta for each channel, and center and rate.

    In training, center is the batch's mean and rate = 1 / √(its variance + ε), and the running
    statistics move: mean = momentum · mean + (1 − momentum) · center, variance likewise. Else
    center and rate come from the running statistics.

    Args:
        x: (N, …, C), any strides.
        gamma: (C,), or None for ones.
        beta: (C,), or None for zeros.
        mean: (C,), the running mean, changed in place in training.
        variance: (C,), the running variance, likewise.
        momentum: the share of a running statistic that stays.
        epsilon: as above.
        training: which of the two.

    Returns:
        y like x, the batch innermost in memory; center (C,); rate (C,).
    """
    dtype, channels = x.dtype, x.shape[-1]
    block = layout.batch_innermost(x)
    y, found = memory.empty(block.shape, dtype), memory.empty((2 * channels,), dtype)
    parallel = y.size >= SMALL
    if channels:
        ints = np.array([x.size // channels, channels, training and x.size > 0], np.int64)
        options = memory.constant([momentum, 1 - momentum, epsilon], dtype)
        _find(channels, parallel, [found, block, mean, variance, options], ints, 2 * LANES + 1)
        gamma = layout.ones(channels, dtype) if gamma is None else layout.contiguous(gamma)
        beta = layout.zeros(channels, dtype) if beta is None else layout.contiguous(beta)
        _apply(channels, parallel, [y, block, found, gamma, beta], ints)
    return layout.batch_outermost(y), found[:channels], found[channels:]


@Body
def _backward(task, grad_x, grad_y, x, gamma, centers, rates, grads, scratch, ints):
    """Fill a channel of grad_x, and its gradients by gamma and beta."""
    size, channels, start = ints[SIZE], ints[CHANNELS], task * ints[SIZE]
    center, rate = centers[task], rates[task]
    by_x, by_one = _sums(grad_y, x, start, size, center, scratch)
    grads[task], grads[channels + task] = by_x * rate, by_one
    factor = rate * gamma[task]
    if not ints[TRAINING]:
        for t in range(start, start + size):
            grad_x[t] = grad_y[t] * factor
        return
    scratch[0], scratch[1] = by_one / size, by_x * rate * rate / size
    mean, slope = scratch[0], scratch[1]  # in x's dtype
    for t in range(start, start + size):
        grad_x[t] = (grad_y[t] - mean - (x[t] - center) * slope) * factor


@Body
def _copy(task, to, of, a2, a3, a4, a5, a6, scratch, ints):
    for k in range(ints[0]):
        to[k] = of[ints[1] + k]


@op
def batch_normalization_backward(
    grad_y: Array, x: Array, gamma: Array | None, center: Array, rate: Array,
    grad_gamma: Array | None, grad_beta: Array | None, training: bool,
) -> Array:  # fmt: skip
    """Write the gradients by gamma and beta, and return the one by x.

    With x̂ = (x − center) · rate: grad_gamma = Σ grad_y · x̂, grad_beta = Σ grad_y, and in training
    grad_x = gamma · rate · (grad_y − grad_beta / n − x̂ · grad_gamma / n), n numbers a channel;
    else gamma · rate · grad_y.
    """
    dtype, channels = x.dtype, x.shape[-1]
    block = layout.batch_innermost(x)
    grad_x, grads = memory.empty(block.shape, dtype), memory.empty((2 * channels,), dtype)
    if channels:
        ints = np.array([x.size // channels, channels, training and x.size > 0], np.int64)
        gamma = layout.ones(channels, dtype) if gamma is None else layout.contiguous(gamma)
        arrays = [grad_x, layout.batch_innermost(grad_y), block, gamma, center, rate, grads]
        _backward(channels, grad_x.size >= SMALL, arrays, ints, 2 * LANES)
        for number, held in enumerate((grad_gamma, grad_beta)):
            if held is not None:
                _copy(1, False, [held, grads], np.array([channels, number * channels], np.int64))
    return layout.batch_outermost(grad_x)
