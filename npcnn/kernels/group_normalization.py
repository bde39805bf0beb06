"""Group normalisation, with its backward directly under it: a task for some columns of a group.

In a block (C, …, N) a group is one run, (K, N), of which each column is normalised by itself, as in
layer normalisation. Sums of many numbers are sums of sums.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.broadcasting import LANES, run_sum
from npcnn.kernels.layer_normalization import WIDTH, close
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import SMALL

Array = np.ndarray

# A call's integers: numbers of a group, samples, parts into which these are cut, how many numbers
# have a sum of their own, numbers of a channel, channels of a group, groups; a gamma? a beta?
LENGTH, ROWS, PARTS, TOGETHER, PLACES, CHANNELS, GROUPS, GAMMA, BETA = range(9)


@Body
def _forward(task, ints, scratch, y, x, found, gamma, beta, options):
    """Fill a share of a group's columns; scratch has means, sums and the sums of a part."""
    length, rows, parts, most = ints[LENGTH], ints[ROWS], ints[PARTS], ints[TOGETHER]
    group, part = task // parts, task % parts
    base, stop = group * length * rows, rows * (part + 1) // parts
    for first in range(rows * part // parts, stop, WIDTH):
        wide = min(WIDTH, stop - first)
        for n in range(3 * WIDTH):
            scratch[n] = 0
        for k in range(length):
            for n in range(wide):
                scratch[2 * WIDTH + n] += x[base + k * rows + first + n]
            if (k + 1) % most == 0 or k + 1 == length:
                close(scratch, 0, 2 * WIDTH, wide)
        for n in range(wide):
            scratch[n] /= length
        for k in range(length):
            for n in range(wide):
                apart = x[base + k * rows + first + n] - scratch[n]
                scratch[2 * WIDTH + n] += apart * apart
            if (k + 1) % most == 0 or k + 1 == length:
                close(scratch, WIDTH, 2 * WIDTH, wide)
        for n in range(wide):
            scratch[WIDTH + n] = 1 / math.sqrt(scratch[WIDTH + n] / length + options[0])
            found[group * rows + first + n] = scratch[n]
            found[(ints[GROUPS] + group) * rows + first + n] = scratch[WIDTH + n]
        for k in range(length):
            channel = group * ints[CHANNELS] + k // ints[PLACES]
            for n in range(wide):
                place = base + k * rows + first + n
                normal = (x[place] - scratch[n]) * scratch[WIDTH + n]
                y[place] = normal * gamma[channel] + beta[channel]


@op
def group_normalization(
    x: Array, gamma: Array | None, beta: Array | None, groups: int, epsilon: float
) -> tuple[Array, Array, Array]:
    """Return y = gamma · (x − center) · rate + beta, and center and rate.

    They are of each sample and each group of neighbouring channels: center is the mean, rate =
    1 / √(the variance + ε).

    Args:
        x: (N, …, C), any strides.
        gamma: (C,), or None for ones.
        beta: (C,), or None for zeros.
        groups: how many, a divisor of C.
        epsilon: as above.

    Returns:
        y like x, the batch innermost in memory; center (N, G); rate (N, G).

    >>> group_normalization(np.array([[1.0, 3.0, 5.0, 9.0]]), None, None, 2, 0.0)[0]
    array([[-1.,  1., -1.,  1.]])
    """
    dtype, channels = x.dtype, x.shape[-1]
    block = layout.batch_innermost(x)
    y, found = memory.empty(block.shape, dtype), memory.empty((2, groups, len(x)), dtype)
    if y.size:
        gamma = layout.ones(channels, dtype) if gamma is None else layout.contiguous(gamma)
        beta = layout.zeros(channels, dtype) if beta is None else layout.contiguous(beta)
        arrays = [y, block, found, gamma, beta, memory.constant([epsilon], dtype)]
        ints = _integers(block, groups)
        _forward(groups * ints[PARTS], block.size >= SMALL, arrays, ints, 3 * WIDTH)
    return layout.batch_outermost(y), found[0].T, found[1].T


def _integers(block: Array, groups: int, *flags: bool) -> Array:
    rows, channels = block.shape[-1], len(block) // groups
    length = block.size // rows // groups
    parts = layout.shares(rows, WIDTH, 8) if block.size >= SMALL else 1
    cut = [length, rows, parts, 1 + math.isqrt(length), length // channels, channels, groups]
    return np.array([*cut, *flags], np.int64)


@Body
def _by_x(task, ints, scratch, grad_x, grad_y, x, center, rate, gamma):
    """Fill a share of a group's columns; scratch has two sums, and those of a part."""
    length, rows, parts, most = ints[LENGTH], ints[ROWS], ints[PARTS], ints[TOGETHER]
    group, part = task // parts, task % parts
    base, own, stop = group * length * rows, group * rows, rows * (part + 1) // parts
    for first in range(rows * part // parts, stop, WIDTH):
        wide = min(WIDTH, stop - first)
        for n in range(4 * WIDTH):
            scratch[n] = 0
        for k in range(length):
            channel = group * ints[CHANNELS] + k // ints[PLACES]
            for n in range(wide):
                place, column = base + k * rows + first + n, own + first + n
                g = grad_y[place] * gamma[channel]
                scratch[2 * WIDTH + n] += g
                scratch[3 * WIDTH + n] += g * ((x[place] - center[column]) * rate[column])
            if (k + 1) % most == 0 or k + 1 == length:
                close(scratch, 0, 2 * WIDTH, wide)
                close(scratch, WIDTH, 3 * WIDTH, wide)
        for n in range(wide):
            scratch[n] /= length
            scratch[WIDTH + n] /= length
        for k in range(length):
            channel = group * ints[CHANNELS] + k // ints[PLACES]
            for n in range(wide):
                place, column = base + k * rows + first + n, own + first + n
                normal = (x[place] - center[column]) * rate[column]
                g = grad_y[place] * gamma[channel] - scratch[n] - normal * scratch[WIDTH + n]
                grad_x[place] = rate[column] * g


@Body
def _by_parameters(task, ints, scratch, grad_gamma, grad_beta, grad_y, x, center, rate):
    """Write the gradients by a channel's gamma and beta, where there is one."""
    rows, size = ints[ROWS], ints[PLACES] * ints[ROWS]
    start, own, total = task * size, task // ints[CHANNELS] * rows, 0.0
    if ints[GAMMA]:
        for place in range(ints[PLACES]):
            for first in range(0, rows, WIDTH):
                wide = min(WIDTH, rows - first)
                for n in range(wide):
                    i, column = start + place * rows + first + n, own + first + n
                    normal = (x[i] - center[column]) * rate[column]
                    scratch[LANES + n] = grad_y[i] * normal
                total += run_sum(scratch, LANES, wide, scratch)
        grad_gamma[task] = total
    if ints[BETA]:
        grad_beta[task] = run_sum(grad_y, start, size, scratch)


@op
def group_normalization_backward(
    grad_y: Array, x: Array, gamma: Array | None, center: Array, rate: Array,
    grad_gamma: Array | None, grad_beta: Array | None,
) -> Array:  # fmt: skip
    """Write the gradients by gamma and beta, and return the one by x.

    With x̂ = (x − center) · rate and g = grad_y · gamma: grad_gamma = Σ grad_y · x̂, grad_beta =
    Σ grad_y, grad_x = rate · (g − mean of g − x̂ · mean of g · x̂), means over a group.
    """
    dtype, channels, groups = x.dtype, x.shape[-1], center.shape[1]
    block, grads = layout.batch_innermost(x), layout.batch_innermost(grad_y)
    grad_x = memory.empty(block.shape, dtype)
    held = [grad_gamma, grad_beta]
    if not block.size:
        for gradient in held:
            if gradient is not None:
                gradient[...] = 0
        return layout.batch_outermost(grad_x)
    gamma = layout.ones(channels, dtype) if gamma is None else layout.contiguous(gamma)
    found = [layout.contiguous(center.T), layout.contiguous(rate.T)]
    ints, shared = _integers(block, groups, *(g is not None for g in held)), block.size >= SMALL
    spare = memory.empty((channels,), dtype)
    arrays = [*(spare if g is None else g for g in held), grads, block, *found]
    _by_parameters(channels, shared, arrays, ints, LANES + WIDTH)
    arrays = [grad_x, grads, block, *found, gamma]
    _by_x(groups * ints[PARTS], shared, arrays, ints, 4 * WIDTH)
    return layout.batch_outermost(grad_x)
