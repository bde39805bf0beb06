"""The mean squared error and its gradient."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def mean_squared_error(outputs: Array, targets: Array, weights: Array) -> tuple[Array, Array]:
    """Return each row's Σ (y − t)² / K, weighted, and their mean's gradient by the outputs.

    The gradient is w · 2 (y − t) / (K N).

    Args:
        outputs: y, (N, …, K).
        targets: t, same shape.
        weights: w, one a row, shape (N, …).

    Returns:
        losses (N, …) and grad_outputs like outputs; N counts all rows.

    >>> mean_squared_error(np.array([[1.0, 3.0]]), np.array([[1.0, 1.0]]), np.ones(1))
    (array([2.]), array([[0., 2.]]))
    """
    difference = outputs - targets
    losses = weights * (difference * difference).mean(axis=-1)
    scale = 2 * weights / (weights.size * outputs.shape[-1])
    return losses, difference * scale[..., np.newaxis]
