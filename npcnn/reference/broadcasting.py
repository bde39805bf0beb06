"""Axes of length 1 made longer, with the backward, a sum, directly under it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def broadcast_to(x: Array, shape: Sequence[int]) -> Array:
    """Return a new array of this shape, x repeated along its axes of length 1.

    Its gradient is `sum_to(grad_y, x.shape)`.

    >>> broadcast_to(np.array([[1.0], [2.0]]), (2, 3))
    array([[1., 1., 1.],
           [2., 2., 2.]])
    """
    return np.broadcast_to(x, shape).copy()


@op
def sum_to(x: Array, shape: Sequence[int]) -> Array:
    """Return the sums of x along the axes that are 1 in shape.

    >>> sum_to(np.ones((2, 3)), (2, 1))
    array([[3.],
           [3.]])
    """
    axes = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return x.sum(axis=axes, keepdims=True)
