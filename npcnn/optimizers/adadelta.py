"""Adadelta: steps as long as earlier steps were, for a gradient as large as earlier ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npcnn.arguments import Fraction, checked
from npcnn.backend import ops
from npcnn.optimizers.base import Array, Epsilon, LearningRate, Optimizer

if TYPE_CHECKING:
    from npcnn.keywords import OptimizerKeywords, Unpack


class Adadelta(Optimizer):
    """Adadelta in Keras's arithmetic.

    v = ρv + (1 − ρ)g², d = g·√(w + ε) / √(v + ε), w = ρw + (1 − ρ)d², p −= lr·d.
    Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012, where lr is 1; Keras
    ``adadelta.py``.

    Args:
        learning_rate, rho, epsilon: as above.
        **options: name, weight_decay, clipnorm and so on, as in `Optimizer`.

    >>> Adadelta().rho
    0.95
    """

    slot_names = ("accumulated_grad", "accumulated_delta_var")
    reads_rate = False

    @checked
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: Fraction = 0.95,
        epsilon: Epsilon = 1e-7,
        **options: Unpack[OptimizerKeywords],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho, self.epsilon = rho, epsilon

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Take the step on one stretch of parameters."""
        ops.adadelta(parameters, gradients, *slots, self.now, self.rho, self.epsilon)
