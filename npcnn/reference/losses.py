"""Cross-entropy and its gradient.

From logits, which is what training uses after a softmax, or from probabilities, where only those
are known.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.contracts import op

Array = np.ndarray

EPSILON = 1e-7


@op
def categorical_crossentropy_from_logits(
    logits: Array, targets: Array, weights: Array
) -> tuple[Array, Array]:
    """Return each sample's −Σ t·log softmax(z), weighted, and its mean's gradient by the logits.

    log softmax(z) = z − log Σ exp(z), shifted by max z: finite at any finite logits. The gradient
    is w·(softmax(z)·Σt − t) / N.

    Args:
        logits: z, (N, …, classes).
        targets: t, same shape: one-hot rows or probabilities.
        weights: w, one a row, shape (N, …).

    Returns:
        losses (N, …) and grad_logits like logits; N counts all rows.

    >>> losses, grad = categorical_crossentropy_from_logits(
    ...     np.array([[0.0, 1e4]]), np.array([[1.0, 0.0]]), np.ones(1))
    >>> losses, grad
    (array([10000.]), array([[-1.,  1.]]))
    """
    shifted = logits - logits.real.max(axis=-1, keepdims=True)
    powers = np.exp(shifted)
    sums = powers.sum(axis=-1, keepdims=True)
    mass = targets.sum(axis=-1, keepdims=True)
    losses = (
        weights * (np.log(sums) * mass - (targets * shifted).sum(axis=-1, keepdims=True))[..., 0]
    )
    grad = (powers / sums * mass - targets) * (weights / weights.size)[..., None]
    return losses, grad


@op
def categorical_crossentropy(
    probabilities: Array, targets: Array, weights: Array
) -> tuple[Array, Array]:
    """Return each sample's −Σ t·log p, weighted, and its mean's gradient by the probabilities.

    Rows are first divided by their sums and clipped to [1e-7, 1 − 1e-7], as Keras does; the
    gradient goes through the division and is zero where the clip holds.

    >>> categorical_crossentropy(np.array([[0.2, 0.2]]), np.array([[1.0, 0.0]]), np.ones(1))[1]
    array([[-2.5,  2.5]])
    """
    sums = probabilities.sum(axis=-1, keepdims=True)
    p = probabilities / sums
    clipped = np.where(p.real < EPSILON, EPSILON, np.where(p.real > 1 - EPSILON, 1 - EPSILON, p))
    losses = -weights * (targets * np.log(clipped)).sum(axis=-1)
    scale = (weights / weights.size)[..., None]
    grad_p = np.where(p == clipped, -targets / clipped, 0) * scale
    return losses, (grad_p - (grad_p * p).sum(axis=-1, keepdims=True)) / sums


@op
def one_hot(labels: Array, classes: int, dtype: Any) -> Array:
    """Return labels (N, …) as rows (N, …, classes), 1 at the label and 0 elsewhere.

    A label that is none of the classes gives a row of zeros.

    >>> one_hot(np.array([1, 0, 7]), 3, np.dtype("float64"))
    array([[0., 1., 0.],
           [1., 0., 0.],
           [0., 0., 0.]])
    """
    return (labels[..., np.newaxis] == np.arange(classes)).astype(dtype)
