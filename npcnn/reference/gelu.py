"""The Gaussian error linear unit, with its backward directly under it."""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op

Array = np.ndarray

ROOT_2, DENSITY = math.sqrt(2), 1 / math.sqrt(2 * math.pi)


@op
def gelu(x: Array) -> Array:
    """Return x · Φ(x), Φ(x) = (1 + erf(x / √2)) / 2 the normal distribution function.

    Source: Hendrycks, Gimpel, "Gaussian Error Linear Units", arXiv 1606.08415.

    >>> gelu(np.array([0.0, 1.0])).round(4)
    array([0.    , 0.8413])
    """
    return x * _share(x)


@op
def gelu_backward(grad_y: Array, x: Array) -> Array:
    """Return grad_y · (Φ(x) + x · φ(x)), φ the normal density.

    >>> gelu_backward(np.ones(2), np.array([0.0, 2.0])).round(4)
    array([0.5   , 1.0852])
    """
    # beyond 40 the density is 0, and a square might overflow
    density = np.exp(-0.5 * np.minimum(np.abs(x), 40) ** 2) * x.dtype.type(DENSITY)
    return grad_y * (_share(x) + x * density)


def _share(x: Array) -> Array:
    """Return Φ(x); of a complex x, with an imaginary part so small that its square is nothing."""
    # erfc, as 1 + erf(x) has no digits left where x is far below 0
    share = 0.5 * np.vectorize(math.erfc, otypes=["float64"])(-x.real / ROOT_2)
    if x.dtype.kind == "c":
        return share + 1j * x.imag * np.exp(-0.5 * x.real**2) * DENSITY
    return share.astype(x.dtype)
