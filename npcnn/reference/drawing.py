"""What each sample's transformation is, drawn by (key, step, sample); see npcnn/affine.py."""

from __future__ import annotations

import numpy as np

from npcnn.affine import SLOTS, Ranges
from npcnn.contracts import op
from npcnn.reference.dropout import GOLDEN, begun, mixed

Array = np.ndarray


def numbered(key: int, step: Array | None, samples: Array | None, n: int) -> tuple[int, Array]:
    """Return a step's key, and each sample's number: as given, or its place in the batch.

    Args:
        key: 64 bits.
        step: goes into the key; without samples it is a `random.clock`.
        samples: their numbers, or None.
        n: how many there are.
    """
    if samples is None:
        key, first = begun(key, step)
        return key, np.arange(first, first + n)
    if step is not None:
        key = mixed(np.uint64(key) + step.astype(np.uint64).reshape(1) + GOLDEN)[0]
    return key, samples


def drawn_for(key: int, samples: Array, count: int) -> Array:
    """Return so many numbers in [0, 1) for each sample of these numbers: (N, count).

    They are those that `uniform` gives to the samples' places in a batch; see dropout.py.
    """
    numbers = samples.astype(np.uint64)[:, None]
    counter = numbers * np.uint64(count) + np.arange(1, count + 1, dtype=np.uint64)
    return (mixed(np.uint64(key) + counter * GOLDEN) >> np.uint64(40)).astype(np.float64) / 2**24


@op
def random_affine(
    x: Array, key: int, ranges: Ranges, size: tuple[int, int], step: Array | None = None,
    samples: Array | None = None,
) -> Array:  # fmt: skip
    """Return a transformation for each sample, drawn by (key, step, sample).

    Args:
        x: (N, H, W, C), of which only the shape is read.
        key: 64 bits.
        ranges: what is drawn from.
        size: rows and columns of the result.
        step: None, or an int64 (1,) that goes into the key; a `random.clock` without samples.
        samples: int64 (N,): the samples' numbers, where they are not 0 to N − 1.

    Returns:
        float64 (N, 6): a pixel (column, row) = (x, y) of the result is read at
        (a·x + b·y + c, d·x + e·y + f).

    >>> x = np.zeros((1, 4, 5, 1), "float32")
    >>> random_affine(x, 0, Ranges(flip=(0.0, 1.0)), (4, 5)) + 0.0
    array([[-1.,  0.,  4.,  0.,  1.,  0.]])
    """
    n, height, width, _ = x.shape
    key, numbers = numbered(key, step, samples, n)
    u = drawn_for(key, numbers, SLOTS).T
    whole = drawn_for(key, np.arange(1), SLOTS)[0]  # of the batch

    def drawn(slot: int, low: float, high: float) -> Array:
        return low + u[slot] * (high - low)

    angle, shear = drawn(0, *ranges.rotation), drawn(1, *ranges.shear)
    zoom_y, zoom_x = drawn(2, *ranges.zoom[0]), drawn(3, *ranges.zoom[1])
    if ranges.one_zoom:
        zoom_x = zoom_y
    shift_y, shift_x = drawn(4, *ranges.shift[0]), drawn(5, *ranges.shift[1])
    flip_y, flip_x = u[6] < ranges.flip[0], u[6 if ranges.one_flip else 7] < ranges.flip[1]
    zoom_y, zoom_x = np.where(flip_y, -zoom_y, zoom_y), np.where(flip_x, -zoom_x, zoom_x)
    rows, columns = ranges.places
    if rows:
        shift_y = shift_y + np.floor(whole[4] * rows)
    if columns:
        shift_x = shift_x + np.floor(whole[5] * columns)
    cos, sin, tan = np.cos(angle), np.sin(angle), np.tan(shear)
    a, b = cos * zoom_x, (cos * tan - sin) * zoom_y
    d, e = sin * zoom_x, (sin * tan + cos) * zoom_y
    y_in, x_in, y_out, x_out = ((n - 1) / 2 for n in (height, width, *size))
    c = x_in + shift_x - (a * x_out + b * y_out)
    f = y_in + shift_y - (d * x_out + e * y_out)
    sign = np.where(u[6] < 0.5, 1, -1)
    b, d = b + sign * drawn(0, *ranges.slant[0]), d + sign * drawn(1, *ranges.slant[1])
    return np.stack([a, b, c, d, e, f], axis=1)
