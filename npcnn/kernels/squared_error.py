"""The mean squared error and its gradient."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.losses import by_columns
from npcnn.kernels.run.body import Body

Array = np.ndarray


@Body
def _squared(task, ints, scratch, grad, outputs, targets, weights, losses, options):
    """Fill losses (columns,) and grad (outputs, columns)."""
    count, columns = ints[0], ints[1]
    for n in range(columns * task // ints[2], columns * (task + 1) // ints[2]):
        scale = 2 * weights[n] / (options[0] * count)
        total = scale * 0
        for k in range(count):
            place = k * columns + n
            difference = outputs[place] - targets[place]
            total += difference * difference
            grad[place] = difference * scale
        losses[n] = weights[n] * (total / count)


@op
def mean_squared_error(outputs: Array, targets: Array, weights: Array) -> tuple[Array, Array]:
    """Return each answer's Σ (y − t)² / K, weighted, and their mean's gradient by the outputs.

    The gradient is w · 2 (y − t) / (K N).

    Args:
        outputs: y, (N, …, K).
        targets: t, same shape.
        weights: w, one an answer, shape (N, …).

    Returns:
        losses (N, …) and grad_outputs like outputs; N counts all answers.

    >>> mean_squared_error(np.array([[1.0, 3.0]]), np.array([[1.0, 1.0]]), np.ones(1))
    (array([2.]), array([[0., 2.]]))
    """
    return by_columns(_squared, outputs, targets, weights)
