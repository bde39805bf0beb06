"""Losses between probabilities: binary cross-entropy and divergence."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.arguments import Fraction, checked
from npcnn.backend import ops
from npcnn.config import FloatType
from npcnn.losses.base import LastAxis, Reduction
from npcnn.losses.elementwise import Elementwise

Array = np.ndarray


class KLDivergence(Elementwise):
    """Σ t log(t / y) over a row, both clipped to [1e-7, 1], the mean over all rows.

    Source: Kullback, Leibler, "On Information and Sufficiency", Ann. Math. Stat. 1951.

    >>> round(KLDivergence()(np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])), 4)
    0.1438
    """

    default_name, formula = "kl_divergence", "kl_divergence"
    aliases = ("kld", "KLD", "kullback_leibler_divergence")
    average = False


class BinaryCrossentropy(Elementwise):
    """−t log y − (1 − t) log(1 − y), the mean over all outputs; targets lie between 0 and 1.

    After a sigmoid the loss is computed from the sigmoid's logits, where no rounding to 0 or 1 has
    happened yet; other outputs are clipped to [1e-7, 1 − 1e-7].

    Args:
        from_logits: True if the model's outputs are logits.
        label_smoothing: s in [0, 1): targets become t·(1 − s) + s / 2.
        axis: -1, over which the mean of a row is taken.
        reduction, name, dtype: as all losses have them.

    >>> round(BinaryCrossentropy()(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])), 4)
    0.6931
    """

    default_name, formula = "binary_crossentropy", "binary_crossentropy"
    aliases: tuple[str, ...] = ("bce", "BCE")
    logits_of: tuple[str, ...] = ("sigmoid",)

    @checked
    def __init__(
        self, from_logits: bool = False, label_smoothing: Fraction = 0.0, axis: LastAxis = -1,
        reduction: Reduction = "sum_over_batch_size", name: str | None = None,
        dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(reduction, name, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis

    def targets(self, y: Array, shape: tuple[Any, ...], dtype: np.dtype) -> Array:
        """Return the targets, smoothed if that was asked for."""
        smooth = self.label_smoothing
        if smooth:
            return ops.rescale(y, 1 - smooth, smooth / 2, dtype)
        return super().targets(y, shape, dtype)

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return losses and gradient, by the logits where they are known."""
        if logits is None and self.from_logits:
            logits = outputs
        if logits is None:
            return ops.elementwise_loss(outputs, targets, weights, self.formula)
        return ops.elementwise_loss(logits, targets, weights, f"{self.formula}_from_logits")
