"""Zeros around images, with the backward directly under it."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Edges = tuple[tuple[int, int], tuple[int, int]]
Array = np.ndarray


@op
def zero_padding2d(x: Array, padding: Edges) -> Array:
    """Return x with rows and columns of zeros around it.

    Args:
        x: (N, H, W, C), float32 or float64.
        padding: ((above, below), (left, right)).

    Returns:
        y (N, above + H + below, left + W + right, C).

    >>> zero_padding2d(np.ones((1, 1, 1, 1)), ((0, 1), (1, 0)))[0, :, :, 0]
    array([[0., 1.],
           [0., 0.]])
    """
    return np.pad(x, ((0, 0), *padding, (0, 0)))


@op
def zero_padding2d_backward(grad_y: Array, padding: Edges) -> Array:
    """Return grad_x, grad_y without the rows and columns around.

    >>> zero_padding2d_backward(np.arange(3.0).reshape(1, 1, 3, 1), ((0, 0), (1, 1))).ravel()
    array([1.])
    """
    (above, below), (left, right) = padding
    _, height, width, _ = grad_y.shape
    return grad_y[:, above : height - below, left : width - right].copy()
