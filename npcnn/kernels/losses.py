"""Cross-entropy and its gradient.

From logits, what training uses after a softmax, or from probabilities, when only those are known.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from npcnn.kernels import layout
from npcnn.kernels.compile import kernel

Array = np.ndarray

EPSILON = 1e-7


@kernel
def _from_logits(logits, targets, weights, losses, grad):
    """Fill losses (rows,) and grad (classes, rows) from logits and targets (classes, rows)."""
    classes, rows = logits.shape
    for n in range(rows):
        largest = logits[0, n]
        for c in range(1, classes):
            if logits[c, n] > largest or math.isnan(logits[c, n]):
                largest = logits[c, n]
        total = mass = product = largest * 0
        for c in range(classes):
            shifted = logits[c, n] - largest
            grad[c, n] = math.exp(shifted)
            total += grad[c, n]
            mass += targets[c, n]
            product += targets[c, n] * shifted
        losses[n] = weights[n] * (math.log(total) * mass - product)
        share = weights[n] / logits.dtype.type(rows)
        for c in range(classes):
            grad[c, n] = (grad[c, n] / total * mass - targets[c, n]) * share


@kernel
def _from_probabilities(probabilities, targets, weights, low, losses, grad):
    classes, rows = probabilities.shape
    one = probabilities.dtype.type(1)
    high = one - low
    for n in range(rows):
        total = probabilities[0, n] * 0
        for c in range(classes):
            total += probabilities[c, n]
        loss = product = total * 0
        share = weights[n] / probabilities.dtype.type(rows)
        for c in range(classes):
            p = probabilities[c, n] / total
            clipped = min(max(p, low), high)
            loss += targets[c, n] * math.log(clipped)
            grad[c, n] = -targets[c, n] / clipped * share if p == clipped else 0
            product += grad[c, n] * p
        losses[n] = -weights[n] * loss
        for c in range(classes):
            grad[c, n] = (grad[c, n] - product) / total


def _arrays(first: Array, targets: Array, weights: Array) -> tuple[Array, ...]:
    """Return the inputs as blocks, and the outputs yet to be filled."""
    block = layout.batch_innermost(first)
    middle = (*range(1, weights.ndim), 0)  # rows in the order in which they lie in the blocks
    rows = np.ascontiguousarray(weights.transpose(middle)).astype(first.dtype, copy=False)
    losses = np.empty(rows.shape, first.dtype)
    wanted = layout.batch_innermost(targets).astype(first.dtype, copy=False)
    return block, wanted, rows, losses, np.empty_like(block)


def _results(losses: Array, grad: Array) -> tuple[Array, Array]:
    axes = (losses.ndim - 1, *range(losses.ndim - 1))
    return losses.transpose(axes), layout.batch_outermost(grad)


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
    z, t, w, losses, grad = _arrays(logits, targets, weights)
    if losses.size:
        classes = len(z)
        _from_logits(
            z.reshape(classes, -1), t.reshape(classes, -1), w.reshape(-1), losses.reshape(-1),
            grad.reshape(classes, -1),
        )  # fmt: skip
    return _results(losses, grad)


def categorical_crossentropy(
    probabilities: Array, targets: Array, weights: Array
) -> tuple[Array, Array]:
    """Return each sample's −Σ t·log p, weighted, and its mean's gradient by the probabilities.

    Rows are first divided by their sums and clipped to [1e-7, 1 − 1e-7], as Keras does; the
    gradient goes through the division and is zero where the clip holds.

    >>> categorical_crossentropy(np.array([[0.2, 0.2]]), np.array([[1.0, 0.0]]), np.ones(1))[1]
    array([[-2.5,  2.5]])
    """
    p, t, w, losses, grad = _arrays(probabilities, targets, weights)
    if losses.size:
        classes, low = len(p), probabilities.dtype.type(EPSILON)
        _from_probabilities(
            p.reshape(classes, -1), t.reshape(classes, -1), w.reshape(-1), low,
            losses.reshape(-1), grad.reshape(classes, -1),
        )  # fmt: skip
    return _results(losses, grad)
