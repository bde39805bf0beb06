"""Batch normalisation, with its backward directly under it: a task a channel.

A channel of a block (C, H, W, N) is one run of numbers, which a core's own cache holds from the
first of a task's three looks at it to the last. Chunks are summed up in registers (`moments.py`),
their sums in doubles.

Arguments and examples are those of `npcnn.reference.batch_normalization`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import ZERO, helper
from npcnn.kernels.run.elementwise import SMALL
from npcnn.kernels.tiles.moments import moments

Array = np.ndarray

CHUNK = 4096  # numbers added up before their sum goes into a double
# A call's integers; the last three are a double's bits each: momentum, 1 − momentum, epsilon.
SIZE, CHANNELS, TRAINING, OPTIONS = range(4)


@helper
def _sums(g, x, start, size, center, own, pair):
    """Return Σ g·(x − center) and Σ g over a channel, or with own = 1 what `moments` has then.

    pair has room for two numbers.
    """
    products = ones = 0.0
    for first in range(start, start + size, CHUNK):
        count = min(start + size - first, CHUNK)
        moments(pair, g, x, (first, first, count), center, own)
        products += pair[0]
        ones += pair[1]
    return products, ones


@Body
def _forward(task, ints, scratch, y, x, found, gamma, beta, mean, variance):
    """Fill a channel of y; in training, move its running mean and variance."""
    size, start = ints[SIZE], task * ints[SIZE]
    for k in range(3):
        scratch[k] = np.int64(ints[OPTIONS + k]).view(np.float64)  # now in x's dtype
    stays, comes, epsilon = scratch[0], scratch[1], scratch[2]
    if ints[TRAINING]:
        _, beyond = _sums(x, x, start, size, x[start], ZERO + 1, scratch)
        scratch[2] = x[start] + beyond / size
        center = scratch[2]
        square, _ = _sums(x, x, start, size, center, ZERO + 1, scratch)
        scratch[2] = square / size
        spread = scratch[2]
        mean[task] = stays * mean[task] + comes * center
        variance[task] = stays * variance[task] + comes * spread
    else:
        center, spread = mean[task], variance[task]
    found[task] = center
    found[ints[CHANNELS] + task] = 1 / math.sqrt(spread + epsilon)
    rate, above = found[ints[CHANNELS] + task] * gamma[task], beta[task]
    for t in range(start, start + size):
        y[t] = (x[t] - center) * rate + above


@op
def batch_normalization(
    x: Array, gamma: Array | None, beta: Array | None, mean: Array, variance: Array,
    momentum: float, epsilon: float, training: bool,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Return y = gamma · (x − center) · rate + beta for each channel, and center and rate.

    In training, center is the batch's mean and rate = 1 / √(its variance + ε), and the running
    statistics move: mean = momentum · mean + (1 − momentum) · center, variance likewise. Else
    center and rate come from the running statistics.

    Returns:
        y like x, the batch innermost in memory; center (C,); rate (C,).
    """
    dtype, channels = x.dtype, x.shape[-1]
    block = layout.batch_innermost(x)
    y, found = memory.empty(block.shape, dtype), memory.empty((2 * channels,), dtype)
    parallel = y.size >= SMALL
    if channels:
        options = np.array([momentum, 1 - momentum, epsilon]).view(np.int64)
        ints = [x.size // channels, channels, training and x.size > 0, *options]
        gamma = layout.ones(channels, dtype) if gamma is None else layout.contiguous(gamma)
        beta = layout.zeros(channels, dtype) if beta is None else layout.contiguous(beta)
        arrays = [y, block, found, gamma, beta, mean, variance]
        _forward(channels, parallel, arrays, np.array(ints, np.int64), 3)
    return layout.batch_outermost(y), found[:channels], found[channels:]


@Body
def _backward(task, ints, scratch, grad_x, grad_y, x, gamma, centers, rates, grads):
    """Fill a channel of grad_x, and its gradients by gamma and beta."""
    size, channels, start = ints[SIZE], ints[CHANNELS], task * ints[SIZE]
    center, rate = centers[task], rates[task]
    by_x, by_one = _sums(grad_y, x, start, size, center, ZERO, scratch)
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
def _copy(task, ints, scratch, to, of):
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
        _backward(channels, grad_x.size >= SMALL, arrays, ints, 2)
        for number, held in enumerate((grad_gamma, grad_beta)):
            if held is not None:
                _copy(1, False, [held, grads], np.array([channels, number * channels], np.int64))
    return layout.batch_outermost(grad_x)
