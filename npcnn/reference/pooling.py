"""Max pooling, with its backward directly under it."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.shapes import bounded_pool, padding_before_after

Pair = tuple[int, int]
Array = np.ndarray


@op
def max_pooling2d(x: Array, pool_size: Pair, strides: Pair, padding: str) -> Array:
    """Return the largest value of each window, channel by channel; of equal ones the first.

    Padding cells hold −∞, so they never win; a NaN in a window makes its result NaN.

    Args:
        x: (N, H, W, C), float32 or float64.
        pool_size: rows and columns of a window.
        strides: rows and columns from one window to the next; windows may overlap.
        padding: 'same' or 'valid'.

    Returns:
        y (N, OH, OW, C).

    >>> max_pooling2d(np.arange(16.0).reshape(1, 4, 4, 1), (2, 2), (2, 2), "valid")[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    pool_size, strides = bounded_pool(x.shape, pool_size, strides)
    windows = pool_windows(x, pool_size, strides, padding)
    winners = windows.real.argmax(axis=-1)[..., np.newaxis]
    return np.take_along_axis(windows, winners, axis=-1)[..., 0]


@op
def max_pooling2d_backward(
    grad_y: Array, x: Array, y: Array, pool_size: Pair, strides: Pair, padding: str
) -> Array:
    """Return grad_x: each window's gradient goes to its first maximum in row order.

    Where windows overlap, a cell that wins several of them gets the sum. y is not needed here:
    the winners are found again.

    >>> x = np.array([1.0, 4.0, 2.0, 3.0]).reshape(1, 2, 2, 1)
    >>> one, y = np.ones((1, 1, 1, 1)), x[:, :1, 1:]
    >>> max_pooling2d_backward(one, x, y, (2, 2), (2, 2), "valid").ravel()
    array([0., 1., 0., 0.])
    """
    n, height, width, channels = x.shape
    rows, cols = grad_y.shape[1:3]
    pool_size, strides = bounded_pool(x.shape, pool_size, strides)
    winners = pool_windows(x, pool_size, strides, padding).argmax(axis=-1)
    above, below = padding_before_after(height, pool_size[0], strides[0], padding)
    left, right = padding_before_after(width, pool_size[1], strides[1], padding)
    padded = np.zeros((n, height + above + below, width + left + right, channels), grad_y.dtype)
    for u in range(pool_size[0]):
        for v in range(pool_size[1]):
            share = np.where(winners == u * pool_size[1] + v, grad_y, 0)
            bottom, end = u + (rows - 1) * strides[0] + 1, v + (cols - 1) * strides[1] + 1
            padded[:, u : bottom : strides[0], v : end : strides[1]] += share
    return padded[:, above : above + height, left : left + width]


def pool_windows(x: Array, pool_size: Pair, strides: Pair, padding: str) -> Array:
    """Return the windows of x, (N, OH, OW, C, cells), a window's cells in row order."""
    above, below = padding_before_after(x.shape[1], pool_size[0], strides[0], padding)
    left, right = padding_before_after(x.shape[2], pool_size[1], strides[1], padding)
    edges = ((0, 0), (above, below), (left, right), (0, 0))
    padded = np.pad(x, edges, constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, pool_size, axis=(1, 2))
    windows = windows[:, :: strides[0], :: strides[1]]
    return windows.reshape(*windows.shape[:4], pool_size[0] * pool_size[1])
