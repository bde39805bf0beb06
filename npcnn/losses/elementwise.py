"""What losses share that look at each number alone: a row's loss is the mean of f(y, t)."""

from __future__ import annotations

import numpy as np

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.config import FloatType
from npcnn.losses.base import Loss, Reduction

Array = np.ndarray


class Elementwise(Loss):
    """Base: one of the formulas of `ops.elementwise_loss`, by name.

    Attributes:
        formula: its name; `options` are its own numbers.
        average: whether a row's loss is the mean, not the sum.
    """

    formula = ""
    average = True

    @checked
    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str | None = None,
        dtype: FloatType | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    @property
    def options(self) -> tuple[float, ...]:
        """The formula's own numbers."""
        return ()

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return each row's loss, and the gradient by the outputs."""
        how = self.formula, self.options, self.average
        return ops.elementwise_loss(outputs, targets, weights, *how)
