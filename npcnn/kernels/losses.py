"""Cross-entropy and its gradient.

From logits, what training uses after a softmax, or from probabilities, when only those are known.

Arguments and examples are those of `npcnn.reference.losses`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import each_column

Array = np.ndarray

EPSILON = 1e-7
# A call's options.
COLUMNS, LOW, HIGH = range(3)


@Body
def _from_logits(task, ints, scratch, grad, logits, targets, weights, losses, options):
    """Fill losses and grad from logits and targets (classes, columns)."""
    classes, columns = ints[0], ints[1]
    for n in range(columns * task // ints[2], columns * (task + 1) // ints[2]):
        largest = logits[n]
        for c in range(1, classes):
            value = logits[c * columns + n]
            if value > largest or math.isnan(value):
                largest = value
        total = mass = product = largest * 0
        for c in range(classes):
            shifted = logits[c * columns + n] - largest
            power = math.exp(shifted)
            grad[c * columns + n] = power
            total += power
            mass += targets[c * columns + n]
            product += targets[c * columns + n] * shifted
        losses[n] = weights[n] * (math.log(total) * mass - product)
        share = weights[n] / options[COLUMNS]
        for c in range(classes):
            place = c * columns + n
            grad[place] = (grad[place] / total * mass - targets[place]) * share


@Body
def _from_probabilities(
    task, ints, scratch, grad, probabilities, targets, weights, losses, options
):
    """Fill losses (columns,) and grad (classes, columns); columns need not add up to one."""
    classes, columns = ints[0], ints[1]
    low, high = options[LOW], options[HIGH]
    for n in range(columns * task // ints[2], columns * (task + 1) // ints[2]):
        total = probabilities[n] * 0
        for c in range(classes):
            total += probabilities[c * columns + n]
        loss = product = total * 0
        share = weights[n] / options[COLUMNS]
        for c in range(classes):
            place = c * columns + n
            p = probabilities[place] / total
            clipped = min(max(p, low), high)
            loss += targets[place] * math.log(clipped)
            slope = -targets[place] / clipped * share if p == clipped else total * 0
            grad[place] = slope
            product += slope * p
        losses[n] = -weights[n] * loss
        for c in range(classes):
            grad[c * columns + n] = (grad[c * columns + n] - product) / total


def by_columns(
    body: Body, first: Array, targets: Array, weights: Array, *more: float
) -> tuple[Array, Array]:
    """Return losses and gradient as the body computes them from outputs, targets and weights.

    `more` are options behind the columns and the bounds of probabilities.
    """
    dtype = first.dtype
    block = layout.batch_innermost(first)
    middle = (*range(1, weights.ndim), 0)  # in the order in which columns lie in the blocks
    shares = layout.contiguous(weights.transpose(middle)).astype(dtype, copy=False)
    wanted = layout.batch_innermost(targets).astype(dtype, copy=False)
    losses, grad = memory.empty(shares.shape, dtype), memory.empty(block.shape, dtype)
    low = dtype.type(EPSILON)
    options = memory.constant([shares.size, low, dtype.type(1) - low, *more], dtype)
    each_column(body, len(block), [grad, block, wanted, shares, losses, options])
    axes = (losses.ndim - 1, *range(losses.ndim - 1))
    return losses.transpose(axes), layout.batch_outermost(grad)


@op
def categorical_crossentropy_from_logits(
    logits: Array, targets: Array, weights: Array
) -> tuple[Array, Array]:
    """Return each sample's −Σ t·log softmax(z), weighted, and its mean's gradient by the logits.

    log softmax(z) = z − log Σ exp(z), shifted by max z: finite at any finite logits. The gradient
    is w·(softmax(z)·Σt − t) / N.
    """
    return by_columns(_from_logits, logits, targets, weights)


@op
def categorical_crossentropy(
    probabilities: Array, targets: Array, weights: Array
) -> tuple[Array, Array]:
    """Return each sample's −Σ t·log p, weighted, and its mean's gradient by the probabilities.

    Probabilities are divided by their sums and clipped to [1e-7, 1 − 1e-7], as Keras does; the
    gradient goes through the division and is zero where the clip holds.
    """
    return by_columns(_from_probabilities, probabilities, targets, weights)


def _fill(task, ints, scratch, out, labels):
    """Fill out (classes, labels), by class and then by label."""
    classes, count = ints[0], ints[1]
    for c in range(classes):
        for n in range(count):
            out[c * count + n] = 1 if labels[n] == c else 0


_one_hot = Body(_fill, mixed=True)


@op
def one_hot(labels: Array, classes: int, dtype: Any) -> Array:
    """Return labels (N, …) as (N, …, classes), 1 at the label and 0 elsewhere.

    A label that is none of the classes gives zeros.
    """
    block = memory.empty((classes, *labels.shape[1:], len(labels)), dtype)
    middle = layout.contiguous(labels.transpose(*range(1, labels.ndim), 0))
    if block.size:
        ints = np.array([classes, labels.size], np.int64)
        _one_hot(1, False, [block, middle], ints)
    return layout.batch_outermost(block)
