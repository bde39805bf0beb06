"""Average pooling, with its backward directly under it."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.shapes import bounded_pool, output_size, padding_before_after

Pair = tuple[int, int]
Array = np.ndarray


@op
def average_pooling2d(x: Array, pool_size: Pair, strides: Pair, padding: str) -> Array:
    """Return the mean of each window, channel by channel; padding cells do not count.

    Args:
        x: (N, H, W, C), float32 or float64.
        pool_size: rows and columns of a window.
        strides: rows and columns from one window to the next; windows may overlap.
        padding: 'same' or 'valid'.

    Returns:
        y (N, OH, OW, C).

    >>> average_pooling2d(np.arange(4.0).reshape(1, 2, 2, 1), (2, 2), (2, 2), "valid").item()
    1.5
    """
    rows, columns = _windows(x.shape, pool_size, strides, padding)
    y = np.empty((len(x), len(rows), len(columns), x.shape[3]), x.dtype)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            y[:, i, j] = x[:, row, column].mean(axis=(1, 2))
    return y


@op
def average_pooling2d_backward(
    grad_y: Array, x: Array, pool_size: Pair, strides: Pair, padding: str
) -> Array:
    """Return grad_x: each window's gradient in equal shares to its cells; x gives the shape.

    >>> x = np.zeros((1, 2, 2, 1))
    >>> average_pooling2d_backward(np.ones((1, 1, 1, 1)), x, (2, 2), (2, 2), "valid").ravel()
    array([0.25, 0.25, 0.25, 0.25])
    """
    rows, columns = _windows(x.shape, pool_size, strides, padding)
    grad_x = np.zeros(x.shape, grad_y.dtype)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            cells = (row.stop - row.start) * (column.stop - column.start)
            grad_x[:, row, column] += grad_y[:, i : i + 1, j : j + 1] / cells
    return grad_x


def _windows(
    shape: tuple[int, ...], pool_size: Pair, strides: Pair, padding: str
) -> tuple[list[slice], list[slice]]:
    """Return each window's rows, and its columns, as far as they lie in the image."""
    pool_size, strides = bounded_pool(shape, pool_size, strides)
    found = []
    for size, window, stride in zip(shape[1:3], pool_size, strides, strict=True):
        before = padding_before_after(size, window, stride, padding)[0]
        starts = [k * stride - before for k in range(output_size(size, window, stride, padding))]
        found.append([slice(max(start, 0), min(start + window, size)) for start in starts])
    return found[0], found[1]
