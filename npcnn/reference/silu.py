"""The sigmoid linear unit, with its backward directly under it."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.reference.activations import sigmoid

Array = np.ndarray


@op
def silu(x: Array) -> Array:
    """Return x · sigmoid(x).

    Source: Elfwing, Uchibe, Doya, arXiv 1702.03118; swish in arXiv 1710.05941.

    >>> silu(np.array([0.0, 1.0])).round(4)
    array([0.    , 0.7311])
    """
    return x * sigmoid(x)


@op
def silu_backward(grad_y: Array, x: Array) -> Array:
    """Return grad_y · s · (1 + x · (1 − s)), s = sigmoid(x).

    >>> silu_backward(np.ones(2), np.array([0.0, 2.0])).round(4)
    array([0.5   , 1.0908])
    """
    s = sigmoid(x)
    return grad_y * (s * (1 + x * (1 - s)))
