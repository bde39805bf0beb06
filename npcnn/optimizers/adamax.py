"""Adamax: Adam whose second moment is a running maximum."""

from __future__ import annotations

from npcnn.backend import ops
from npcnn.optimizers.base import Array
from npcnn.optimizers.moments import Moments


class Adamax(Moments):
    """Adam in the infinity norm, in Keras's arithmetic.

    m += (g − m)(1 − β₁), u = max(β₂u, |g|), p −= lr·m / ((1 − β₁ᵗ)(u + ε)).
    Source: Kingma, Ba, "Adam: A Method for Stochastic Optimization", 2014, section 7.1; Keras
    ``adamax.py``.

    Args:
        learning_rate, beta_1, beta_2, epsilon: as in Adam.
        **options: name, weight_decay, clipnorm and so on, as in `Optimizer`.

    >>> Adamax().beta_2
    0.999
    """

    slot_names = ("m", "u")
    keras_slots = ("momentum", "norm")

    def numbers(self, step: int) -> tuple[float, ...]:
        """Return the learning rate with its bias correction."""
        return (self.learning_rate / (1 - self.beta_1**step),)

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Take the step on one stretch of parameters."""
        betas = self.beta_1, self.beta_2
        ops.adamax(parameters, gradients, *slots, self.now, *betas, self.epsilon)
