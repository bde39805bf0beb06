"""Learning rates along a cosine: down, with a warm-up, again and again, or up and down once."""

from __future__ import annotations

import math
from typing import Annotated, Any

from npcnn.arguments import checked
from npcnn.checks import ArgumentError, is_number, message, positive, shown
from npcnn.optimizers.schedules.base import (
    LearningRateSchedule,
    Rate,
    Share,
    Span,
    Steps,
    Taken,
    cosine,
    of_each,
    power_of,
)  # fmt: skip


class CosineDecay(LearningRateSchedule):
    """Rate r · ((1 − α) · ½(1 + cos πt/T) + α) up to step T, r · α from then on.

    With a warm-up it first rises in a straight line from r to the target in W steps, and then
    falls from there. Source: Loshchilov, Hutter, "SGDR", ICLR 2017.

    Args:
        initial_learning_rate: r.
        decay_steps: T, above 0, counted from the end of the warm-up.
        alpha: α, the share that is left.
        name: kept in files.
        warmup_target: where the warm-up leads; None for no warm-up.
        warmup_steps: W.

    >>> schedule = CosineDecay(0.0, 10, warmup_target=1.0, warmup_steps=4)
    >>> schedule(2), schedule(4), round(schedule(9), 6), schedule(14)
    (0.5, 1.0, 0.5, 0.0)
    """

    @checked
    def __init__(
        self, initial_learning_rate: Rate, decay_steps: Steps, alpha: Share = 0.0,
        name: str = "CosineDecay", warmup_target: Rate | None = None, warmup_steps: Span = 0,
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.alpha, self.name = alpha, name
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    @of_each
    @checked
    def __call__(self, step: Taken) -> float:
        """Return the rate after `step` steps."""
        top, first = self.warmup_target, self.initial_learning_rate
        if top is None:
            top = first
        elif step < self.warmup_steps:
            return (top - first) * step / self.warmup_steps + first
        after = step if self.warmup_target is None else step - self.warmup_steps
        share = cosine(min(after, self.decay_steps) / self.decay_steps)
        return top * ((1 - self.alpha) * share + self.alpha)


def _growth(value: Any, where: str) -> float:
    if is_number(value) and 1 <= value <= 1e30:
        return float(value)
    expected = "a number ≥ 1, at most 1e+30"
    raise ArgumentError(message(where, expected, shown(value), "2.0 is Keras's"))


class CosineDecayRestarts(LearningRateSchedule):
    """The cosine again and again: period i takes T · tⁱ steps and begins with the rate r · mⁱ.

    Within a period, of which the share f has passed: r · ((1 − α) · mⁱ · ½(1 + cos πf) + α).
    Source: Loshchilov, Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017.

    Args:
        initial_learning_rate: r.
        first_decay_steps: T, above 0.
        t_mul: t, 1 or more.
        m_mul: m.
        alpha: α, the share that is left.
        name: kept in files.

    >>> schedule = CosineDecayRestarts(1.0, 10)
    >>> round(schedule(5), 6), schedule(10), round(schedule(20), 6)
    (0.5, 1.0, 0.5)
    """

    @checked
    def __init__(
        self, initial_learning_rate: Rate, first_decay_steps: Steps,
        t_mul: Annotated[float, _growth] = 2.0, m_mul: Share = 1.0, alpha: Share = 0.0,
        name: str = "SGDRDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.first_decay_steps = (
            initial_learning_rate,
            first_decay_steps,
        )
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    @of_each
    @checked
    def __call__(self, step: Taken) -> float:
        """Return the rate after `step` steps."""
        passed, t = step / self.first_decay_steps, self.t_mul
        if t == 1:
            period = math.floor(passed)
            passed -= period
        else:
            period = math.floor(math.log(1 - passed * (1 - t)) / math.log(t))
            period += (t ** (period + 1) - 1) / (t - 1) <= passed  # the logarithm's rounding
            passed = (passed - (t**period - 1) / (t - 1)) / t**period
        share = power_of(self.m_mul, period) * cosine(passed)
        return self.initial_learning_rate * ((1 - self.alpha) * share + self.alpha)


def _below(value: Any, where: str) -> float:
    if is_number(value) and 0 < value < 1:
        return float(value)
    raise ArgumentError(message(where, "a number between 0 and 1", shown(value), "0.3 is usual"))


def _factor(value: Any, where: str) -> float:
    if is_number(value) and value >= 1:
        return positive(value, where)
    raise ArgumentError(message(where, "a number ≥ 1", shown(value), "25 is usual"))


class OneCycle(LearningRateSchedule):
    """Once up and once down, along a cosine each: from r / d to r, and from there to r / (d · e).

    The first share s of all T steps goes up; after T steps the rate stays as it is. This is npcnn's
    own: Keras has none. Source: Smith, Topin, "Super-Convergence: Very Fast Training of Neural
    Networks Using Large Learning Rates", 2018; defaults as in PyTorch's ``OneCycleLR``.

    Args:
        max_learning_rate: r.
        total_steps: T: epochs times steps an epoch.
        warmup_share: s, between 0 and 1.
        div_factor: d, 1 or more.
        final_div_factor: e, 1 or more.
        name: kept in files.

    >>> schedule = OneCycle(1.0, 100, 0.25, 4.0, 8.0)
    >>> schedule(0), schedule(25), schedule(100)
    (0.25, 1.0, 0.03125)
    """

    @checked
    def __init__(
        self, max_learning_rate: Rate, total_steps: Steps,
        warmup_share: Annotated[float, _below] = 0.3, div_factor: Annotated[float, _factor] = 25.0,
        final_div_factor: Annotated[float, _factor] = 1e4, name: str = "OneCycle",
    ) -> None:  # fmt: skip
        self.max_learning_rate, self.total_steps = max_learning_rate, total_steps
        self.warmup_share, self.div_factor = warmup_share, div_factor
        self.final_div_factor, self.name = final_div_factor, name

    @of_each
    @checked
    def __call__(self, step: Taken) -> float:
        """Return the rate after `step` steps."""
        top, up = self.max_learning_rate, self.total_steps * self.warmup_share
        first = top / self.div_factor
        if step < up:
            return top + (first - top) * cosine(step / up)
        last = first / self.final_div_factor
        passed = min(1.0, (step - up) / (self.total_steps - up))
        return last + (top - last) * cosine(passed)
