"""Adam: a step size for each parameter, from running means of gradient and square."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from npcnn.arguments import Fraction, checked
from npcnn.backend import ops
from npcnn.optimizers.base import Array, Epsilon, LearningRate
from npcnn.optimizers.moments import Moments

if TYPE_CHECKING:
    from npcnn.keywords import OptimizerKeywords, Unpack


class Adam(Moments):
    """Adam in Keras's arithmetic (ε is added before the bias correction).

    m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂), α = lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ), p −= α·m/(√v + ε).
    Source: Kingma, Ba, "Adam: A Method for Stochastic Optimization", 2014; Keras ``adam.py``.

    Args:
        learning_rate, beta_1, beta_2, epsilon: as above.
        amsgrad: whether to divide by the largest v there was (Reddi, Kale, Kumar, ICLR 2018).
        **options: name, weight_decay, clipnorm and so on, as in `Optimizer`.

    >>> Adam().learning_rate
    0.001
    """

    in_turns = 2

    @checked
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: Fraction = 0.9,
        beta_2: Fraction = 0.999,
        epsilon: Epsilon = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[OptimizerKeywords],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)
        self.amsgrad = amsgrad

    @property
    def slot_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """The state: both moments, and with amsgrad the largest second one."""
        return ("m", "v", "vhat") if self.amsgrad else ("m", "v")

    @property
    def keras_slots(self) -> tuple[str, ...]:  # type: ignore[override]
        """The same in Keras's files."""
        return ("momentum", "velocity", "velocity_hat")[: len(self.slot_names)]

    def numbers(self, step: int) -> tuple[float, ...]:
        """Return α: the learning rate with its bias correction."""
        correction = math.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        return (self.learning_rate * correction,)

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Take Adam's step on one stretch of parameters."""
        step = ops.amsgrad if self.amsgrad else ops.adam
        step(parameters, gradients, *slots, self.now, self.beta_1, self.beta_2, self.epsilon)
