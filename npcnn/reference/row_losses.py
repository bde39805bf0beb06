"""Losses that look at a row of outputs as a whole, each with its gradient."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray

EPSILON = 1e-7


@op
def categorical_hinge(outputs: Array, targets: Array, weights: Array) -> tuple[Array, Array]:
    """Return each row's max(max((1 − t) y) − Σ t y + 1, 0), weighted, and the mean's gradient.

    Source of the formula: Keras. Of several largest, the first is taken.

    >>> categorical_hinge(np.array([[0.5, 0.25]]), np.array([[0.0, 1.0]]), np.ones(1))
    (array([1.25]), array([[ 1., -1.]]))
    """
    others = (1 - targets) * outputs
    first = others.real.argmax(axis=-1)[..., np.newaxis]
    margin = np.take_along_axis(others, first, -1)[..., 0] - (targets * outputs).sum(axis=-1) + 1
    wrong = margin.real > 0
    slopes = -targets.copy()
    largest = np.take_along_axis(1 - 2 * targets, first, -1)  # (1 − t) − t there
    np.put_along_axis(slopes, first, largest, -1)
    share = np.where(wrong, weights / weights.size, 0)
    return weights * np.where(wrong, margin, 0), slopes * share[..., np.newaxis]


@op
def cosine_similarity(outputs: Array, targets: Array, weights: Array) -> tuple[Array, Array]:
    """Return each row's −Σ t y / (|t| |y|), weighted, and the mean's gradient; lengths at least ε.

    >>> cosine_similarity(np.array([[3.0, 4.0]]), np.array([[0.0, 2.0]]), np.ones(1))[0]
    array([-0.8])
    """
    wanted = targets * _scale(targets)
    scale = _scale(outputs)
    unit = outputs * scale
    cosine = (wanted * unit).sum(axis=-1, keepdims=True)
    long = np.sqrt((outputs * outputs).sum(axis=-1, keepdims=True)).real > EPSILON
    slopes = -scale * np.where(long, wanted - cosine * unit, wanted)
    return -weights * cosine[..., 0], slopes * (weights / weights.size)[..., np.newaxis]


def _scale(x: Array) -> Array:
    """Return 1 / max(|x|, ε), row by row."""
    squares = (x * x).sum(axis=-1, keepdims=True)
    long = np.sqrt(squares).real > EPSILON
    return np.where(long, 1 / np.sqrt(np.where(long, squares, 1)), 1 / EPSILON).astype(x.dtype)


@op
def categorical_focal_crossentropy(
    outputs: Array, targets: Array, weights: Array, alpha: float, gamma: float
) -> tuple[Array, Array]:
    """Return each row's −Σ α (1 − p)^γ t log p, weighted, and the mean's gradient by the outputs.

    p are the outputs divided by their sum and clipped to [1e-7, 1 − 1e-7].
    Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017.

    >>> losses, _ = categorical_focal_crossentropy(
    ...     np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]]), np.ones(1), 0.25, 2.0)
    >>> losses.round(4)
    array([0.0433])
    """
    sums = outputs.sum(axis=-1, keepdims=True)
    p = outputs / sums
    low, high = EPSILON, 1 - EPSILON
    q = np.where(p.real < low, low, np.where(p.real > high, high, p)).astype(outputs.dtype)
    miss, logs = (1 - q) ** gamma, np.log(q)
    losses = -alpha * weights * (targets * miss * logs).sum(axis=-1)
    slopes = -alpha * targets * (miss / q - gamma * (1 - q) ** (gamma - 1) * logs)
    grad_p = np.where(p == q, slopes, 0) * (weights / weights.size)[..., np.newaxis]
    return losses, (grad_p - (grad_p * p).sum(axis=-1, keepdims=True)) / sums
