"""Normally distributed noise that is a pure function of (key, sample, position), as dropout is."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.reference.dropout import begun, uniform

Array = np.ndarray


@op
def random_normal(
    like: Array, mean: float, stddev: float, key: int, step: Array | None = None
) -> Array:
    """Return normal numbers in the shape and dtype of `like`, whose own numbers do not matter.

    Two uniform numbers u, v of 24 bits make one: √(−2 log u) · cos(2π v). Source: Box, Muller,
    "A Note on the Generation of Random Normal Deviates", 1958.

    Args:
        like: any shape (N, …), float32 or float64.
        mean: of the numbers.
        stddev: of the numbers.
        key: 64 bits made from seed and layer; the same key gives the same numbers.
        step: None, or a `random.clock`, which goes into the key.

    >>> random_normal(np.ones((1, 3)), 0.0, 1.0, 7).round(4)
    array([[ 1.365 , -0.3965,  0.0045]])
    """
    key, first = begun(key, step)
    u, v = np.moveaxis(uniform(key, (*like.shape, 2), first), -1, 0)
    normal = np.sqrt(-2 * np.log(u + 2.0**-24)) * np.cos(2 * np.pi * v)
    return (mean + stddev * normal).astype(like.real.dtype)
