"""Dropout whose mask is a pure function of (key, sample, position).

There is no state, so any step can be repeated on its own and on any number of threads.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.random import FIRST

Array = np.ndarray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
PLACES = np.uint64(FIRST)


@op
def dropout(
    x: Array, rate: float, key: int, noise_shape: tuple[int | None, ...],
    step: Array | None = None,
) -> Array:  # fmt: skip
    """Return x with a share `rate` of its elements zero and the others times 1 / (1 − rate).

    Inverted dropout: the expected value of each element stays what it was. Source: Srivastava et
    al., "Dropout", JMLR 2014.

    Args:
        x: any shape (N, …), float32 or float64.
        rate: the share to drop, 0 ≤ rate < 1.
        key: 64 bits made from seed, layer and step; the same key gives the same mask.
        noise_shape: the shape of the mask, one entry an axis; 1 shares a decision along the axis,
            None in the first place is as many as there are samples.
        step: None, or a `random.clock`, which goes into the key: a mask of its own each step.

    >>> dropout(np.ones((1, 8)), 0.5, 7, (1, 8))
    array([[0., 0., 2., 2., 0., 0., 0., 0.]])
    """
    key, first = begun(key, step)
    each = tuple(n if size is None else size for n, size in zip(x.shape, noise_shape, strict=True))
    kept = uniform(key, each, 0 if noise_shape[0] == 1 else first) >= rate
    scale = np.array(1 / (1 - rate), x.dtype)
    return np.where(kept, x * scale, np.array(0, x.dtype))


@op
def dropout_backward(
    grad_y: Array, rate: float, key: int, noise_shape: tuple[int | None, ...],
    step: Array | None = None,
) -> Array:  # fmt: skip
    """Return grad_x: the same elements dropped, the same scale, as in the forward pass.

    >>> x = np.ones((1, 4))
    >>> bool((dropout_backward(x, 0.5, 7, (None, 4)) == dropout(x, 0.5, 7, (None, 4))).all())
    True
    """
    return dropout(grad_y, rate, key, noise_shape, step)


def begun(key: int, step: Array | None) -> tuple[int, int]:
    """Return the key of a step, and the place in its batch of the first sample; see `random.clock`.

    >>> begun(7, None)
    (7, 0)
    """
    if step is None:
        return key, 0
    clock = step.astype(np.uint64).reshape(1)
    number = clock & np.uint64((1 << FIRST) - 1)
    return mixed(np.uint64(key) + number + GOLDEN)[0], int(clock[0] >> PLACES)


def uniform(key: int, shape: tuple[int, ...], first: int = 0) -> Array:
    """Return uniform numbers in [0, 1), 24 bits each; element i, counted in C order, is a hash.

    The first element is that of the sample of this place.

    h = mix(key + (i + 1)·0x9E3779B97F4A7C15) modulo 2⁶⁴, uniform = (h >> 40) / 2²⁴. That is the
    i-th output of SplitMix64 started at `key`. Source: Steele, Lea, Flood, "Fast Splittable
    Pseudorandom Number Generators", OOPSLA 2014.
    """
    begin = first * int(np.prod(shape[1:])) + 1
    counter = np.arange(begin, begin + int(np.prod(shape)), dtype=np.uint64)
    h = mixed(np.uint64(key) + counter * GOLDEN)
    return ((h >> np.uint64(40)).astype(np.float64) / 2**24).reshape(shape)


def mixed(h: Array) -> Array:
    """Scatter the bits of 64-bit integers: the finaliser of SplitMix64."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))
