"""Probabilities of which low ones are exactly 0, with the backward directly under it."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def sparsemax(x: Array) -> Array:
    """Return max(x − τ, 0), with the τ for which the last axis of it adds up to 1.

    Of the k largest numbers τ is (their sum − 1) / k, for the largest k at which the k-th is still
    above that. Source: Martins, Astudillo, "From softmax to sparsemax", ICML 2016.

    >>> sparsemax(np.array([[0.5, 1.0, -2.0]]))
    array([[0.25, 0.75, 0.  ]])
    """
    if not x.size:
        return x.copy()
    ordered = np.sort(x.real, axis=-1)[..., ::-1]
    taus = (np.cumsum(ordered, axis=-1) - 1) / np.arange(1, x.shape[-1] + 1)
    support = (ordered > taus).sum(axis=-1, keepdims=True)
    above = x.real >= np.take_along_axis(ordered, np.maximum(support, 1) - 1, axis=-1)
    tau = (np.where(above, x, 0).sum(axis=-1, keepdims=True) - 1) / np.maximum(
        above.sum(axis=-1, keepdims=True), 1
    )
    return np.where(above, x - tau, 0).astype(x.dtype)


@op
def sparsemax_backward(grad_y: Array, y: Array) -> Array:
    """Return the gradient by x: grad_y minus its mean where y is above 0, and 0 elsewhere.

    >>> sparsemax_backward(np.array([[1.0, 0.0, 0.0]]), np.array([[0.75, 0.25, 0.0]]))
    array([[ 0.5, -0.5,  0. ]])
    """
    above = y > 0
    total = np.where(above, grad_y, 0).sum(axis=-1, keepdims=True)
    count = np.maximum(above.sum(axis=-1, keepdims=True), 1)
    return np.where(above, grad_y - total / count, 0).astype(grad_y.dtype)
