"""Penalties on the size of numbers, and limits to it."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray

EPSILON = 1e-7


@op
def l1_l2(losses: Array, w: Array, grad: Array | None, l1: float, l2: float) -> Array:
    """Return losses + l1 Σ|w| + l2 Σ w², each of them; add the gradient by w to `grad`.

    Args:
        losses: (N, …).
        w: flat.
        grad: like w, or None.
        l1: as above.
        l2: as above.

    >>> l1_l2(np.zeros(2), np.array([1.0, -2.0]), None, 1.0, 0.5)
    array([5.5, 5.5])
    """
    if grad is not None:
        grad += l1 * np.sign(w) + 2 * l2 * w
    return losses + losses.dtype.type(l1 * np.abs(w).sum() + l2 * (w * w).sum())


@op
def l1_l2_backward(grad_y: Array, y: Array, l1: float, l2: float) -> Array:
    """Return grad_y + l1 sign(y) + 2 l2 y.

    >>> l1_l2_backward(np.zeros(2), np.array([-1.0, 2.0]), 0.5, 1.0)
    array([-2.5,  4.5])
    """
    return grad_y + l1 * np.sign(y) + 2 * l2 * y


@op
def norm_constraint(w: Array, low: float, high: float, rate: float) -> None:
    """Scale w so that its lengths along the middle axis come to lie from `low` to `high`, in place.

    A length n becomes rate · (n, cut to the range) + (1 − rate) · n; source of the formula: Keras.

    >>> w = np.array([[[3.0], [4.0]]])
    >>> norm_constraint(w, 0.0, 1.0, 1.0)
    >>> w.ravel().round(4)
    array([0.6, 0.8])
    """
    norms = np.sqrt((w * w).sum(axis=1, keepdims=True))
    wanted = rate * np.clip(norms, low, high) + (1 - rate) * norms
    w *= wanted / (EPSILON + norms)


@op
def non_negative(w: Array) -> None:
    """Put 0 in the place of each number below it.

    >>> w = np.array([-1.0, 2.0])
    >>> non_negative(w)
    >>> w
    array([0., 2.])
    """
    np.maximum(w, 0, out=w)
