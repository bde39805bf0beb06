"""Layer normalisation, with its backward directly under it: some columns of a block at a time.

A block (K, rows) has what is normalised together in a column; columns lie side by side, so that
inner loops go over neighbours. Sums of many numbers are sums of sums.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.broadcasting import LANES, run_sum
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import helper
from npcnn.kernels.run.elementwise import SMALL

Array = np.ndarray

WIDTH = 64  # columns at a time
# A call's integers: a column's length, how many columns, into how many parts they are cut, and how
# many numbers have a sum of their own.
LENGTH, ROWS, PARTS, GROUP = range(4)


@helper
def close(scratch, to, part, wide):
    """Add the sums of a group to those of all, and begin anew."""
    for n in range(wide):
        scratch[to + n] += scratch[part + n]
        scratch[part + n] = 0


@Body
def _forward(task, ints, scratch, y, x, found, gamma, beta, options):
    """Fill a share of the columns; scratch has means, sums and the sums of a group."""
    length, rows, parts, group = ints[LENGTH], ints[ROWS], ints[PARTS], ints[GROUP]
    stop = rows * (task + 1) // parts
    for first in range(rows * task // parts, stop, WIDTH):
        wide = min(WIDTH, stop - first)
        for n in range(3 * WIDTH):
            scratch[n] = 0
        for k in range(length):
            for n in range(wide):
                scratch[2 * WIDTH + n] += x[k * rows + first + n]
            if (k + 1) % group == 0 or k + 1 == length:
                close(scratch, 0, 2 * WIDTH, wide)
        for n in range(wide):
            scratch[n] /= length
        for k in range(length):
            for n in range(wide):
                apart = x[k * rows + first + n] - scratch[n]
                scratch[2 * WIDTH + n] += apart * apart
            if (k + 1) % group == 0 or k + 1 == length:
                close(scratch, WIDTH, 2 * WIDTH, wide)
        for n in range(wide):
            scratch[WIDTH + n] = 1 / math.sqrt(scratch[WIDTH + n] / length + options[0])
            found[first + n], found[rows + first + n] = scratch[n], scratch[WIDTH + n]
        for k in range(length):
            for n in range(wide):
                place = k * rows + first + n
                y[place] = (x[place] - scratch[n]) * scratch[WIDTH + n] * gamma[k] + beta[k]


@op
def layer_normalization(
    x: Array, gamma: Array | None, beta: Array | None, epsilon: float
) -> tuple[Array, Array, Array]:
    """Return y = gamma · (x − center) · rate + beta, and center and rate, over the last axis.

    center is the mean over the last axis, rate = 1 / √(the variance + ε).

    Args:
        x: (N, …, K), any strides.
        gamma: (K,), or None for ones.
        beta: (K,), or None for zeros.
        epsilon: as above.

    Returns:
        y like x, the batch innermost in memory; center (N, …, 1); rate (N, …, 1).

    >>> layer_normalization(np.array([[1.0, 3.0]]), None, None, 0.0)[0]
    array([[-1.,  1.]])
    """
    dtype, length = x.dtype, x.shape[-1]
    block = layout.batch_innermost(x)
    y = memory.empty(block.shape, dtype)
    found = memory.empty((2, *block.shape[1:]), dtype)
    if y.size:
        gamma = layout.ones(length, dtype) if gamma is None else layout.contiguous(gamma)
        beta = layout.zeros(length, dtype) if beta is None else layout.contiguous(beta)
        arrays = [y, block, found, gamma, beta, memory.constant([epsilon], dtype)]
        ints = integers(block)
        _forward(ints[PARTS], ints[PARTS] > 1, arrays, ints, 3 * WIDTH)
    center, rate = (layout.batch_outermost(found[k : k + 1]) for k in range(2))
    return layout.batch_outermost(y), center, rate


def integers(block: Array) -> Array:
    """Return how a block is cut: a call's integers."""
    length, rows = len(block), block.size // len(block)
    parts = layout.shares(rows, 16, 16) if block.size >= SMALL else 1
    return np.array([length, rows, parts, 1 + math.isqrt(length)], np.int64)


@Body
def _by_x(task, ints, scratch, grad_x, grad_y, x, center, rate, gamma):
    """Fill a share of the columns; scratch has two sums, and those of a group."""
    length, rows, parts, group = ints[LENGTH], ints[ROWS], ints[PARTS], ints[GROUP]
    stop = rows * (task + 1) // parts
    for first in range(rows * task // parts, stop, WIDTH):
        wide = min(WIDTH, stop - first)
        for n in range(4 * WIDTH):
            scratch[n] = 0
        for k in range(length):
            for n in range(wide):
                place = k * rows + first + n
                g = grad_y[place] * gamma[k]
                scratch[2 * WIDTH + n] += g
                scratch[3 * WIDTH + n] += g * ((x[place] - center[first + n]) * rate[first + n])
            if (k + 1) % group == 0 or k + 1 == length:
                close(scratch, 0, 2 * WIDTH, wide)
                close(scratch, WIDTH, 3 * WIDTH, wide)
        for n in range(wide):
            scratch[n] /= length
            scratch[WIDTH + n] /= length
        for k in range(length):
            for n in range(wide):
                place = k * rows + first + n
                normal = (x[place] - center[first + n]) * rate[first + n]
                g = grad_y[place] * gamma[k] - scratch[n] - normal * scratch[WIDTH + n]
                grad_x[place] = rate[first + n] * g


@Body
def by_parameters(task, ints, scratch, grad_gamma, grad_beta, grad_y, x, center, rate):
    """Write the gradients by one gamma and one beta; ints[2], ints[3] say whether there is one."""
    rows, start, total = ints[ROWS], task * ints[ROWS], 0.0
    if ints[2]:
        for first in range(0, rows, WIDTH):
            wide = min(WIDTH, rows - first)
            for n in range(wide):
                place = start + first + n
                normal = (x[place] - center[first + n]) * rate[first + n]
                scratch[LANES + n] = grad_y[place] * normal
            total += run_sum(scratch, LANES, wide, scratch)
        grad_gamma[task] = total
    if ints[3]:
        grad_beta[task] = run_sum(grad_y, start, rows, scratch)


@op
def layer_normalization_backward(
    grad_y: Array, x: Array, gamma: Array | None, center: Array, rate: Array,
    grad_gamma: Array | None, grad_beta: Array | None,
) -> Array:  # fmt: skip
    """Write the gradients by gamma and beta, and return the one by x.

    With x̂ = (x − center) · rate and g = grad_y · gamma: grad_gamma = Σ grad_y · x̂, grad_beta =
    Σ grad_y, grad_x = rate · (g − mean of g − x̂ · mean of g · x̂), means over the last axis.
    """
    dtype, length = x.dtype, x.shape[-1]
    block, grads = layout.batch_innermost(x), layout.batch_innermost(grad_y)
    centers, rates = layout.batch_innermost(center), layout.batch_innermost(rate)
    grad_x = memory.empty(block.shape, dtype)
    if length:
        gamma = layout.ones(length, dtype) if gamma is None else layout.contiguous(gamma)
        rows = block.size // length
        spare = memory.empty((length,), dtype)
        held = [spare if g is None else g for g in (grad_gamma, grad_beta)]
        ints = [length, rows, grad_gamma is not None, grad_beta is not None]
        arrays = [*held, grads, block, centers, rates]
        shared = block.size >= SMALL
        by_parameters(length, shared, arrays, np.array(ints, np.int64), LANES + WIDTH)
        if block.size:
            cut = integers(block)
            arrays = [grad_x, grads, block, centers, rates, gamma]
            _by_x(cut[PARTS], cut[PARTS] > 1, arrays, cut, 4 * WIDTH)
    return layout.batch_outermost(grad_x)
