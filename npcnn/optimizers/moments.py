"""What Adam and its kin share: β₁, β₂ and ε."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npcnn.arguments import Fraction, checked
from npcnn.optimizers.base import Epsilon, LearningRate, Optimizer

if TYPE_CHECKING:
    from npcnn.keywords import OptimizerKeywords, Unpack


class Moments(Optimizer):
    """Base: an optimizer with a running mean of the gradient and one of its size.

    Args:
        learning_rate: how far a step goes.
        beta_1, beta_2: how much of either mean stays in a step.
        epsilon: ε, without which one would divide by 0.
        **options: name, weight_decay, clipnorm and so on, as in `Optimizer`.
    """

    slot_names: tuple[str, ...] = ("m", "v")
    keras_slots: tuple[str, ...] | None = ("momentum", "velocity")
    reads_rate = False

    @checked
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: Fraction = 0.9,
        beta_2: Fraction = 0.999,
        epsilon: Epsilon = 1e-7,
        **options: Unpack[OptimizerKeywords],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
