"""How a gradient becomes a step. State lives in flat vectors, one number a parameter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from npcnn import interrupts, names
from npcnn.arguments import Fraction, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_number, message, non_negative, one_of, shown

__all__ = ["SGD", "Adam", "Optimizer", "get"]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)

Array = np.ndarray


def _rate(value: Any, where: str) -> float:
    """Return a step's length, or raise ArgumentError."""
    return non_negative(value, where, "0.001 is a start", most=MOST)


def _epsilon(value: Any, where: str) -> float:
    """Return ε, or raise ArgumentError: without it, a parameter without gradient becomes NaN."""
    if is_number(value) and LEAST <= value <= MOST:
        return float(value)
    expected = f"a number from {LEAST:g} to {MOST:g}"
    raise ArgumentError(message(where, expected, shown(value), "1e-7 is Keras's"))


LEAST, MOST = 1e-30, 1e30  # float32 has them, their squares not

LearningRate = Annotated[float, _rate]
Epsilon = Annotated[float, _epsilon]


def _momentum(value: Any, where: str) -> float:
    if is_number(value) and 0 <= value <= 1:
        return float(value)
    raise ArgumentError(message(where, "a number 0 to 1", shown(value), "0.9 is usual"))


class Optimizer:
    """Base: a learning rate, a count of steps taken, and named vectors of state (`slots`)."""

    slot_names: tuple[str, ...] = ()

    @checked
    def __init__(self, learning_rate: LearningRate, name: str | None = None) -> None:
        self.name = name or type(self).__name__.lower()
        self.learning_rate = learning_rate
        self.iterations = 0
        self.slots: dict[str, Array] = {}

    @property
    def learning_rate(self) -> float:
        """How far a step goes; may be set between steps."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        where = f"{type(self).__name__}(learning_rate)"
        self._learning_rate = _rate(value, where)

    def build(self, size: int, dtype: np.dtype) -> None:
        """Make zero state for `size` parameters, unless it is there already."""
        fits = len(self.slots) == len(self.slot_names) and all(
            slot.size == size and slot.dtype == dtype for slot in self.slots.values()
        )
        if not fits:
            self.slots = {name: np.zeros(size, dtype) for name in self.slot_names}

    def apply(self, segments: list[tuple[slice, Array, Array]]) -> None:
        """Take one step, which Ctrl-C does not tear apart.

        Args:
            segments: (place in the slots, parameters, gradients), flat views, changed in place.
        """
        with interrupts.Deferred():
            self.iterations += 1
            for place, parameters, gradients in segments:
                slots = (self.slots[name][place] for name in self.slot_names)
                self.update(parameters, gradients, *slots)

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Update one stretch of parameters and its slots in place."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this optimizer again, without its state."""
        return {"name": self.name, "learning_rate": self.learning_rate}


class Adam(Optimizer):
    """Adam in Keras's arithmetic (ε is added before the bias correction).

    m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂), α = lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ), p −= α·m/(√v + ε).
    Source: Kingma, Ba, "Adam: A Method for Stochastic Optimization", 2014; Keras ``adam.py``.

    Args:
        learning_rate, beta_1, beta_2, epsilon: as above.
        name: how the optimizer is called in files.

    >>> Adam().learning_rate
    0.001
    """

    slot_names = ("m", "v")

    @checked
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: Fraction = 0.9,
        beta_2: Fraction = 0.999,
        epsilon: Epsilon = 1e-7,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, name)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Take Adam's step on one stretch of parameters."""
        t = self.iterations
        correction = math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        alpha = self.learning_rate * correction
        ops.adam(parameters, gradients, *slots, alpha, self.beta_1, self.beta_2, self.epsilon)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        betas = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **betas}


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

    @checked
    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: Annotated[float, _momentum] = 0.0,
        nesterov: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, name)
        self.momentum, self.nesterov = momentum, nesterov

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Take the step on one stretch of parameters."""
        ops.sgd(parameters, gradients, *slots, self.learning_rate, self.momentum, self.nesterov)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        own = {"momentum": self.momentum, "nesterov": self.nesterov}
        return {**super().get_config(), **own}


CLASSES: dict[str, type[Optimizer]] = {"Adam": Adam, "SGD": SGD}
NAMES: dict[str, type[Optimizer]] = {"adam": Adam, "sgd": SGD}


def get(identifier: Any, where: str = "compile(optimizer)") -> Optimizer:
    """Return the optimizer named, or the object itself; ArgumentError for an unknown one.

    >>> get("adam").name
    'adam'
    """
    if isinstance(identifier, Optimizer):
        return identifier
    name = identifier.lower() if isinstance(identifier, str) else identifier
    return NAMES[one_of(name, NAMES, where)]()  # type: ignore[call-arg]
