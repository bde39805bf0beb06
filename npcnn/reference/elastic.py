"""Fields that bend pictures: smooth, and random by (key, step, sample)."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.reference.drawing import drawn_for, numbered

Array = np.ndarray
Pair = tuple[float, float]


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


@op
def gaussian_field(
    x: Array, key: int, chance: Pair, scale: Pair, step: Array | None = None,
    samples: Array | None = None,
) -> Array:  # fmt: skip
    """Return how far each pixel is moved, as `warp` takes it: blurred normal noise.

    For the batch a strength s is drawn from `scale`. With σ = s/20 of the shorter side and α = s/10
    of the longer one, each pixel gets two normal numbers times α·σ, which are blurred by a Gaussian
    of σ, ⌊6σ⌋ pixels wide or one more; beyond the edge there are zeros. A sample's chance of being
    moved at all is drawn from `chance`. Source: keras.layers.RandomElasticTransform; Simard et al.,
    "Best Practices for Convolutional Neural Networks", 2003.

    Args:
        x: (N, H, W, C), of which only shape and dtype are read.
        key: 64 bits.
        chance: from and to, between 0 and 1.
        scale: from and to, between 0 and 1.
        step: None, or an int64 (1,) that goes into the key; a `random.clock` without samples.
        samples: int64 (N,): the samples' numbers, where they are not 0 to N − 1.

    Returns:
        (N, 2, H, W): along rows, along columns.

    >>> gaussian_field(np.zeros((1, 2, 2, 1)), 7, (1.0, 1.0), (1.0, 1.0))[0, 1].round(4)
    array([[ 0.005 ,  0.0069],
           [ 0.0159, -0.0219]])
    """
    n, height, width, _ = x.shape
    key, numbers = numbered(key, step, samples, n)
    count = 4 * height * width + 3
    u = drawn_for(key, numbers, count)
    whole = drawn_for(key, np.arange(1), count)[0]  # of the batch
    strength = scale[0] + whole[2] * (scale[1] - scale[0])
    sigma, alpha = 0.05 * min(height, width) * strength, 0.1 * max(height, width) * strength
    chosen = u[:, 0] < chance[0] + u[:, 1] * (chance[1] - chance[0])
    first, second = np.moveaxis(u[:, 3:].reshape(n, 2, height, width, 2), -1, 0)
    normal = np.sqrt(-2 * np.log(first + 2.0**-24)) * np.cos(2 * np.pi * second)
    blurs = (gaussian(size, sigma) for size in (height, width))
    field = np.einsum("ik,jl,nakl->naij", *blurs, normal)
    return (alpha * sigma * chosen[:, None, None, None] * field).astype(x.dtype)


def gaussian(size: int, sigma: float) -> Array:
    """Return what each pixel of an axis takes from each other when it is blurred, (size, size).

    >>> gaussian(3, 0.5).round(3)
    array([[0.787, 0.107, 0.   ],
           [0.107, 0.787, 0.107],
           [0.   , 0.107, 0.787]])
    """
    reach = (int(6 * sigma) | 1) // 2
    sigma = max(sigma, 1e-9)  # with as little as that, or none, nothing is blurred
    apart = np.arange(size) - np.arange(size)[:, None]
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    near = np.abs(apart) <= reach
    return np.where(near, np.exp(-0.5 * (apart / sigma) ** 2), 0) / weights.sum()
