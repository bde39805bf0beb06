"""Normalisation by the root of the mean square, with its backward directly under it.

The columns and the gradient by gamma are those of `group_normalization.py`; here no mean is
subtracted, and a third of the sums is not made.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.broadcasting import LANES
from npcnn.kernels.group_normalization import WIDTH, by_parameters, close, cut_at, cut_for
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import SMALL

Array = np.ndarray


@Body
def _forward(task, ints, scratch, y, x, rate, gamma, options):
    """Fill a share of the columns; scratch has sums and the sums of a part."""
    cut = cut_at(ints, 0)
    length, columns, together = cut.length, cut.columns, cut.together
    stop = columns * (task + 1) // cut.parts
    for first in range(columns * task // cut.parts, stop, WIDTH):
        wide = min(WIDTH, stop - first)
        for n in range(2 * WIDTH):
            scratch[n] = 0
        for start in range(0, length, together):
            for k in range(start, min(start + together, length)):
                for n in range(wide):
                    number = x[k * columns + first + n]
                    scratch[WIDTH + n] += number * number
            close(scratch, 0, WIDTH, wide)
        for n in range(wide):
            rate[first + n] = 1 / math.sqrt(scratch[n] / length + options[0])
        for k in range(length):
            for n in range(wide):
                place = k * columns + first + n
                y[place] = x[place] * rate[first + n] * gamma[k]


@op
def rms_normalization(x: Array, gamma: Array | None, epsilon: float) -> tuple[Array, Array]:
    """Return y = gamma · x · rate, and rate = 1 / √(the mean of x² + ε), over the last axis.

    Returns:
        y like x, the batch innermost in memory; rate (N, …, 1).
    """
    dtype, length = x.dtype, x.shape[-1]
    block = layout.batch_innermost(x)
    y, rate = memory.empty(block.shape, dtype), memory.empty((1, *block.shape[1:]), dtype)
    if y.size:
        gamma = layout.ones(length, dtype) if gamma is None else layout.contiguous(gamma)
        tasks, ints = cut_for(length, y.size, rate.size, 1)
        arrays = [y, block, rate, gamma, memory.constant([epsilon], dtype)]
        _forward(tasks, tasks > 1, arrays, ints, 2 * WIDTH)
    return layout.batch_outermost(y), layout.batch_outermost(rate)


@Body
def _by_x(task, ints, scratch, grad_x, grad_y, x, rate, gamma):
    """Fill a share of the columns; scratch has sums and the sums of a part."""
    cut = cut_at(ints, 0)
    length, columns, together = cut.length, cut.columns, cut.together
    stop = columns * (task + 1) // cut.parts
    for first in range(columns * task // cut.parts, stop, WIDTH):
        wide = min(WIDTH, stop - first)
        for n in range(2 * WIDTH):
            scratch[n] = 0
        for start in range(0, length, together):
            for k in range(start, min(start + together, length)):
                for n in range(wide):
                    place = k * columns + first + n
                    scratch[WIDTH + n] += grad_y[place] * gamma[k] * (x[place] * rate[first + n])
            close(scratch, 0, WIDTH, wide)
        for n in range(wide):
            scratch[n] /= length
        for k in range(length):
            for n in range(wide):
                place = k * columns + first + n
                normal = x[place] * rate[first + n]
                g = grad_y[place] * gamma[k] - normal * scratch[n]
                grad_x[place] = rate[first + n] * g


@op
def rms_normalization_backward(
    grad_y: Array, x: Array, gamma: Array | None, rate: Array, grad_gamma: Array | None
) -> Array:
    """Write the gradient by gamma, and return the one by x.

    With x̂ = x · rate and g = grad_y · gamma: grad_gamma = Σ grad_y · x̂, grad_x = rate · (g − x̂ ·
    mean of g · x̂), means over the last axis.
    """
    dtype, length = x.dtype, x.shape[-1]
    block, grads = layout.batch_innermost(x), layout.batch_innermost(grad_y)
    rates = layout.batch_innermost(rate)
    grad_x = memory.empty(block.shape, dtype)
    if not x.size:
        if grad_gamma is not None:
            grad_gamma[...] = 0
        return layout.batch_outermost(grad_x)
    gamma = layout.ones(length, dtype) if gamma is None else layout.contiguous(gamma)
    tasks, ints = cut_for(length, x.size, rates.size, 1, grad_gamma is not None)
    shared = x.size >= SMALL
    if grad_gamma is not None:
        spare, none = memory.empty((length,), dtype), layout.zeros(rates.size, dtype)
        arrays = [grad_gamma, spare, grads, block, none, rates]
        by_parameters(length, shared, arrays, ints, LANES + WIDTH)
    _by_x(tasks, tasks > 1, [grad_x, grads, block, rates, gamma], ints, 2 * WIDTH)
    return layout.batch_outermost(grad_x)
