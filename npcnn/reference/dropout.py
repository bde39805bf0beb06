"""Dropout whose mask is a pure function of (key, sample, position).

There is no state, so any step can be repeated on its own and on any number of threads.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@op
def dropout(
    x: Array, rate: float, key: int, noise_shape: tuple[int, ...], step: Array | None = None
) -> Array:
    """Return x with a share `rate` of its elements zero and the others times 1 / (1 − rate).

    Inverted dropout: the expected value of each element stays what it was. Source: Srivastava et
    al., "Dropout", JMLR 2014.

    Args:
        x: any shape (N, …), float32 or float64.
        rate: the share to drop, 0 ≤ rate < 1.
        key: 64 bits made from seed, layer and step; the same key gives the same mask.
        noise_shape: the shape of the mask, one entry an axis; 1 shares a decision along the axis.
        step: None, or an array of one int64 that goes into the key: a mask of its own each step.

    >>> dropout(np.ones((1, 8)), 0.5, 7, (1, 8))
    array([[0., 0., 2., 2., 0., 0., 0., 0.]])
    """
    if step is not None:
        key = mixed(np.uint64(key) + step.astype(np.uint64).reshape(1) + GOLDEN)[0]
    kept = uniform(key, noise_shape) >= rate
    scale = np.array(1 / (1 - rate), x.dtype)
    return np.where(kept, x * scale, np.array(0, x.dtype))


@op
def dropout_backward(
    grad_y: Array, rate: float, key: int, noise_shape: tuple[int, ...], step: Array | None = None
) -> Array:
    """Return grad_x: the same elements dropped, the same scale, as in the forward pass."""
    return dropout(grad_y, rate, key, noise_shape, step)


def uniform(key: int, shape: tuple[int, ...]) -> Array:
    """Return uniform numbers in [0, 1), 24 bits each; element i, counted in C order, is a hash.

    h = mix(key + (i + 1)·0x9E3779B97F4A7C15) modulo 2⁶⁴, uniform = (h >> 40) / 2²⁴. That is the
    i-th output of SplitMix64 started at `key`. Source: Steele, Lea, Flood, "Fast Splittable
    Pseudorandom Number Generators", OOPSLA 2014.
    """
    counter = np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint64)
    h = mixed(np.uint64(key) + counter * GOLDEN)
    return ((h >> np.uint64(40)).astype(np.float64) / 2**24).reshape(shape)


def mixed(h: Array) -> Array:
    """Scatter the bits of 64-bit integers: the finaliser of SplitMix64."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))
