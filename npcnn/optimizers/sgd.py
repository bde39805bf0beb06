"""Gradient descent, with momentum if asked for."""

from __future__ import annotations

from typing import Annotated, Any

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_number, message, shown
from npcnn.optimizers.base import Array, LearningRate, Optimizer


def _momentum(value: Any, where: str) -> float:
    if is_number(value) and 0 <= value <= 1:
        return float(value)
    raise ArgumentError(message(where, "a number 0 to 1", shown(value), "0.9 is usual"))


Momentum = Annotated[float, _momentum]


class SGD(Optimizer):
    """Gradient descent, with momentum if asked for, in Keras's arithmetic.

    u = momentum·u − lr·g, p += u; with nesterov p += momentum·u − lr·g.

    Args:
        learning_rate, momentum: as above; momentum in [0, 1].
        nesterov: whether to look ahead.
        name: how the optimizer is called in files.

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
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, name)
        self.momentum, self.nesterov = momentum, nesterov

    @property
    def keras_slots(self) -> tuple[str, ...]:  # type: ignore[override]
        """Keras's name of the velocity; without momentum its SGD has none."""
        return ("momentum",) if self.momentum else ()

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Take the step on one stretch of parameters."""
        ops.sgd(parameters, gradients, *slots, self.now, self.momentum, self.nesterov)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        own = {"momentum": self.momentum, "nesterov": self.nesterov}
        return {**super().get_config(), **own}
