"""Rectangles cut out of pictures at random."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.reference.drawing import drawn_for, numbered

Array = np.ndarray
Pair = tuple[float, float]
Value = float | tuple[float, ...]


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

    Args:
        x: (N, H, W, C), float32 or float64.
        key: 64 bits.
        chance: from and to, between 0 and 1.
        share: from and to, between 0 and 1.
        value: what stands there then; several are of one channel each.
        step: None, or an int64 (1,) that goes into the key; a `random.clock` without samples.
        samples: int64 (N,): the samples' numbers, where they are not 0 to N − 1.
        noise: like x; stands there in place of `value`.
        limits: the least and the most of the noise that are let stand.

    >>> erase(np.ones((1, 4, 4, 1)), 1, (1.0, 1.0), (0.25, 0.25), 0.0)[0, :, :, 0]
    array([[1., 1., 1., 1.],
           [1., 1., 0., 0.],
           [1., 1., 0., 0.],
           [1., 1., 1., 1.]])
    """
    hidden = _rectangles(x, key, chance, share, step, samples)
    fill = np.array(value, x.dtype) if noise is None else np.clip(noise, *limits)
    return np.where(hidden, fill, x)


@op
def erase_backward(
    grad_y: Array, key: int, chance: Pair, share: Pair, step: Array | None = None,
    samples: Array | None = None,
) -> Array:  # fmt: skip
    """Return grad_x: nothing where the picture was erased.

    >>> erase_backward(np.ones((1, 1, 2, 1)), 7, (0.0, 0.0), (0.5, 0.5)).ravel()
    array([1., 1.])
    """
    hidden = _rectangles(grad_y, key, chance, share, step, samples)
    return np.where(hidden, np.array(0, grad_y.dtype), grad_y)


def _rectangles(x, key, chance, share, step, samples):  # type: ignore[no-untyped-def]
    """Return which pixels are erased, (N, H, W, 1)."""
    key, numbers = numbered(key, step, samples, len(x))
    u = drawn_for(key, numbers, 6).T[:, :, None]
    chosen = u[0] < chance[0] + u[1] * (chance[1] - chance[0])
    inside = []
    for size, side, start in ((x.shape[1], u[2], u[3]), (x.shape[2], u[4], u[5])):
        length = size * np.sqrt(share[0] + side * (share[1] - share[0]))
        begin, place = start * (size - length), np.arange(size)
        inside.append((begin <= place) & (place < begin + length))
    return ((chosen & inside[0])[:, :, None] & inside[1][:, None, :])[..., None]
