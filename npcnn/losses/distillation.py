"""Learning from what a larger network answers."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, message, positive, shown
from npcnn.config import FloatType
from npcnn.losses.base import Loss, Reduction
from npcnn.registry import register_keras_serializable

Array = np.ndarray
Shape = tuple[Any, ...]
LEAST = 1e-7  # a probability, below which the slope rises no more


def _temperature(value: Any, where: str) -> float:
    """Return a temperature at which probabilities to the power of 1/T are still numbers."""
    fix = "2 to 10 is usual"
    if positive(value, where, fix, 1e6) < 0.01:
        raise ArgumentError(message(where, "a number from 0.01 on", shown(value), fix))
    return float(value)


Temperature = Annotated[float, _temperature]


@register_keras_serializable("npcnn")
class Distillation(Loss):
    """−T² Σ q·log p, where q and p are a teacher's and the model's probabilities at temperature T.

    Targets are a teacher's probabilities, as its `predict` returns them; of a mean with one-hot
    rows the network learns from both. At temperature T, probabilities p become p^(1/T) / Σ p^(1/T):
    what the teacher holds for less likely counts more. T² keeps gradients as large as at T = 1.

    Args:
        temperature: T, from 0.01 to 10⁶; 1 is `CategoricalCrossentropy` with soft targets.
        from_logits: True if the model's outputs are logits.
        reduction, name, dtype: as all losses have them.

    This is npcnn's own: Keras has none. Source: Hinton, Vinyals, Dean, "Distilling the Knowledge in
    a Neural Network", 2015.

    >>> teacher = np.array([[0.9, 0.1]])
    >>> round(Distillation(2.0)(teacher, np.array([[0.5, 0.5]])), 4)  # 4 · log 2
    2.7726
    """

    own_name = "distillation"
    logits_of: tuple[str, ...] = ("softmax",)

    @checked
    def __init__(
        self, temperature: Temperature = 2.0, from_logits: bool = False,
        reduction: Reduction = "sum_over_batch_size", name: str | None = None,
        dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.temperature, self.from_logits = temperature, from_logits

    def check_targets(self, y: Any, output_shape: Shape, where: str) -> Array:
        """Return the teacher's probabilities at the temperature, or raise an error."""
        y = super().check_targets(y, output_shape, where)
        if (y < 0).any() or not (y.sum(axis=-1) > 0).all():
            got = "a number below 0" if (y < 0).any() else "a row of zeros"
            fix = "give what the teacher's predict() returns"
            raise ArgumentError(message(where, "probabilities", got, fix))
        soft = y.astype("float64") ** (1 / self.temperature)
        return soft / soft.sum(axis=-1, keepdims=True)

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return losses and gradient, by the logits where they are known."""
        t, dtype = self.temperature, outputs.dtype
        z = outputs if logits is None and self.from_logits else logits
        if z is None:
            p = np.maximum(outputs, dtype.type(LEAST))
            losses, gradient = self.losses_and_gradient(targets, outputs, np.log(p), weights)
            return losses, gradient / p
        scaled = ops.rescale(z, 1 / t, 0.0, dtype)
        losses, gradient = ops.categorical_crossentropy_from_logits(scaled, targets, weights)
        return ops.rescale(losses, t * t, 0.0, dtype), ops.rescale(gradient, t, 0.0, dtype)
