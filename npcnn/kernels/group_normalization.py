"""Group normalisation, with its backward directly under it: a task for some columns of a group.

In a block (C, …, N) a group of channels is one run, (K, N), of which each column is normalised by
itself; columns lie side by side, so that inner loops go over neighbours. Sums of many numbers are
sums of sums. Layer normalisation is that of one group, and the one by the mean square has these
columns too.

Arguments and examples are those of `npcnn.reference.group_normalization`.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.broadcasting import LANES, run_sum
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import helper
from npcnn.kernels.run.elementwise import SMALL
from npcnn.kernels.run.records import reader
from npcnn.kernels.tiles.simd import moved

Array = np.ndarray

WIDTH = 64  # columns at a time


class Cut(NamedTuple):
    """A call's integers."""

    length: int  # numbers of a column
    columns: int  # of a group, side by side
    parts: int  # into which these are cut
    together: int  # numbers that have a sum of their own
    places: int  # numbers of a channel
    channels: int  # of a group
    groups: int
    gamma: int  # whether there is a gradient by it
    beta: int


cut_at = reader(Cut)


@functools.lru_cache(maxsize=256)
def cut_for(channels: int, size: int, columns: int, groups: int, gamma: bool = False,
         beta: bool = False) -> tuple[int, Array]:  # fmt: skip
    """Return how many tasks a block of so many channels, numbers and columns is cut into; integers.

    They say too which parameters' gradients are wanted.
    """
    length, own = size // columns // groups, channels // groups
    least, most = (16, 16) if groups == 1 else (WIDTH, 8)
    parts = layout.shares(columns, least, most) if size >= SMALL else 1
    together, places = 1 + math.isqrt(length), length // own
    cut = Cut(length, columns, parts, together, places, own, groups, gamma, beta)
    return groups * parts, np.array(cut, np.int64)


def flat(block: Array) -> Array:
    """Return a block (C, …, N) as (C, all else): a column is then what lies over one place."""
    return block.reshape(len(block), math.prod(block.shape[1:]))


@helper
def close(scratch, to, part, wide):
    """Add the sums of a part to those of all, and begin anew."""
    for n in range(wide):
        scratch[to + n] += scratch[part + n]
        scratch[part + n] = 0


@Body
def _normalize(task, ints, scratch, y, x, found, gamma, beta, options):
    """Fill a share of a group's columns; scratch has means, sums and the sums of a part."""
    cut = cut_at(ints, 0)
    length, columns, together, places = cut.length, cut.columns, cut.together, cut.places
    group, part = task // cut.parts, task % cut.parts
    x, y = moved(x, group * length * columns), moved(y, group * length * columns)
    gamma, beta = moved(gamma, group * cut.channels), moved(beta, group * cut.channels)
    centers, rates = moved(found, group * columns), moved(found, (cut.groups + group) * columns)
    stop = columns * (part + 1) // cut.parts
    for first in range(columns * part // cut.parts, stop, WIDTH):
        wide = min(WIDTH, stop - first)
        for n in range(3 * WIDTH):
            scratch[n] = 0
        for start in range(0, length, together):
            for k in range(start, min(start + together, length)):
                for n in range(wide):
                    scratch[2 * WIDTH + n] += x[k * columns + first + n]
            close(scratch, 0, 2 * WIDTH, wide)
        for n in range(wide):
            scratch[n] /= length
        for start in range(0, length, together):
            for k in range(start, min(start + together, length)):
                for n in range(wide):
                    apart = x[k * columns + first + n] - scratch[n]
                    scratch[2 * WIDTH + n] += apart * apart
            close(scratch, WIDTH, 2 * WIDTH, wide)
        for n in range(wide):
            scratch[WIDTH + n] = 1 / math.sqrt(scratch[WIDTH + n] / length + options[0])
            centers[first + n], rates[first + n] = scratch[n], scratch[WIDTH + n]
        channel, behind, factor, above = 0, places, gamma[0], beta[0]
        for k in range(length):
            if k == behind:
                channel, behind = channel + 1, behind + places
                factor, above = gamma[channel], beta[channel]
            for n in range(wide):
                place = k * columns + first + n
                y[place] = (x[place] - scratch[n]) * scratch[WIDTH + n] * factor + above


def normalized(
    block: Array, gamma: Array | None, beta: Array | None, epsilon: float, groups: int = 1
) -> tuple[Array, Array]:  # fmt: skip
    """Return gamma · (x − center) · rate + beta for a block (C, …, N), and (2, groups, N): these.

    center is the mean of a group's numbers in a column, rate = 1 / √(their variance + ε).
    """
    dtype, channels = block.dtype, len(block)
    y, found = memory.empty(block.shape, dtype), memory.empty((2, groups, block.shape[-1]), dtype)
    if y.size:
        gamma = layout.ones(channels, dtype) if gamma is None else layout.contiguous(gamma)
        beta = layout.zeros(channels, dtype) if beta is None else layout.contiguous(beta)
        arrays = [y, block, found, gamma, beta, memory.constant([epsilon], dtype)]
        tasks, ints = cut_for(channels, block.size, block.shape[-1], groups)
        _normalize(tasks, block.size >= SMALL, arrays, ints, 3 * WIDTH)
    return y, found


@op
def group_normalization(
    x: Array, gamma: Array | None, beta: Array | None, groups: int, epsilon: float
) -> tuple[Array, Array, Array]:
    """Return y = gamma · (x − center) · rate + beta, and center and rate.

    They are of each sample and each group of neighbouring channels: center is the mean, rate =
    1 / √(the variance + ε).

    Returns:
        y like x, the batch innermost in memory; center (N, G); rate (N, G).
    """
    block = layout.batch_innermost(x)
    y, (center, rate) = normalized(block, gamma, beta, epsilon, groups)
    return layout.batch_outermost(y), center.T, rate.T


@Body
def _by_x(task, ints, scratch, grad_x, grad_y, x, center, rate, gamma):
    """Fill a share of a group's columns; scratch has two sums, and those of a part."""
    cut = cut_at(ints, 0)
    length, columns, together, places = cut.length, cut.columns, cut.together, cut.places
    group, part = task // cut.parts, task % cut.parts
    base, stop = group * length * columns, columns * (part + 1) // cut.parts
    grad_x, grad_y, x = moved(grad_x, base), moved(grad_y, base), moved(x, base)
    center, rate = moved(center, group * columns), moved(rate, group * columns)
    gamma = moved(gamma, group * cut.channels)
    for first in range(columns * part // cut.parts, stop, WIDTH):
        wide = min(WIDTH, stop - first)
        for n in range(4 * WIDTH):
            scratch[n] = 0
        channel, behind = 0, places
        for start in range(0, length, together):
            for k in range(start, min(start + together, length)):
                if k == behind:
                    channel, behind = channel + 1, behind + places
                for n in range(wide):
                    place, column = k * columns + first + n, first + n
                    g = grad_y[place] * gamma[channel]
                    scratch[2 * WIDTH + n] += g
                    scratch[3 * WIDTH + n] += g * ((x[place] - center[column]) * rate[column])
            close(scratch, 0, 2 * WIDTH, wide)
            close(scratch, WIDTH, 3 * WIDTH, wide)
        for n in range(wide):
            scratch[n] /= length
            scratch[WIDTH + n] /= length
        channel, behind = 0, places
        for k in range(length):
            if k == behind:
                channel, behind = channel + 1, behind + places
            for n in range(wide):
                place, column = k * columns + first + n, first + n
                normal = (x[place] - center[column]) * rate[column]
                g = grad_y[place] * gamma[channel] - scratch[n] - normal * scratch[WIDTH + n]
                grad_x[place] = rate[column] * g


@Body
def by_parameters(task, ints, scratch, grad_gamma, grad_beta, grad_y, x, center, rate):
    """Write the gradients by a channel's gamma and beta, where there is one."""
    cut = cut_at(ints, 0)
    columns, size = cut.columns, cut.places * cut.columns
    start, own, total = task * size, task // cut.channels * columns, 0.0
    if cut.gamma:
        for place in range(cut.places):
            for first in range(0, columns, WIDTH):
                wide = min(WIDTH, columns - first)
                for n in range(wide):
                    i, column = start + place * columns + first + n, own + first + n
                    normal = (x[i] - center[column]) * rate[column]
                    scratch[LANES + n] = grad_y[i] * normal
                total += run_sum(scratch, LANES, wide, scratch)
        grad_gamma[task] = total
    if cut.beta:
        grad_beta[task] = run_sum(grad_y, start, size, scratch)


def gradients(
    grad_y: Array, x: Array, gamma: Array | None, center: Array, rate: Array,
    held: tuple[Array | None, Array | None], groups: int = 1,
) -> Array:  # fmt: skip
    """Write the gradients by gamma and beta to `held`, unless they are None; return the one by x.

    grad_y and x are blocks (C, …, N), center and rate (groups, N).

    With x̂ = (x − center) · rate and g = grad_y · gamma: grad_gamma = Σ grad_y · x̂, grad_beta =
    Σ grad_y, grad_x = rate · (g − mean of g − x̂ · mean of g · x̂), means over a group's numbers in
    a column.
    """
    dtype, channels = x.dtype, len(x)
    grad_x = memory.empty(x.shape, dtype)
    if not x.size:
        for gradient in held:
            if gradient is not None:
                gradient[...] = 0
        return grad_x
    wanted = [gradient is not None for gradient in held]
    tasks, ints = cut_for(channels, x.size, x.shape[-1], groups, *wanted)
    shared = x.size >= SMALL
    gamma = layout.ones(channels, dtype) if gamma is None else layout.contiguous(gamma)
    if any(wanted):
        spare = memory.empty((channels,), dtype)
        arrays = [*(spare if g is None else g for g in held), grad_y, x, center, rate]
        by_parameters(channels, shared, arrays, ints, LANES + WIDTH)
    arrays = [grad_x, grad_y, x, center, rate, gamma]
    _by_x(tasks, shared, arrays, ints, 4 * WIDTH)
    return grad_x


@op
def group_normalization_backward(
    grad_y: Array, x: Array, gamma: Array | None, center: Array, rate: Array,
    grad_gamma: Array | None, grad_beta: Array | None,
) -> Array:  # fmt: skip
    """Write the gradients by gamma and beta, and return the one by x.

    With x̂ = (x − center) · rate and g = grad_y · gamma: grad_gamma = Σ grad_y · x̂, grad_beta =
    Σ grad_y, grad_x = rate · (g − mean of g − x̂ · mean of g · x̂), means over a group.
    """
    block, grads = layout.batch_innermost(x), layout.batch_innermost(grad_y)
    center, rate = layout.contiguous(center.T), layout.contiguous(rate.T)
    grad_x = gradients(grads, block, gamma, center, rate, (grad_gamma, grad_beta), len(center))
    return layout.batch_outermost(grad_x)
