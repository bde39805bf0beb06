"""FTRL: the parameters that all gradients so far ask for, those of little use held at 0."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_number, message, non_negative, shown
from npcnn.optimizers.base import LEAST, MOST, Array, LearningRate, Optimizer

if TYPE_CHECKING:
    from npcnn.keywords import OptimizerKeywords, Unpack


def _power(value: Any, where: str) -> float:
    if is_number(value) and -10 <= value <= 0:
        return float(value)
    fix = "-0.5 is usual, 0 leaves the rate as it is"
    raise ArgumentError(message(where, "a number from -10 to 0", shown(value), fix))


def _start(value: Any, where: str) -> float:
    if is_number(value) and LEAST <= value <= MOST:
        return float(value)
    fix = "with 0 a parameter without a gradient is 0 / 0; 0.1 is Keras's"
    raise ArgumentError(message(where, f"a number from {LEAST:g}", shown(value), fix))


Power = Annotated[float, _power]
Start = Annotated[float, _start]
Strength = Annotated[float, partial(non_negative, fix="0 is none", most=MOST)]


class Ftrl(Optimizer):
    """Follow the regularized leader, in Keras's arithmetic.

    n' = n + g², z += g + 2 s p − (n'^−q − n^−q) / lr · p and
    p = (clip(z, −λ₁, λ₁) − z) / (n'^−q / lr + 2 λ₂ + β / lr).
    Source: McMahan et al., "Ad Click Prediction: a View from the Trenches", 2013; Keras
    ``ftrl.py``.

    Args:
        learning_rate: lr.
        learning_rate_power: q, at most 0.
        initial_accumulator_value: what n begins with.
        l1_regularization_strength: λ₁; where |z| is less, the parameter is 0.
        l2_regularization_strength: λ₂.
        l2_shrinkage_regularization_strength: s.
        beta: β.
        **options: name, weight_decay, clipnorm and so on, as in `Optimizer`.

    >>> Ftrl().learning_rate_power
    -0.5
    """

    slot_names = ("accumulator", "linear")
    reads_rate = False

    @checked
    def __init__(
        self, learning_rate: LearningRate = 0.001, learning_rate_power: Power = -0.5,
        initial_accumulator_value: Start = 0.1, l1_regularization_strength: Strength = 0.0,
        l2_regularization_strength: Strength = 0.0,
        l2_shrinkage_regularization_strength: Strength = 0.0, beta: Strength = 0.0,
        **options: Unpack[OptimizerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, **options)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def start_of(self, slot: str) -> float:
        """Return what n begins with; all else begins with 0."""
        return self.initial_accumulator_value if slot == "accumulator" else 0.0

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Take the step on one stretch of parameters."""
        ops.ftrl(
            parameters, gradients, *slots, self.now, self.learning_rate_power,
            self.l1_regularization_strength, self.l2_regularization_strength,
            self.l2_shrinkage_regularization_strength, self.beta,
        )  # fmt: skip
