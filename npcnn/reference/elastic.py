"""Fields that bend pictures: smooth, and random by (key, step, sample)."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.reference.drawing import drawn_for, numbered

Array = np.ndarray


@op
def elastic_field(
    x: Array, key: int, reach: float, spacing: int, step: Array | None = None,
    samples: Array | None = None,
) -> Array:  # fmt: skip
    """Return how far each pixel is moved, as `warp` takes it: a cubic B-spline through a grid.

    Along rows and columns, a control point stands every `spacing` pixels, one before the first
    pixel and as many behind the last as are needed. Each has two numbers, drawn evenly from −reach
    to reach; a pixel at spacing·(k + t), 0 ≤ t < 1, gets those of the points k − 1 … k + 2 along an
    axis with the weights (1−t)³/6, (3t³−6t²+4)/6, (1+3t+3t²−3t³)/6, t³/6. Source: Rueckert et al.,
    "Nonrigid Registration Using Free-Form Deformations", IEEE TMI 1999; for training: Simard et
    al., "Best Practices for Convolutional Neural Networks", 2003.

    Args:
        x: (N, H, W, C), of which only shape and dtype are read.
        key: 64 bits.
        reach: in pixels; no pixel is moved further.
        spacing: in pixels.
        step: None, or an int64 (1,) that goes into the key; a `random.clock` without samples.
        samples: int64 (N,): the samples' numbers, where they are not 0 to N − 1.

    Returns:
        (N, 2, H, W): along rows, along columns.

    >>> elastic_field(np.zeros((1, 1, 3, 1)), 7, 1.0, 2)[0, 1].round(4)
    array([[-0.4604, -0.481 , -0.2109]])
    """
    n, height, width, _ = x.shape
    key, numbers = numbered(key, step, samples, n)
    by_row, by_column = bspline(height, spacing), bspline(width, spacing)
    points = by_row.shape[1], by_column.shape[1]
    drawn = drawn_for(key, numbers, 2 * points[0] * points[1])
    grid = reach * (2 * drawn.reshape(n, 2, *points) - 1)
    return np.einsum("ik,nakl,jl->naij", by_row, grid, by_column).astype(x.dtype)


def bspline(size: int, spacing: int) -> Array:
    """Return the weight of each control point at each pixel of an axis, (size, points).

    >>> bspline(1, 4).round(3)
    array([[0.167, 0.667, 0.167, 0.   ]])
    """
    weights = np.zeros((size, (size - 1) // spacing + 4))
    for i in range(size):
        k, t = i // spacing, i % spacing / spacing
        four = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 1 + 3 * t + 3 * t**2 - 3 * t**3, t**3]
        weights[i, k : k + 4] = np.array(four) / 6
    return weights
