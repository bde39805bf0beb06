"""Global average pooling, with its backward directly under it."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def global_average_pooling2d(x: Array) -> Array:
    """Return each channel's mean over rows and columns.

    Source: Lin, Chen, Yan, "Network in network", arXiv 1312.4400.

    Args:
        x: (N, H, W, C), float32 or float64.

    Returns:
        y (N, C).

    >>> global_average_pooling2d(np.arange(4.0).reshape(1, 2, 2, 1))
    array([[1.5]])
    """
    return x.mean(axis=(1, 2))


@op
def global_average_pooling2d_backward(grad_y: Array, x: Array) -> Array:
    """Return grad_x: each channel's gradient in equal shares to its cells; x gives the shape.

    >>> global_average_pooling2d_backward(np.ones((1, 1)), np.zeros((1, 2, 2, 1))).ravel()
    array([0.25, 0.25, 0.25, 0.25])
    """
    grad_x = np.empty(x.shape, grad_y.dtype)
    grad_x[...] = (grad_y / max(x.shape[1] * x.shape[2], 1))[:, None, None]
    return grad_x
