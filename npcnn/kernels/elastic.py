"""Fields that bend pictures: smooth, and random by (key, step, sample).

Arguments and examples are those of `npcnn.reference.elastic`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.drawing import kind_of, numbers_of
from npcnn.kernels.dropout import BY_40, GOLDEN, begun, place_in_batch, scattered
from npcnn.kernels.noise import normal
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import helper
from npcnn.kernels.run.elementwise import SMALL

Array = np.ndarray
Pair = tuple[float, float]

# A call's integers.
KEY, BY_STEP, BATCH, ROWS, COLUMNS, SPACING, PARTS, NUMBERED = range(8)


def _bend(task, ints, scratch, out, weights, options, step_of, numbers):
    """Fill a share of the samples of out (batch, 2, rows, columns).

    Four weights for each pixel of an axis, that of rows first. In scratch are the control points,
    and what columns make of them.
    """
    rows, columns, spacing = ints[ROWS], ints[COLUMNS], ints[SPACING]
    high, wide = (rows - 1) // spacing + 4, (columns - 1) // spacing + 4
    batch, parts, of_columns = ints[BATCH], ints[PARTS], 4 * rows
    key, reach = begun(np.uint64(ints[KEY]), ints[BY_STEP], step_of), options[0]
    before = place_in_batch(ints[BY_STEP], step_of)
    for n in range(batch * task // parts, batch * (task + 1) // parts):
        sample = numbers[n] if ints[NUMBERED] else before + n
        first = np.uint64(sample * 2 * high * wide + 1)
        for axis in range(2):
            for k in range(high * wide):
                counter = (first + np.uint64(axis * high * wide + k)) * GOLDEN
                share = float(scattered(key + counter) >> BY_40) / 16777216.0
                scratch[k] = reach * (2 * share - 1)
            lines = high * wide
            for h in range(high):
                to = lines + h * columns
                for place in range(wide - 3):
                    at = h * wide + place
                    a, b, c, d = scratch[at], scratch[at + 1], scratch[at + 2], scratch[at + 3]
                    for j in range(place * spacing, min((place + 1) * spacing, columns)):
                        k = of_columns + 4 * j
                        total = weights[k] * a + weights[k + 1] * b
                        scratch[to + j] = total + weights[k + 2] * c + weights[k + 3] * d
            for i in range(rows):
                above = lines + i // spacing * columns
                to = ((2 * n + axis) * rows + i) * columns
                k = 4 * i
                a, b, c, d = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
                for j in range(columns):
                    place = above + j
                    total = a * scratch[place] + b * scratch[place + columns]
                    total = total + c * scratch[place + 2 * columns]
                    out[to + j] = total + d * scratch[place + 3 * columns]


_elastic_field = Body(_bend, mixed=True)


@op
def elastic_field(
    x: Array, key: int, reach: float, spacing: int, step: Array | None = None,
    samples: Array | None = None,
) -> Array:  # fmt: skip
    """Return how far each pixel is moved, as `warp` takes it: a cubic B-spline through a grid.

    Along rows and columns, a control point stands every `spacing` pixels, one before the first
    pixel and as many behind the last as are needed. Each has two numbers, drawn evenly from −reach
    to reach; the reference says with which weights four of them move a pixel along an axis.
    """
    n, height, width, _ = x.shape
    out = memory.empty((n, 2, height, width), x.dtype)
    if out.size:
        parts = layout.shares(n, 4, 16) if out.size >= SMALL else 1
        ints = [0, kind_of(step, samples), n, height, width, spacing, parts, samples is not None]
        integers = np.array(ints, np.int64)
        integers[KEY] = np.uint64(key).view(np.int64)
        weights = memory.constant(_weights(height, spacing) + _weights(width, spacing), x.dtype)
        now = memory.known(memory.NO_INTS) if step is None else step
        arrays = [out, weights, memory.constant([reach], x.dtype), now, numbers_of(samples)]
        high, wide = (height - 1) // spacing + 4, (width - 1) // spacing + 4
        with np.errstate(over="ignore"):  # hashes wrap, also where nothing is compiled
            _elastic_field(parts, parts > 1, arrays, integers, high * (wide + width))
    return out


def _weights(size: int, spacing: int) -> list[float]:
    """Return the four weights for each pixel of an axis.

    >>> [round(6 * weight) for weight in _weights(1, 4)]
    [1, 4, 1, 0]
    """
    found = []
    for i in range(size):
        t = i % spacing / spacing
        found += [(1 - t) ** 3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6]
        found += [(1 + 3 * t + 3 * t**2 - 3 * t**3) / 6, t**3 / 6]
    return found


# Where a sample's chance, what it must be below, and the batch's strength are among its numbers.
CHOSEN, CHANCE, STRENGTH, NORMALS = range(4)


@helper
def _share(key, counter):
    return float(scattered(key + np.uint64(counter + 1) * GOLDEN) >> BY_40) / 16777216.0


@helper
def _blurred(source, first, apart, place, size, weights, reach):
    """Return a pixel's Gaussian mean along one axis, where it has this place."""
    total = weights[0] * 0
    for k in range(max(place - reach, 0), min(place + reach + 1, size)):
        total += weights[abs(k - place)] * source[first + k * apart]
    return total


def _waver(task, ints, scratch, out, options, step_of, numbers):
    """Fill a share of the samples of out (batch, 2, rows, columns).

    In scratch are a Gaussian's weights, normal numbers, and what their blur along columns is.
    """
    rows, columns, batch, parts = ints[ROWS], ints[COLUMNS], ints[BATCH], ints[PARTS]
    cells, o = rows * columns, options
    key = begun(np.uint64(ints[KEY]), ints[BY_STEP], step_of)
    before, count = place_in_batch(ints[BY_STEP], step_of), 4 * cells + NORMALS
    strength = o[2] + _share(key, STRENGTH) * (o[3] - o[2])
    sigma = 0.05 * min(rows, columns) * strength
    scale = 0.1 * max(rows, columns) * strength * sigma
    reach, total = (int(6 * sigma) | 1) // 2, 0.0
    for k in range(-reach, reach + 1):
        scratch[abs(k)] = math.exp(-0.5 * (k / sigma) ** 2) if reach else 1.0
        total += scratch[abs(k)]
    for k in range(reach + 1):
        scratch[k] /= total
    normals = reach + 1
    lines = normals + cells
    for n in range(batch * task // parts, batch * (task + 1) // parts):
        first = (numbers[n] if ints[NUMBERED] else before + n) * count
        moved = _share(key, first + CHOSEN) < o[0] + _share(key, first + CHANCE) * (o[1] - o[0])
        for axis in range(2):
            to = (2 * n + axis) * cells
            if not moved:
                for k in range(cells):
                    out[to + k] = 0
                continue
            begin = first + NORMALS + 2 * axis * cells + 1
            for k in range(cells):
                scratch[normals + k] = normal(key, np.uint64(begin + 2 * k))
            for k in range(cells):
                i, j = k // columns, k % columns
                row = normals + i * columns
                mean = _blurred(scratch, row, 1, j, columns, scratch, reach)
                scratch[lines + k] = mean
            for k in range(cells):
                i, j = k // columns, k % columns
                mean = _blurred(scratch, lines + j, columns, i, rows, scratch, reach)
                out[to + k] = scale * mean


_gaussian_field = Body(_waver, mixed=True)


@op
def gaussian_field(
    x: Array, key: int, chance: Pair, scale: Pair, step: Array | None = None,
    samples: Array | None = None,
) -> Array:  # fmt: skip
    """Return how far each pixel is moved, as `warp` takes it: blurred normal noise.

    For the batch a strength s is drawn from `scale`. With σ = s/20 of the shorter side and α = s/10
    of the longer one, each pixel gets two normal numbers times α·σ, which are blurred by a Gaussian
    of σ, ⌊6σ⌋ pixels wide or one more; beyond the edge there are zeros. A sample's chance of being
    moved at all is drawn from `chance`.
    """
    n, height, width, _ = x.shape
    out = memory.empty((n, 2, height, width), x.dtype)
    if out.size:
        parts = layout.shares(n, 4, 16) if out.size >= SMALL else 1
        ints = [0, kind_of(step, samples), n, height, width, 0, parts, samples is not None]
        integers = np.array(ints, np.int64)
        integers[KEY] = np.uint64(key).view(np.int64)
        options = memory.constant([*chance, *scale], np.dtype("float64"))
        now = memory.known(memory.NO_INTS) if step is None else step
        room = min(height, width) + 2 * height * width + 1
        with np.errstate(over="ignore"):  # hashes wrap, also where nothing is compiled
            _gaussian_field(
                parts, parts > 1, [out, options, now, numbers_of(samples)], integers, room
            )
    return out
