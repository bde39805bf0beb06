"""What stands for the loss of an output that is not learnt by, or is by what layers add alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import as_numbers
from npcnn.losses.base import Loss

Array = np.ndarray


class NoLoss(Loss):
    """0, whatever the targets are: `loss=None`.

    >>> NoLoss().name
    'no_loss'
    """

    own_name = "no_loss"
    is_nothing = True

    @checked
    def __init__(self) -> None:
        super().__init__()

    def score(
        self, y: Array, outputs: Array, weights: Array, last: Any
    ) -> tuple[Array, Array, bool]:
        """Return losses and a gradient of 0."""
        nothing = (ops.rescale(one, 0.0, 0.0, outputs.dtype) for one in (weights, outputs))
        losses, gradient = nothing
        return losses, gradient, False

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return the same, to tools that ask."""
        return np.zeros_like(weights), np.zeros_like(outputs)

    def check_targets(self, y: Any, output_shape: tuple[Any, ...], where: str) -> Array:
        """Return what was given as an array, for metrics."""
        return as_numbers(y, where)
