"""Group normalisation, with its backward directly under it."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def group_normalization(
    x: Array, gamma: Array | None, beta: Array | None, groups: int, epsilon: float
) -> tuple[Array, Array, Array]:
    """Return y = gamma · (x − center) · rate + beta, and center and rate.

    They are of each sample and each group of neighbouring channels: center is the mean, rate =
    1 / √(the variance + ε). Source: Wu, He, "Group Normalization", ECCV 2018.

    Args:
        x: (N, …, C).
        gamma: (C,), or None for ones.
        beta: (C,), or None for zeros.
        groups: how many, a divisor of C.
        epsilon: as above.

    Returns:
        y like x; center (N, G); rate (N, G).

    >>> group_normalization(np.array([[1.0, 3.0, 5.0, 9.0]]), None, None, 2, 0.0)[0]
    array([[-1.,  1., -1.,  1.]])
    """
    grouped = _grouped(x, groups)
    center = grouped.mean(axis=(1, 3))
    apart = grouped - center[:, None, :, None]
    rate = 1 / np.sqrt((apart**2).mean(axis=(1, 3)) + epsilon)
    y = (apart * rate[:, None, :, None]).reshape(x.shape)
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta, center, rate


@op
def group_normalization_backward(
    grad_y: Array, x: Array, gamma: Array | None, center: Array, rate: Array,
    grad_gamma: Array | None, grad_beta: Array | None,
) -> Array:  # fmt: skip
    """Write the gradients by gamma and beta, and return the one by x.

    With x̂ = (x − center) · rate and g = grad_y · gamma: grad_gamma = Σ grad_y · x̂, grad_beta =
    Σ grad_y, grad_x = rate · (g − mean of g − x̂ · mean of g · x̂), means over a group.

    >>> x, one, grads = np.array([[1.0, 3.0]]), np.ones((1, 1)), (np.empty(2), np.empty(2))
    >>> grad_x = group_normalization_backward(x, x, None, 2 * one, one, *grads)
    >>> grads
    (array([-1.,  3.]), array([1., 3.]))
    """
    groups = center.shape[1]
    wide = rate[:, None, :, None]
    normal = (_grouped(x, groups) - center[:, None, :, None]) * wide
    axes = tuple(range(x.ndim - 1))
    if grad_gamma is not None:
        grad_gamma[...] = (grad_y * normal.reshape(x.shape)).sum(axis=axes)
    if grad_beta is not None:
        grad_beta[...] = grad_y.sum(axis=axes)
    g = _grouped(grad_y if gamma is None else grad_y * gamma, groups)
    mean, shared = (a.mean(axis=(1, 3), keepdims=True) for a in (g, g * normal))
    return (wide * (g - mean - normal * shared)).reshape(x.shape)


def _grouped(x: Array, groups: int) -> Array:
    """Return x (N, …, C) as (N, places, groups, channels of a group)."""
    places = int(np.prod(x.shape[1:-1]))
    return x.reshape(len(x), places, groups, x.shape[-1] // groups)
