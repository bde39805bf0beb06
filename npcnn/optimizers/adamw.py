"""Adam with weight decay that is no part of the gradient."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from npcnn.arguments import Fraction, checked
from npcnn.backend import ops
from npcnn.checks import non_negative
from npcnn.optimizers.adam import Adam
from npcnn.optimizers.base import MOST, Array, Epsilon, LearningRate

Decay = Annotated[float, partial(non_negative, fix="0.004 is Keras's", most=MOST)]


class AdamW(Adam):
    """Adam, before whose step each parameter shrinks by the share lr · weight_decay.

    Source: Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019; arithmetic and
    defaults as in Keras.

    Args:
        learning_rate: as in Adam.
        weight_decay: as above.
        beta_1, beta_2, epsilon, name: as in Adam.

    >>> AdamW().weight_decay
    0.004
    """

    @checked
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: Decay = 0.004,
        beta_1: Fraction = 0.9,
        beta_2: Fraction = 0.999,
        epsilon: Epsilon = 1e-7,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name)
        self.weight_decay = weight_decay

    def numbers(self, step: int) -> tuple[float, ...]:
        """Return Adam's α, and the share by which parameters shrink."""
        return (*super().numbers(step), self.learning_rate * self.weight_decay)

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Take the step on one stretch of parameters."""
        betas = self.beta_1, self.beta_2
        ops.adamw(parameters, gradients, *slots, self.now, *betas, self.epsilon)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "weight_decay": self.weight_decay}
