"""Cross-entropy and its gradient.

From logits, what training uses after a softmax, or from probabilities, when only those are known.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import each_row

Array = np.ndarray

EPSILON = 1e-7
# A call's options.
ROWS, LOW, HIGH = range(3)


@Body
def _from_logits(task, ints, scratch, grad, logits, targets, weights, losses, options):
    """Fill losses (rows,) and grad (classes, rows) from logits and targets (classes, rows)."""
    classes, rows = ints[0], ints[1]
    for n in range(rows * task // ints[2], rows * (task + 1) // ints[2]):
        largest = logits[n]
        for c in range(1, classes):
            value = logits[c * rows + n]
            if value > largest or math.isnan(value):
                largest = value
        total = mass = product = largest * 0
        for c in range(classes):
            shifted = logits[c * rows + n] - largest
            power = math.exp(shifted)
            grad[c * rows + n] = power
            total += power
            mass += targets[c * rows + n]
            product += targets[c * rows + n] * shifted
        losses[n] = weights[n] * (math.log(total) * mass - product)
        share = weights[n] / options[ROWS]
        for c in range(classes):
            place = c * rows + n
            grad[place] = (grad[place] / total * mass - targets[place]) * share


@Body
def _from_probabilities(
    task, ints, scratch, grad, probabilities, targets, weights, losses, options
):
    """Fill losses (rows,) and grad (classes, rows) from rows that need not add up to one."""
    classes, rows = ints[0], ints[1]
    low, high = options[LOW], options[HIGH]
    for n in range(rows * task // ints[2], rows * (task + 1) // ints[2]):
        total = probabilities[n] * 0
        for c in range(classes):
            total += probabilities[c * rows + n]
        loss = product = total * 0
        share = weights[n] / options[ROWS]
        for c in range(classes):
            place = c * rows + n
            p = probabilities[place] / total
            clipped = min(max(p, low), high)
            loss += targets[place] * math.log(clipped)
            slope = -targets[place] / clipped * share if p == clipped else total * 0
            grad[place] = slope
            product += slope * p
        losses[n] = -weights[n] * loss
        for c in range(classes):
            grad[c * rows + n] = (grad[c * rows + n] - product) / total


def by_rows(
    body: Body, first: Array, targets: Array, weights: Array, *more: float
) -> tuple[Array, Array]:
    """Return losses and gradient as the body computes them from outputs, targets and weights.

    `more` are options behind the rows and the bounds of probabilities.
    """
    dtype = first.dtype
    block = layout.batch_innermost(first)
    middle = (*range(1, weights.ndim), 0)  # rows in the order in which they lie in the blocks
    rows = layout.contiguous(weights.transpose(middle)).astype(dtype, copy=False)
    wanted = layout.batch_innermost(targets).astype(dtype, copy=False)
    losses, grad = memory.empty(rows.shape, dtype), memory.empty(block.shape, dtype)
    low = dtype.type(EPSILON)
    options = memory.constant([rows.size, low, dtype.type(1) - low, *more], dtype)
    each_row(body, len(block), [grad, block, wanted, rows, losses, options])
    axes = (losses.ndim - 1, *range(losses.ndim - 1))
    return losses.transpose(axes), layout.batch_outermost(grad)


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
    return by_rows(_from_logits, logits, targets, weights)


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
    return by_rows(_from_probabilities, probabilities, targets, weights)


def _fill(task, ints, scratch, rows, labels):
    """Fill rows (classes, labels), by class and then by label."""
    classes, count = ints[0], ints[1]
    for c in range(classes):
        for n in range(count):
            rows[c * count + n] = 1 if labels[n] == c else 0


_one_hot = Body(_fill, mixed=True)


@op
def one_hot(labels: Array, classes: int, dtype: Any) -> Array:
    """Return labels (N, …) as rows (N, …, classes), 1 at the label and 0 elsewhere.

    A label that is none of the classes gives a row of zeros.

    >>> one_hot(np.array([1, 0, 7]), 3, np.dtype("float64"))
    array([[0., 1., 0.],
           [1., 0., 0.],
           [0., 0., 0.]])
    """
    block = memory.empty((classes, *labels.shape[1:], len(labels)), dtype)
    middle = layout.contiguous(labels.transpose(*range(1, labels.ndim), 0))
    if block.size:
        ints = np.array([classes, labels.size], np.int64)
        _one_hot(1, False, [block, middle], ints)
    return layout.batch_outermost(block)
