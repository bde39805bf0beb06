"""Adagrad: steps divided by the root of the sum of all squared gradients."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import non_negative
from npcnn.optimizers.base import MOST, Array, Epsilon, LearningRate, Optimizer

if TYPE_CHECKING:
    from npcnn.keywords import OptimizerKeywords, Unpack

Start = Annotated[float, partial(non_negative, fix="0.1 is Keras's", most=MOST)]


class Adagrad(Optimizer):
    """Adagrad in Keras's arithmetic.

    v += g², p −= lr·g / √(v + ε).
    Source: Duchi, Hazan, Singer, "Adaptive Subgradient Methods", JMLR 12, 2011; Keras
    ``adagrad.py``.

    Args:
        learning_rate, epsilon: as above.
        initial_accumulator_value: what v begins with.
        **options: name, weight_decay, clipnorm and so on, as in `Optimizer`.

    >>> Adagrad().initial_accumulator_value
    0.1
    """

    slot_names = ("accumulator",)
    reads_rate = False

    @checked
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: Start = 0.1,
        epsilon: Epsilon = 1e-7,
        **options: Unpack[OptimizerKeywords],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    @property
    def slot_start(self) -> float:  # type: ignore[override]
        """What the sums begin with."""
        return self.initial_accumulator_value

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Take the step on one stretch of parameters."""
        ops.adagrad(parameters, gradients, *slots, self.now, self.epsilon)
