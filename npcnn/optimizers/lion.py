"""Lion: steps of one length, by the sign of a running mean of gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from npcnn.arguments import Fraction, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_number, message, shown
from npcnn.optimizers.base import Array, LearningRate, Optimizer

if TYPE_CHECKING:
    from npcnn.keywords import OptimizerKeywords, Unpack


def _share(value: Any, where: str) -> float:
    if is_number(value) and 0 < value <= 1:
        return float(value)
    raise ArgumentError(message(where, "a number above 0, up to 1", shown(value), "0.9 is usual"))


class Lion(Optimizer):
    """Lion in Keras's arithmetic.

    p −= lr · sign(β₁m + (1 − β₁)g), m = β₂m + (1 − β₂)g.
    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023; Keras ``lion.py``.

    Args:
        learning_rate, beta_1, beta_2: as above; β₁ above 0.
        **options: name, weight_decay, clipnorm and so on, as in `Optimizer`.

    >>> Lion().beta_2
    0.99
    """

    slot_names = ("momentum",)
    reads_rate = False

    @checked
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: Annotated[float, _share] = 0.9,
        beta_2: Fraction = 0.99,
        **options: Unpack[OptimizerKeywords],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2 = beta_1, beta_2

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Take the step on one stretch of parameters."""
        ops.lion(parameters, gradients, *slots, self.now, self.beta_1, self.beta_2)
