"""Layer normalisation, with its backward directly under it."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def layer_normalization(
    x: Array, gamma: Array | None, beta: Array | None, epsilon: float
) -> tuple[Array, Array, Array]:
    """Return y = gamma · (x − center) · rate + beta, and center and rate, over the last axis.

    center is the mean over the last axis, rate = 1 / √(the variance + ε). Source: Ba, Kiros,
    Hinton, "Layer Normalization", arXiv 1607.06450.

    Args:
        x: (N, …, K).
        gamma: (K,), or None for ones.
        beta: (K,), or None for zeros.
        epsilon: as above.

    Returns:
        y like x; center (N, …, 1); rate (N, …, 1).

    >>> layer_normalization(np.array([[1.0, 3.0]]), None, None, 0.0)[0]
    array([[-1.,  1.]])
    """
    center = x.mean(axis=-1, keepdims=True)
    rate = 1 / np.sqrt(((x - center) ** 2).mean(axis=-1, keepdims=True) + epsilon)
    y = (x - center) * rate
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta, center, rate


@op
def layer_normalization_backward(
    grad_y: Array, x: Array, gamma: Array | None, center: Array, rate: Array,
    grad_gamma: Array | None, grad_beta: Array | None,
) -> Array:  # fmt: skip
    """Write the gradients by gamma and beta, and return the one by x.

    With x̂ = (x − center) · rate and g = grad_y · gamma: grad_gamma = Σ grad_y · x̂, grad_beta =
    Σ grad_y, grad_x = rate · (g − mean of g − x̂ · mean of g · x̂), means over the last axis.

    >>> x, one, grads = np.array([[1.0, 3.0]]), np.ones((1, 1)), (np.empty(2), np.empty(2))
    >>> grad_x = layer_normalization_backward(x, x, None, 2 * one, one, *grads)
    >>> grads
    (array([-1.,  3.]), array([1., 3.]))
    """
    normal, axes = (x - center) * rate, tuple(range(x.ndim - 1))
    if grad_gamma is not None:
        grad_gamma[...] = (grad_y * normal).sum(axis=axes)
    if grad_beta is not None:
        grad_beta[...] = grad_y.sum(axis=axes)
    g = grad_y if gamma is None else grad_y * gamma
    shared = (g * normal).mean(axis=-1, keepdims=True)
    return rate * (g - g.mean(axis=-1, keepdims=True) - normal * shared)
