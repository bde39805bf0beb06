"""Flatten each sample to a vector, with its backward directly under it."""

from __future__ import annotations

import numpy as np

from npcnn.kernels import layout

Array = np.ndarray


def flatten(x: Array) -> Array:
    """Return (N, everything else), each sample's elements in C order of its axes.

    The result is a (features, N) block, as the other kernels want it: of an own (C, H, W, N)
    block that is one pass which moves whole runs of N.

    >>> flatten(np.arange(8.0).reshape(2, 2, 2, 1)).shape
    (2, 4)
    """
    n = len(x)
    axes = (*range(1, x.ndim), 0)
    return (
        np.ascontiguousarray(x.transpose(axes)).reshape(-1, n).T
        if x.size
        else x.reshape(n, int(np.prod(x.shape[1:])))
    )


def flatten_backward(grad_y: Array, x_shape: tuple[int, ...]) -> Array:
    """Return grad_x, grad_y folded back to the shape x had."""
    if not grad_y.size or len(x_shape) != 4:
        return grad_y.reshape(x_shape)
    folded = grad_y.T.reshape(*x_shape[1:], x_shape[0])
    return layout.batch_outermost(np.ascontiguousarray(folded.transpose(2, 0, 1, 3)))
