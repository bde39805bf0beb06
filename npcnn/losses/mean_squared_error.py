"""The mean of squared differences."""

from __future__ import annotations

import numpy as np

from npcnn.backend import ops
from npcnn.losses.base import Loss

Array = np.ndarray


class MeanSquaredError(Loss):
    """Σ (y − t)² / K over a row's K outputs, the mean over all rows.

    Args:
        name: how the loss is called.

    >>> MeanSquaredError()(np.array([[1.0, 0.0]]), np.array([[0.5, 0.0]]))
    0.125
    """

    default_name = "mean_squared_error"
    aliases = ("mse",)

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return each row's loss, and the gradient by the outputs."""
        return ops.mean_squared_error(outputs, targets, weights)
