"""What each sample's transformation is, drawn by (key, step, sample); see npcnn/affine.py.

Arguments and examples are those of `npcnn.reference.drawing`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.affine import SLOTS, Ranges
from npcnn.contracts import op
from npcnn.kernels import dropout as masks
from npcnn.kernels.dropout import BY_40, GOLDEN, begun, place_in_batch, scattered
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import helper

Array = np.ndarray

# A call's integers.
KEY, BY_STEP, SAMPLES, X_ROWS, X_COLUMNS, Y_ROWS, Y_COLUMNS, NUMBERED = range(8)


@helper
def _drawn(key, sample, slot):
    """Return a number in [0, 1), one of a sample's SLOTS."""
    counter = np.uint64(sample * SLOTS + slot + 1) * GOLDEN
    return float(scattered(key + counter) >> BY_40) / 16777216.0


def kind_of(step: Array | None, samples: Array | None) -> int:
    """Return what a call has of its step: with samples' numbers, it is no clock.

    >>> kind_of(None, None), kind_of(np.array([3]), np.array([7, 9])), kind_of(np.array([3]), None)
    (0, 1, 2)
    """
    if step is None:
        return masks.NO_STEP
    return masks.CLOCK if samples is None else masks.WHOLE


def numbers_of(samples: Array | None) -> Array:
    """Return the samples' numbers as a body takes them; they are not looked at if there are none.

    >>> numbers_of(np.array([7, 9]))
    array([7, 9])
    """
    return memory.known(memory.NO_INTS) if samples is None else layout.contiguous(samples)


@helper
def _between(key, sample, slot, low, high):
    return low + _drawn(key, sample, slot) * (high - low)


def _draw(task, ints, scratch, out, options, step_of, numbers):
    """Write six numbers a sample; options are `Ranges.flat()`."""
    o, key = options, begun(np.uint64(ints[KEY]), ints[BY_STEP], step_of)
    first = place_in_batch(ints[BY_STEP], step_of)
    rows, columns = math.floor(_drawn(key, 0, 4) * o[16]), math.floor(_drawn(key, 0, 5) * o[17])
    for n in range(ints[SAMPLES]):
        k = numbers[n] if ints[NUMBERED] else first + n
        angle, shear = _between(key, k, 0, o[0], o[1]), _between(key, k, 1, o[2], o[3])
        zoom_y, zoom_x = _between(key, k, 2, o[4], o[5]), _between(key, k, 3, o[6], o[7])
        if o[8] != 0:
            zoom_x = zoom_y
        shift_y = _between(key, k, 4, o[9], o[10]) + rows
        shift_x = _between(key, k, 5, o[11], o[12]) + columns
        if _drawn(key, k, 6) < o[13]:
            zoom_y = -zoom_y
        if _drawn(key, k, 7 - int(o[15])) < o[14]:
            zoom_x = -zoom_x
        cos, sin, tan = math.cos(angle), math.sin(angle), math.tan(shear)
        a, b = cos * zoom_x, (cos * tan - sin) * zoom_y
        d, e = sin * zoom_x, (sin * tan + cos) * zoom_y
        x_out, y_out = (ints[Y_COLUMNS] - 1) / 2, (ints[Y_ROWS] - 1) / 2
        sign = 1 if _drawn(key, k, 6) < 0.5 else -1
        out[6 * n], out[6 * n + 1] = a, b + sign * _between(key, k, 0, o[18], o[19])
        out[6 * n + 2] = (ints[X_COLUMNS] - 1) / 2 + shift_x - (a * x_out + b * y_out)
        out[6 * n + 3], out[6 * n + 4] = d + sign * _between(key, k, 1, o[20], o[21]), e
        out[6 * n + 5] = (ints[X_ROWS] - 1) / 2 + shift_y - (d * x_out + e * y_out)


_random_affine = Body(_draw, mixed=True)


@op
def random_affine(
    x: Array, key: int, ranges: Ranges, size: tuple[int, int], step: Array | None = None,
    samples: Array | None = None,
) -> Array:  # fmt: skip
    """Return a transformation for each sample, drawn by (key, step, sample)."""
    n, height, width, _ = x.shape
    out = memory.empty((n, 6), np.float64)
    if n:
        numbered = samples is not None
        ints = np.array([0, kind_of(step, samples), n, height, width, *size, numbered], np.int64)
        ints[KEY] = np.uint64(key).view(np.int64)
        options = memory.constant(ranges.flat(), np.dtype("float64"))
        now = memory.known(memory.NO_INTS) if step is None else step
        with np.errstate(over="ignore"):  # hashes wrap, also where nothing is compiled
            _random_affine(1, False, [out, options, now, numbers_of(samples)], ints)
    return out
