"""Adam with weight decay that is no part of the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npcnn.arguments import Fraction, checked
from npcnn.backend import ops
from npcnn.optimizers.adam import Adam
from npcnn.optimizers.base import Array, Epsilon, LearningRate
from npcnn.optimizers.options import Decay

if TYPE_CHECKING:
    from npcnn.keywords import MovedKeywords, Unpack


class AdamW(Adam):
    """Adam, before whose step each parameter shrinks by the share lr · weight_decay.

    Source: Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019; arithmetic and
    defaults as in Keras.

    Args:
        learning_rate: as in Adam.
        weight_decay: as above.
        beta_1, beta_2, epsilon, amsgrad: as in Adam.
        **options: name, clipnorm and so on, as in `Optimizer`.

    >>> AdamW().weight_decay
    0.004
    """

    weight_decay: float

    @checked
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: Decay = 0.004,
        beta_1: Fraction = 0.9,
        beta_2: Fraction = 0.999,
        epsilon: Epsilon = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[MovedKeywords],
    ) -> None:
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options
        )

    @property
    def decays_apart(self) -> bool:
        """Whether the decay is not part of the one pass over the parameters."""
        return self.amsgrad or any(self.excluded)

    def numbers(self, step: int) -> tuple[float, ...]:
        """Return Adam's α, and the share by which parameters shrink in the same pass."""
        share = () if self.decays_apart else (self.learning_rate * self.weight_decay,)
        return (*super().numbers(step), *share)

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Take the step on one stretch of parameters."""
        if self.decays_apart:
            super().update(parameters, gradients, *slots)
            return
        betas = self.beta_1, self.beta_2
        ops.adamw(parameters, gradients, *slots, self.now, *betas, self.epsilon)
