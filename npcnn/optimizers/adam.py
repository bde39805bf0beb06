"""Adam: a step size for each parameter, from running means of gradient and square."""

from __future__ import annotations

import math
from typing import Any

from npcnn.arguments import Fraction, checked
from npcnn.backend import ops
from npcnn.optimizers.base import Array, Epsilon, LearningRate, Optimizer


class Adam(Optimizer):
    """Adam in Keras's arithmetic (ε is added before the bias correction).

    m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂), α = lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ), p −= α·m/(√v + ε).
    Source: Kingma, Ba, "Adam: A Method for Stochastic Optimization", 2014; Keras ``adam.py``.

    Args:
        learning_rate, beta_1, beta_2, epsilon: as above.
        name: how the optimizer is called in files.

    >>> Adam().learning_rate
    0.001
    """

    slot_names = ("m", "v")
    keras_slots = ("momentum", "velocity")
    reads_rate = False

    @checked
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: Fraction = 0.9,
        beta_2: Fraction = 0.999,
        epsilon: Epsilon = 1e-7,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, name)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def numbers(self, step: int) -> tuple[float, ...]:
        """Return α: the learning rate with its bias correction."""
        correction = math.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        return (self.learning_rate * correction,)

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Take Adam's step on one stretch of parameters."""
        ops.adam(parameters, gradients, *slots, self.now, self.beta_1, self.beta_2, self.epsilon)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        betas = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **betas}
