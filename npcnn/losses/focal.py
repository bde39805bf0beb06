"""Cross-entropy in which what is well classified already counts less."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import numpy as np

from npcnn.arguments import Fraction, checked
from npcnn.backend import ops
from npcnn.checks import non_negative
from npcnn.config import FloatType
from npcnn.losses.base import LastAxis, Reduction
from npcnn.losses.crossentropy import CategoricalCrossentropy
from npcnn.losses.probabilistic import BinaryCrossentropy

Array = np.ndarray
Power = Annotated[float, partial(non_negative, fix="2 is Keras's", most=1e30)]


class BinaryFocalCrossentropy(BinaryCrossentropy):
    """Binary cross-entropy · (1 − q)^γ, q being t y + (1 − t)(1 − y), the mean over all outputs.

    Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017.

    Args:
        apply_class_balancing: whether to multiply by t α + (1 − t)(1 − α).
        alpha, gamma: as above.
        from_logits, label_smoothing, axis: as in BinaryCrossentropy.
        reduction, name, dtype: as all losses have them.

    >>> round(BinaryFocalCrossentropy()(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])), 4)
    0.1733
    """

    default_name = formula = "binary_focal_crossentropy"
    aliases = ()
    logits_of = ()

    @checked
    def __init__(
        self, apply_class_balancing: bool = False, alpha: Fraction = 0.25,
        gamma: Power = 2.0, from_logits: bool = False, label_smoothing: Fraction = 0.0,
        axis: LastAxis = -1, reduction: Reduction = "sum_over_batch_size",
        name: str | None = None, dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        self.apply_class_balancing, self.alpha, self.gamma = apply_class_balancing, alpha, gamma

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return each row's loss, and the gradient by the outputs."""
        options = self.gamma, self.alpha if self.apply_class_balancing else -1.0
        p = ops.sigmoid(outputs) if self.from_logits else outputs
        losses, grad = ops.elementwise_loss(p, targets, weights, self.formula, options)
        return losses, ops.sigmoid_backward(grad, p) if self.from_logits else grad


class CategoricalFocalCrossentropy(CategoricalCrossentropy):
    """−Σ α (1 − y)^γ t log y over a row, the mean over all rows; targets are one-hot rows.

    Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017.

    Args:
        alpha, gamma: as above.
        from_logits, label_smoothing, axis: as in CategoricalCrossentropy.
        reduction, name, dtype: as all losses have them.

    >>> loss = CategoricalFocalCrossentropy()
    >>> round(loss(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])), 4)
    0.0433
    """

    default_name = "categorical_focal_crossentropy"
    logits_of = ()

    @checked
    def __init__(
        self, alpha: Fraction = 0.25, gamma: Power = 2.0, from_logits: bool = False,
        label_smoothing: Fraction = 0.0, axis: LastAxis = -1,
        reduction: Reduction = "sum_over_batch_size", name: str | None = None,
        dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        self.alpha, self.gamma = alpha, gamma

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return each row's loss, and the gradient by the outputs."""
        p = ops.softmax(outputs) if self.from_logits else outputs
        how = self.alpha, self.gamma
        losses, grad = ops.categorical_focal_crossentropy(p, targets, weights, *how)
        return losses, ops.softmax_backward(grad, p) if self.from_logits else grad
