"""Arrays one behind the other along an axis, with the backward directly under it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def concatenate(arrays: Sequence[Array], axis: int) -> Array:
    """Return the arrays, alike but for their lengths along the axis, one behind the other.

    Args:
        arrays: one or more, float32 or float64.
        axis: counted from 0.

    >>> concatenate([np.ones((1, 2)), np.zeros((1, 1))], 1)
    array([[1., 1., 0.]])
    """
    return np.concatenate(arrays, axis)


@op
def concatenate_backward(grad_y: Array, sizes: Sequence[int], axis: int) -> tuple[Array, ...]:
    """Return each array's part of grad_y; sizes are their lengths along the axis.

    >>> concatenate_backward(np.array([[1.0, 2.0, 3.0]]), (2, 1), 1)
    (array([[1., 2.]]), array([[3.]]))
    """
    return tuple(part.copy() for part in np.split(grad_y, np.cumsum(sizes)[:-1], axis))
