"""Normalisation by the root of the mean square, with its backward directly under it."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def rms_normalization(x: Array, gamma: Array | None, epsilon: float) -> tuple[Array, Array]:
    """Return y = gamma · x · rate, and rate = 1 / √(the mean of x² + ε), over the last axis.

    Source: Zhang, Sennrich, "Root Mean Square Layer Normalization", arXiv 1910.07467.

    Args:
        x: (N, …, K).
        gamma: (K,), or None for ones.
        epsilon: as above.

    Returns:
        y like x; rate (N, …, 1).

    >>> rms_normalization(np.array([[1.0, 7.0]]), None, 0.0)[0]
    array([[0.2, 1.4]])
    """
    rate = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon)
    y = x * rate
    return y if gamma is None else y * gamma, rate


@op
def rms_normalization_backward(
    grad_y: Array, x: Array, gamma: Array | None, rate: Array, grad_gamma: Array | None
) -> Array:
    """Write the gradient by gamma, and return the one by x.

    With x̂ = x · rate and g = grad_y · gamma: grad_gamma = Σ grad_y · x̂, grad_x = rate · (g − x̂ ·
    mean of g · x̂), means over the last axis.

    >>> x = np.array([[3.0, 4.0]])
    >>> rms_normalization_backward(x, x, None, np.array([[0.25]]), None)
    array([[0.1640625, 0.21875  ]])
    """
    normal = x * rate
    if grad_gamma is not None:
        grad_gamma[...] = (grad_y * normal).sum(axis=tuple(range(x.ndim - 1)))
    g = grad_y if gamma is None else grad_y * gamma
    return rate * (g - normal * (g * normal).mean(axis=-1, keepdims=True))
