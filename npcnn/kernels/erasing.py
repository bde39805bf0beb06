"""Rectangles cut out of pictures at random.

Arguments and examples are those of `npcnn.reference.erasing`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.drawing import kind_of, numbers_of
from npcnn.kernels.dropout import BY_40, GOLDEN, begun, place_in_batch, scattered
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import helper
from npcnn.kernels.run.elementwise import SMALL

Array = np.ndarray
Pair = tuple[float, float]
Value = float | tuple[float, ...]

# A call's integers, and its options.
KEY, BY_STEP, CHANNELS, ROWS, COLUMNS, BATCH, PARTS, NUMBERED, NOISY = range(9)
CHANCE, CHANCE_TO, SHARE, SHARE_TO, LEAST, MOST, VALUES = range(7)
SLOTS = 6  # random numbers a sample


@helper
def _drawn(key, sample, slot):
    counter = np.uint64(sample * SLOTS + slot + 1) * GOLDEN
    return float(scattered(key + counter) >> BY_40) / 16777216.0


@helper
def _edge(key, sample, slot, size, o):
    """Return the first pixel of a rectangle along one axis, and the one behind its last."""
    share = o[SHARE] + _drawn(key, sample, slot) * (o[SHARE_TO] - o[SHARE])
    length = size * math.sqrt(share)
    start = _drawn(key, sample, slot + 1) * (size - length)
    first, last = math.ceil(start), math.ceil(start + length)
    return min(max(int(first), 0), size), min(max(int(last), 0), size)


def _cut(task, ints, scratch, y, x, options, step_of, numbers, noise):
    """Copy a share of x's rows (channels, rows, columns, batch), but for the rectangles."""
    rows, columns, batch = ints[ROWS], ints[COLUMNS], ints[BATCH]
    key, o = begun(np.uint64(ints[KEY]), ints[BY_STEP], step_of), options
    before = place_in_batch(ints[BY_STEP], step_of)
    begin, end = rows * task // ints[PARTS], rows * (task + 1) // ints[PARTS]
    pitch = columns * batch
    for c in range(ints[CHANNELS]):
        for place in range((c * rows + begin) * pitch, (c * rows + end) * pitch):
            y[place] = x[place]
    for n in range(batch):
        sample = numbers[n] if ints[NUMBERED] else before + n
        chance = o[CHANCE] + _drawn(key, sample, 1) * (o[CHANCE_TO] - o[CHANCE])
        if not _drawn(key, sample, 0) < chance:
            continue
        top, foot = _edge(key, sample, 2, rows, o)
        left, right = _edge(key, sample, 4, columns, o)
        for c in range(ints[CHANNELS]):
            for i in range(max(top, begin), min(foot, end)):
                for j in range(left, right):
                    place = ((c * rows + i) * columns + j) * batch + n
                    y[place] = o[VALUES + c]
                    if ints[NOISY]:
                        y[place] = min(max(noise[place], o[LEAST]), o[MOST])


_erase = Body(_cut, mixed=True)


@op
def erase(
    x: Array, key: int, chance: Pair, share: Pair, value: Value, step: Array | None = None,
    samples: Array | None = None, noise: Array | None = None, limits: Pair = (0.0, 0.0),
) -> Array:  # fmt: skip
    """Return pictures with a number in place of a rectangle, drawn by (key, step, sample).

    A sample's chance is drawn from `chance`. For rows and for columns, of which there are L, a
    length L·√s is drawn with s from `share`, and where it begins, within the picture; the pixels p
    with start ≤ p < start + length are erased. Source: keras.layers.RandomErasing; DeVries, Taylor,
    "Improved Regularization of Convolutional Neural Networks with Cutout", 2017.
    """
    n, height, width, channels = x.shape
    y = memory.empty((channels, height, width, n), x.dtype)
    if y.size:
        parts = layout.shares(height, 7, 8) if y.size >= SMALL else 1
        ints = [0, kind_of(step, samples), channels, height, width, n, parts, samples is not None,
                noise is not None]  # fmt: skip
        integers = np.array(ints, np.int64)
        integers[KEY] = np.uint64(key).view(np.int64)
        values = value if isinstance(value, tuple) else (value,) * channels
        options = memory.constant([*chance, *share, *limits, *values], np.dtype("float64"))
        now = memory.known(memory.NO_INTS) if step is None else step
        arrays = [y, layout.batch_innermost(x), options, now, numbers_of(samples)]
        arrays.append(y if noise is None else layout.batch_innermost(noise))
        with np.errstate(over="ignore"):  # hashes wrap, also where nothing is compiled
            _erase(parts, parts > 1, arrays, integers)
    return layout.batch_outermost(y)


@op
def erase_backward(
    grad_y: Array, key: int, chance: Pair, share: Pair, step: Array | None = None,
    samples: Array | None = None,
) -> Array:  # fmt: skip
    """Return grad_x: nothing where the picture was erased."""
    return erase(grad_y, key, chance, share, 0.0, step, samples)
