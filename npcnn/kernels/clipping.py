"""Gradients made shorter: added up in parts by size alone, to the same bits on any threads.

Arguments and examples are those of `npcnn.reference.clipping`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, SMALL, each_element, in_place

Array = np.ndarray


@Body
def _partial(task, ints, scratch, gradients, parts):
    """Add up a part of each variable; ints are how many variables, then their bounds from 0 on."""
    for k in range(ints[0]):
        start, size = ints[1 + k], ints[2 + k] - ints[1 + k]
        first, last = start + size * task // PARTS, start + size * (task + 1) // PARTS
        a = b = c = d = 0.0
        i = first
        while i + 3 < last:
            a += gradients[i] * gradients[i]
            b += gradients[i + 1] * gradients[i + 1]
            c += gradients[i + 2] * gradients[i + 2]
            d += gradients[i + 3] * gradients[i + 3]
            i += 4
        while i < last:
            a += gradients[i] * gradients[i]
            i += 1
        parts[k * PARTS + task] = (a + b) + (c + d)


@Body
def _together(task, ints, scratch, sums, parts):
    for k in range(ints[0]):
        total = 0.0
        for part in range(PARTS):
            total += parts[k * PARTS + part]
        sums[k] = total


@Body
def _by_norm(task, ints, scratch, clipped, gradients, sums, options):
    limit = options[0]
    for k in range(ints[0]):
        start, size = ints[1 + k], ints[2 + k] - ints[1 + k]
        norm = math.sqrt(sums[k])
        longest = limit if norm <= limit else norm  # NaN stays NaN
        for i in range(start + size * task // PARTS, start + size * (task + 1) // PARTS):
            clipped[i] = gradients[i] * limit / longest


@Body
def _by_global_norm(task, ints, scratch, clipped, gradients, sums, options):
    limit, total = options[0], 0.0
    for k in range(ints[1]):
        total += sums[k]
    norm = options[1] * 0 + math.sqrt(total)
    shortest = norm if norm > options[1] else options[1]
    share = 1 / shortest if 1 / shortest <= 1 / limit else 1 / limit
    scale = limit * share + (norm - norm)
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        clipped[i] = gradients[i] * scale


@Body
def _by_value(task, ints, scratch, clipped, gradients, options):
    limit = options[0]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        value = gradients[i]
        if value > limit:
            value = limit
        elif value < -limit:
            value = -limit
        clipped[i] = value


def _bounds(stops: tuple[int, ...]) -> Array:
    return np.array([len(stops), 0, *stops], np.int64)


@op
def square_sums(gradients: Array, sums: Array, stops: tuple[int, ...]) -> None:
    """Write Σ g² of each variable into `sums`, added up in float64.

    Variable k lies in gradients[stops[k − 1] : stops[k]], the first from 0 on.
    """
    parts = memory.empty((len(stops) * PARTS,), gradients.dtype)
    ints = _bounds(stops)
    _partial(PARTS, gradients.size >= SMALL, [layout.contiguous(gradients), parts], ints)
    _together(1, False, [sums, parts], ints)


@op
def clip_by_norm(gradients: Array, sums: Array, stops: tuple[int, ...], limit: float) -> Array:
    """Return each variable's gradient, shortened to a norm of at most `limit`: g·c / max(‖g‖, c).

    `sums` holds ‖g‖², as `square_sums` has it.
    """
    clipped = memory.empty(gradients.shape, gradients.dtype)
    options = memory.constant([limit], gradients.dtype)
    arrays = [clipped, layout.contiguous(gradients), layout.contiguous(sums), options]
    _by_norm(PARTS, gradients.size >= SMALL, arrays, _bounds(stops))
    return clipped


@op
def clip_by_global_norm(gradients: Array, sums: Array, limit: float) -> Array:
    """Return gradients times c · min(1/n, 1/c) + (n − n), n² = Σ sums: NaN if n is infinite."""
    clipped = memory.empty(gradients.shape, gradients.dtype)
    least = float(np.finfo(gradients.dtype).tiny)  # 1/0 is never the smaller one
    options = memory.constant([limit, least], gradients.dtype)
    arrays = [clipped, layout.contiguous(gradients), layout.contiguous(sums), options]
    in_place(_by_global_norm, arrays, sums.size)
    return clipped


@op
def clip_by_value(gradients: Array, limit: float) -> Array:
    """Return gradients within −limit and limit; NaN stays NaN."""
    return each_element(_by_value, [gradients], limit)
