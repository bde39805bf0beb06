"""Learning rates that fall by a power, a polynomial, a quotient, or in steps."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Annotated, Any

from npcnn.arguments import checked
from npcnn.checks import ArgumentError, is_number, message, shown
from npcnn.optimizers.schedules.base import (
    LearningRateSchedule,
    Rate,
    Share,
    Steps,
    Taken,
    of_each,
    power_of,
)  # fmt: skip


class ExponentialDecay(LearningRateSchedule):
    """Rate r · d^(t / T), with staircase r · d^⌊t / T⌋.

    Args:
        initial_learning_rate: r.
        decay_steps: T, above 0.
        decay_rate: d.
        staircase: whether to fall every T steps only.
        name: kept in files.

    >>> ExponentialDecay(1.0, 10, 0.25)(5)
    0.5
    """

    @checked
    def __init__(
        self, initial_learning_rate: Rate, decay_steps: Steps, decay_rate: Share,
        staircase: bool = False, name: str = "ExponentialDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    @of_each
    @checked
    def __call__(self, step: Taken) -> float:
        """Return the rate after `step` steps."""
        passed = step / self.decay_steps
        power = math.floor(passed) if self.staircase else passed
        return self.initial_learning_rate * power_of(self.decay_rate, power)


class InverseTimeDecay(LearningRateSchedule):
    """Rate r / (1 + d · t / T), with staircase r / (1 + d · ⌊t / T⌋).

    Args:
        initial_learning_rate: r.
        decay_steps: T, above 0.
        decay_rate: d.
        staircase: whether to fall every T steps only.
        name: kept in files.

    >>> InverseTimeDecay(1.0, 10, 1.0)(10)
    0.5
    """

    @checked
    def __init__(
        self, initial_learning_rate: Rate, decay_steps: Steps, decay_rate: Share,
        staircase: bool = False, name: str = "InverseTimeDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    @of_each
    @checked
    def __call__(self, step: Taken) -> float:
        """Return the rate after `step` steps."""
        passed = step / self.decay_steps
        return self.initial_learning_rate / (
            1 + self.decay_rate * (math.floor(passed) if self.staircase else passed)
        )


class PolynomialDecay(LearningRateSchedule):
    """Rate (r − e)(1 − t / T)^p + e up to step T, e from then on.

    Args:
        initial_learning_rate: r.
        decay_steps: T, above 0.
        end_learning_rate: e.
        power: p.
        cycle: whether to begin anew, with the next multiple of T for T.
        name: kept in files.

    >>> PolynomialDecay(1.0, 10, 0.5)(5)
    0.75
    """

    @checked
    def __init__(
        self, initial_learning_rate: Rate, decay_steps: Steps, end_learning_rate: Rate = 0.0001,
        power: Share = 1.0, cycle: bool = False, name: str = "PolynomialDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power = end_learning_rate, power
        self.cycle, self.name = cycle, name

    @of_each
    @checked
    def __call__(self, step: Taken) -> float:
        """Return the rate after `step` steps."""
        span = self.decay_steps
        if self.cycle:
            span *= max(1, math.ceil(step / self.decay_steps))
        left = 1 - min(step, span) / span
        way = self.initial_learning_rate - self.end_learning_rate
        return way * left**self.power + self.end_learning_rate


def _rising(value: Any, where: str) -> list[Any]:
    numbers = list(value) if isinstance(value, (list, tuple)) else []
    if not numbers or not all(map(is_number, numbers)) or numbers != sorted(set(numbers)):
        expected = "a list of numbers that rise"
        raise ArgumentError(message(where, expected, shown(value), "such as [1000, 2000]"))
    return numbers


def _rates(value: Any, where: str) -> list[Any]:
    numbers: list[Any] = list(value) if isinstance(value, (list, tuple)) else [None]
    if not all(is_number(number) and 0 <= number <= 1e30 for number in numbers):
        expected = "a list of learning rates"
        raise ArgumentError(message(where, expected, shown(value), "such as [0.1, 0.01]"))
    return numbers


class PiecewiseConstantDecay(LearningRateSchedule):
    """Rate values[0] up to and with step boundaries[0], values[1] up to boundaries[1], and so on.

    Args:
        boundaries: numbers of steps that rise.
        values: rates, one more than boundaries.
        name: kept in files.

    Raises:
        ArgumentError: they do not fit each other.

    >>> [PiecewiseConstantDecay([2], [1.0, 0.5])(step) for step in (2, 3)]
    [1.0, 0.5]
    """

    @checked
    def __init__(
        self, boundaries: Annotated[Any, _rising], values: Annotated[Any, _rates],
        name: str = "PiecewiseConstant",
    ) -> None:  # fmt: skip
        if len(values) != len(boundaries) + 1:
            where, expected = "PiecewiseConstantDecay(values)", f"{len(boundaries) + 1} rates"
            raise ArgumentError(message(where, expected, str(len(values)), "one an interval"))
        self.boundaries, self.values, self.name = boundaries, values, name

    @of_each
    @checked
    def __call__(self, step: Taken) -> float:
        """Return the rate after `step` steps."""
        return self.values[bisect_left(self.boundaries, step)]
