"""Rows of numbers made from nothing: windows, and steps that multiply."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn import config
from npcnn.ops.dtypes import dtype_of, single
from npcnn.ops.entry import Scalar, listed_in, plain, strong
from npcnn.ops.making import sizes

Array = np.ndarray


@listed_in("sequences")
def empty(shape: Any, dtype: Any = None) -> Array:
    """Return an array whose numbers do not matter; they are zeros.

    >>> empty((2, 3)).shape
    (2, 3)
    """
    return np.zeros(sizes(shape), dtype_of(dtype))


@listed_in("sequences")
def empty_like(x: Any, dtype: Any = None) -> Array:
    """Return an array of x's shape and dtype whose numbers do not matter; they are zeros."""
    return np.zeros_like(strong(x), None if dtype is None else dtype_of(dtype))


@listed_in("sequences")
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Array:
    """Return so many numbers from start to stop, each the same multiple of the one before.

    >>> geomspace(1.0, 100.0, 3).round(4).tolist()
    [1.0, 10.0, 100.0]
    """
    one, two = plain(start), plain(stop)
    found = np.geomspace(one, two, num, endpoint, axis=axis)
    return found.astype(dtype_of(dtype, single(np.asarray(found), [one, two]).dtype))


@listed_in("sequences")
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10, dtype: Any = None,
    axis: int = 0,
) -> Array:  # fmt: skip
    """Return powers of the base, their exponents so many numbers from start to stop.

    >>> logspace(0.0, 2.0, 3).round(4).tolist()
    [1.0, 10.0, 100.0]
    """
    one, two = plain(start), plain(stop)
    found = np.logspace(one, two, num, endpoint, plain(base), axis=axis)
    return found.astype(dtype_of(dtype, single(np.asarray(found), [one, two]).dtype))


def _window(name: str, function: Any, shape: str) -> Any:
    def window(x: int) -> Array:
        return function(int(plain(x))).astype(config.floatx())

    window.__name__ = window.__qualname__ = name
    window.__doc__ = f"Return a window of x numbers: {shape}."
    return listed_in("sequences")(window)


bartlett = _window("bartlett", np.bartlett, "a triangle")
blackman = _window("blackman", np.blackman, "0.42 − 0.5 cos + 0.08 cos of twice the angle")
hamming = _window("hamming", np.hamming, "0.54 − 0.46 cos")
hanning = _window("hanning", np.hanning, "0.5 − 0.5 cos")


@listed_in("sequences")
def kaiser(x: int, beta: Scalar) -> Array:
    """Return Kaiser's window of x numbers; beta says how narrow."""
    return np.kaiser(int(plain(x)), plain(beta)).astype(config.floatx())
