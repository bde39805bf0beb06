"""The mean squared error and its gradient.

Arguments and examples are those of `npcnn.reference.squared_error`.
"""

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
    """Return each row's Σ (y − t)² / K, weighted, and their mean's gradient by the outputs.

    The gradient is w · 2 (y − t) / (K N).
    """
    return by_columns(_squared, outputs, targets, weights)
