"""A learning rate that changes from step to step."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeVar, cast

import numpy as np

from npcnn import config
from npcnn.arguments import arguments_of, instance
from npcnn.checks import (
    ArgumentError,
    as_numbers,
    is_number,
    is_whole,
    message,
    non_negative,
    positive,
    shown,
)
from npcnn.remembered import kept
from npcnn.subclasses import missing, require_takes
from npcnn.variables import answer

F = TypeVar("F", bound=Callable[..., Any])
LEAST = 1e-6  # of a step: with less, quotients would be beyond a float


def _steps(value: Any, where: str) -> float:
    fix = "say after how many steps"
    if positive(value, where, fix, 2.0**62) < LEAST:
        raise ArgumentError(message(where, f"a number from {LEAST:g} on", shown(value), fix))
    return int(value) if is_whole(value) else float(value)


def _span(value: Any, where: str) -> float:
    non_negative(value, where, "say for how many steps", 2.0**62)
    return int(value) if is_whole(value) else float(value)


def _taken(value: Any, where: str) -> float:
    non_negative(value, where, "give how many steps were taken", 2.0**62)
    return int(value) if is_whole(value) else float(value)


Taken = Annotated[float, _taken]
Rate = Annotated[float, partial(non_negative, fix="0.001 is a start", most=1e30)]
Steps = Annotated[float, _steps]
Span = Annotated[float, _span]
Share = Annotated[float, partial(non_negative, fix="a share of the learning rate", most=1e30)]


def of_each(schedule: F) -> F:
    """Return a schedule's call that takes an array of steps too, to be drawn as a curve."""

    @functools.wraps(schedule)
    def called(self: Any, step: Any) -> Any:
        if not isinstance(step, (list, tuple, range)) and not getattr(step, "ndim", 0):
            return schedule(self, step)
        steps = as_numbers(step, f"{type(self).__name__}(step)")
        rates = [schedule(self, one) for one in steps.ravel().tolist()]
        return answer(np.array(rates, config.floatx()).reshape(steps.shape))

    return cast(F, called)


class LearningRateSchedule:
    """Base: a function of how many steps were taken before, called anew for each step.

    One of your own defines `__call__`, and `get_config` to be kept in files, where it has the name
    that `npcnn.utils.register_keras_serializable` gives it:

    >>> class Halved(LearningRateSchedule):
    ...     def __init__(self, start):
    ...         self.start = start
    ...     def __call__(self, step):
    ...         return self.start / 2**step
    >>> Halved(0.5)(1)
    0.25
    """

    def __call__(self, step: int) -> float:
        """Return the learning rate for the step after `step` others."""
        raise missing(self, "__call__")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this schedule again."""
        found = kept(self)
        if not found:
            raise missing(self, "get_config")
        return found

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        """Return a schedule with the arguments that `get_config` returned."""
        return cls(**arguments_of(cls, config, f"{cls.__name__}.from_config(config)"))


class Asked(LearningRateSchedule):
    """A function without arguments in a schedule's place, called for each step."""

    def __init__(self, function: Callable[[], Any], where: str) -> None:
        require_takes(function, (), where)
        self.function = function

    def __call__(self, step: int) -> float:
        """Return what the function returns."""
        return self.function()


def said(schedule: LearningRateSchedule) -> str:
    """Return what a message calls a schedule, or the function in its place."""
    if isinstance(schedule, Asked):
        return getattr(schedule.function, "__name__", type(schedule.function).__name__)
    return type(schedule).__name__


Schedule = Annotated[
    LearningRateSchedule,
    instance(__name__, "LearningRateSchedule", "give such as CosineDecay(0.1, 1000)"),
]


def rate_at(schedule: LearningRateSchedule, step: int, most: float) -> float:
    """Return what a schedule says for a step; ArgumentError if that is no learning rate."""
    rate = schedule(step)
    try:
        number = float(rate)
    except (TypeError, ValueError):
        number = math.nan
    if is_number(number) and 0 <= number <= most and not isinstance(rate, (bool, str)):
        return number
    where = f"{said(schedule)}({'' if isinstance(schedule, Asked) else f'step={step}'})"
    expected = f"a number ≥ 0, at most {most:g}, for the learning rate"
    raise ArgumentError(message(where, expected, shown(rate), "let it return such as 0.001"))


def power_of(base: float, exponent: float) -> float:
    """Return base to the exponent, infinity where that is beyond a float."""
    try:
        return base**exponent
    except OverflowError:
        return math.inf


def cosine(fraction: float) -> float:
    """Return ½(1 + cos πf), which falls from 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * fraction))
