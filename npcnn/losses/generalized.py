"""Cross-entropy that forgives wrong labels: between −log p and 1 − p."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from npcnn.arguments import checked
from npcnn.checks import ArgumentError, is_number, message, shown
from npcnn.config import FloatType
from npcnn.losses.base import Reduction
from npcnn.losses.crossentropy import SparseCategoricalCrossentropy

Array = np.ndarray
SMALLEST = 1e-6  # below it, nothing is left of 1 - p^q in float32
LEAST = 1e-7  # a probability, below which the slope rises no more


def _power(value: Any, where: str) -> float:
    if is_number(value) and SMALLEST <= value < 1:
        return float(value)
    fix = "near 0 it is cross-entropy, near 1 the mean of 1 − p"
    raise ArgumentError(message(where, f"a number from {SMALLEST:g} to 1", shown(value), fix))


Power = Annotated[float, _power]


class CategoricalGeneralizedCrossEntropy(SparseCategoricalCrossentropy):
    """(1 − p[label]^q) / q, the mean over all samples; targets are labels.

    Args:
        q: between 0 and 1; the larger, the less a wrong label counts.
        reduction, name, dtype: as all losses have them.

    Source: Zhang, Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural Networks with
    Noisy Labels", 2018.

    >>> round(CategoricalGeneralizedCrossEntropy()(np.array([1]), np.array([[0.75, 0.25]])), 4)
    1.0
    """

    default_name = "categorical_generalized_cross_entropy"
    by_name = False
    logits_of = ()

    @checked
    def __init__(
        self, q: Power = 0.5, reduction: Reduction = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy", dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.q = q

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return each row's loss, and the gradient by the outputs."""
        q = outputs.dtype.type(self.q)
        p = (outputs * targets).sum(axis=-1)
        slope = -(np.maximum(p, p.dtype.type(LEAST)) ** (q - 1)) * weights / p.dtype.type(p.size)
        slope[p < 0] = 0  # what is no probability counts as 0
        return (1 - np.maximum(p, 0) ** q) / q * weights, slope[..., np.newaxis] * targets
