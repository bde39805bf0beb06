"""Gradient descent, with momentum if asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.optimizers.base import Array, LearningRate, Optimizer
from npcnn.optimizers.options import Momentum

if TYPE_CHECKING:
    from npcnn.keywords import OptimizerKeywords, Unpack


class SGD(Optimizer):
    """Gradient descent, with momentum if asked for, in Keras's arithmetic.

    u = momentum·u − lr·g, p += u; with nesterov p += momentum·u − lr·g.

    Args:
        learning_rate, momentum: as above; momentum in [0, 1].
        nesterov: whether to look ahead.
        **options: name, weight_decay, clipnorm and so on, as in `Optimizer`.

    >>> SGD().learning_rate
    0.01
    """

    slot_names = ("velocity",)
    reads_rate = False

    @checked
    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: Momentum = 0.0,
        nesterov: bool = False,
        **options: Unpack[OptimizerKeywords],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum, self.nesterov = momentum, nesterov

    @property
    def keras_slots(self) -> tuple[str, ...]:  # type: ignore[override]
        """Keras's name of the velocity; without momentum its SGD has none."""
        return ("momentum",) if self.momentum else ()

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Take the step on one stretch of parameters."""
        ops.sgd(parameters, gradients, *slots, self.now, self.momentum, self.nesterov)
