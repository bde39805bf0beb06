"""Flatten each sample to a vector, with its backward directly under it."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def flatten(x: Array) -> Array:
    """Return (N, everything else), each sample's elements in C order of its axes; (N,) is (N, 1).

    >>> flatten(np.arange(8.0).reshape(2, 2, 2, 1)).shape
    (2, 4)
    """
    return x.reshape(len(x), int(np.prod(x.shape[1:])))


@op
def flatten_backward(grad_y: Array, x_shape: tuple[int, ...]) -> Array:
    """Return grad_x, grad_y folded back to the shape x had.

    >>> flatten_backward(np.ones((2, 6)), (2, 3, 2)).shape
    (2, 3, 2)
    """
    return grad_y.reshape(x_shape)
