"""Losses that look at each number alone: a row's loss is the mean, or the sum, of f(y, t).

Each formula returns f and its slope by y. As everywhere here, what branches, branches by the real
part (npcnn/reference/__init__.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from npcnn.contracts import op

Array = np.ndarray

EPSILON = 1e-7


def absolute(y: Array, t: Array) -> tuple[Array, Array]:
    """Return |y − t|."""
    sign = np.sign((y - t).real)
    return sign * (y - t), sign


def percentage(y: Array, t: Array) -> tuple[Array, Array]:
    """Return 100 · |y − t| / max(|t|, ε)."""
    slope = 100 * np.sign((y - t).real) / np.maximum(np.abs(t), EPSILON)
    return slope * (y - t), slope


def logarithmic(y: Array, t: Array) -> tuple[Array, Array]:
    """Return (log(1 + y) − log(1 + t))², both at least ε."""
    above = np.where(y.real < EPSILON, EPSILON, y)
    difference = np.log(above + 1) - np.log(np.maximum(t, EPSILON) + 1)
    return difference * difference, np.where(y.real <= EPSILON, 0, 2 * difference / (above + 1))


def huber(y: Array, t: Array, delta: float) -> tuple[Array, Array]:
    """Return ½ (y − t)² up to |y − t| = δ, and δ |y − t| − ½ δ² beyond."""
    d = y - t
    sign = np.sign(d.real)
    near = sign * d.real <= delta
    return (
        np.where(near, 0.5 * d * d, delta * (sign * d) - 0.5 * delta * delta),
        np.where(near, d, delta * sign),
    )


def log_cosh(y: Array, t: Array) -> tuple[Array, Array]:
    """Return log cosh(y − t) = |y − t| + log(1 + exp(−2 |y − t|)) − log 2."""
    d = np.where((y - t).real < 0, t - y, y - t)
    return d + np.log1p(np.exp(-2 * d)) - math.log(2.0), np.tanh(y - t)


def hinge(y: Array, t: Array) -> tuple[Array, Array]:
    """Return max(1 − t y, 0)."""
    margin = 1 - t * y
    return np.where(margin.real <= 0, 0, margin), np.where(margin.real <= 0, 0, -t)


def squared_hinge(y: Array, t: Array) -> tuple[Array, Array]:
    """Return max(1 − t y, 0)²."""
    margin = np.where((1 - t * y).real <= 0, 0, 1 - t * y)
    return margin * margin, -2 * t * margin


def poisson(y: Array, t: Array) -> tuple[Array, Array]:
    """Return y − t log(y + ε)."""
    return y - t * np.log(y + EPSILON), 1 - t / (y + EPSILON)


def kl_divergence(y: Array, t: Array) -> tuple[Array, Array]:
    """Return t log(t / y), both clipped to [ε, 1]."""
    wanted, p = np.minimum(np.maximum(t, EPSILON), 1), clipped(y, 1)
    return wanted * (np.log(wanted) - np.log(p)), np.where(p == y, -wanted / p, 0)


def binary_crossentropy(y: Array, t: Array) -> tuple[Array, Array]:
    """Return −t log p − (1 − t) log(1 − p), p = y clipped to [ε, 1 − ε]."""
    p = clipped(y, 1 - EPSILON)
    value = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    return value, np.where(p == y, (p - t) / (p * (1 - p)), 0)


def binary_crossentropy_from_logits(y: Array, t: Array) -> tuple[Array, Array]:
    """Return the same for p = sigmoid(y): max(y, 0) − t y + log(1 + exp(−|y|)); slope p − t."""
    power = np.exp(np.where(y.real >= 0, -y, y))
    p = np.where(y.real >= 0, 1 / (1 + power), power / (1 + power))
    return np.where(y.real >= 0, y, 0) - t * y + np.log1p(power), p - t


def binary_focal_crossentropy(
    y: Array, t: Array, gamma: float, alpha: float
) -> tuple[Array, Array]:
    """Return binary cross-entropy · (1 − q)^γ, q = t y + (1 − t)(1 − y).

    With α, times t α + (1 − t)(1 − α) as well; an α below 0 is none.
    """
    value, slope = binary_crossentropy(y, t)
    miss = 1 - (t * y + (1 - t) * (1 - y))
    weight = t * alpha + (1 - t) * (1 - alpha) if alpha >= 0 else np.ones_like(t)
    factor = weight * miss**gamma
    safe = np.where(miss.real > 0, miss, 1)
    bent = np.where(miss.real > 0, gamma * safe ** (gamma - 1) * (1 - 2 * t), 0)
    return factor * value, factor * slope + weight * bent * value


def clipped(y: Array, high: float) -> Array:
    """Return y, at least ε and at most `high`; NaN stays NaN."""
    return np.where(y.real < EPSILON, EPSILON, np.where(y.real > high, high, y)).astype(y.dtype)


FORMULAS: dict[str, Callable[..., tuple[Array, Array]]] = {
    formula.__name__: formula
    for formula in (
        absolute, percentage, logarithmic, huber, log_cosh, hinge, squared_hinge, poisson,
        kl_divergence, binary_crossentropy, binary_crossentropy_from_logits,
        binary_focal_crossentropy,
    )
}  # fmt: skip


@op
def elementwise_loss(
    outputs: Array, targets: Array, weights: Array, formula: str, options: Any = (),
    average: bool = True,
) -> tuple[Array, Array]:  # fmt: skip
    """Return each row's mean of f(y, t), weighted, and their mean's gradient by the outputs.

    The gradient is w · f′(y, t) / (K N).

    Args:
        outputs: y, (N, …, K).
        targets: t, same shape.
        weights: w, one a row, shape (N, …).
        formula: f's name.
        options: f's own numbers.
        average: False for the sum over a row instead of its mean.

    Returns:
        losses (N, …) and grad_outputs like outputs; N counts all rows.

    >>> elementwise_loss(np.array([[1.0, 3.0]]), np.array([[1.0, 1.0]]), np.ones(1), "absolute")
    (array([1.]), array([[0. , 0.5]]))
    """
    values, slopes = FORMULAS[formula](outputs, targets, *options)
    share = weights / outputs.shape[-1] if average else weights
    return share * values.sum(axis=-1), slopes * (share / weights.size)[..., np.newaxis]


@op
def hinge_labels(y: Array) -> Array:
    """Return labels as hinge losses want them: 2 y − 1 if all are 0 or 1, else y as it is.

    >>> hinge_labels(np.array([0.0, 1.0])), hinge_labels(np.array([-1.0, 1.0]))
    (array([-1.,  1.]), array([-1.,  1.]))
    """
    return 2 * y - 1 if ((y == 0) | (y == 1)).all() else y.copy()
