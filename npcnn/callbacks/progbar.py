"""Keras's own bar, for loops that programs write themselves."""

from __future__ import annotations

import math
import sys
import time
from typing import Annotated, Any

import numpy as np

from npcnn.arguments import Count, Listed, NonNegative, PositiveInt, Verbose, checked
from npcnn.checks import ArgumentError, DtypeError, as_numbers, message, shown
from npcnn.progress import format_duration, format_value
from npcnn.streams import Lasting, is_terminal, readable


def _measured(value: Any, where: str) -> list[tuple[str, Any]]:
    """Return pairs of a name and a number, or an array of them, or raise DtypeError."""
    listed = list(value) if isinstance(value, (list, tuple)) else [None]
    pairs = [one for one in listed if isinstance(one, (list, tuple)) and len(one) == 2]
    plain = (int, float, np.number, np.ndarray, list)
    fits = all(isinstance(name, str) and isinstance(number, plain) for name, number in pairs)
    if len(pairs) != len(listed) or not fits:
        fix = "such as [('loss', 0.5)]"
        raise DtypeError(message(where, "pairs of a name and a number", shown(value), fix))
    return [
        (name, as_numbers([number] if np.ndim(number) == 0 else number, where))
        for name, number in pairs
    ]


Measured = Annotated[Any, _measured]


class Progbar:
    """A bar of steps, with the means of numbers since it began.

    Args:
        target: how many steps there will be; None if that is not known.
        width: of the bar, in letters.
        verbose: 0 nothing, 1 a bar, 2 a line at the end.
        interval: seconds between two pictures of the bar.
        stateful_metrics: names of numbers that are shown as they are.
        stateless_metrics: those whose means are shown instead; one of the two at most.
        unit_name: what a step is called.

    Raises:
        ArgumentError: both kinds of names are given.

    >>> bar = Progbar(2, verbose=2)
    >>> bar.update(1, [("loss", 3.0)])
    >>> bar.add(1, [("loss", 1.0)])  # doctest: +ELLIPSIS
    2/2 - 0s - ...s/step - loss: 1.0000
    """

    @checked
    def __init__(
        self, target: Count | None, width: PositiveInt = 20, verbose: Verbose = 1,
        interval: NonNegative = 0.05, stateful_metrics: Listed | None = None,
        stateless_metrics: Listed | None = None, unit_name: str = "step",
    ) -> None:  # fmt: skip
        if stateful_metrics is not None and stateless_metrics is not None:
            fix, got = "leave one out", "both"
            expected = "stateful_metrics or stateless_metrics"
            raise ArgumentError(message("Progbar", expected, got, fix))
        self.target, self.width, self.verbose = target, width, verbose
        self.interval, self.unit_name = interval, unit_name
        self.stateful_metrics, self.stateless_metrics = stateful_metrics, stateless_metrics
        self.seen = self._shown = 0
        self._values: dict[str, tuple[float, int]] = {}
        self._start, self._last = time.perf_counter(), -math.inf
        self._first: float | None = None  # when step 1 was done

    @checked
    def update(
        self, current: Count, values: Measured | None = None, finalize: bool | None = None
    ) -> None:
        """Show that so many steps are done.

        Args:
            current: how many.
            values: pairs of a name and a number of the last step.
            finalize: whether this is the end; None if `current` is the target.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        steps = max(current - self.seen, 1)
        for name, value in values or []:
            number = float(np.mean(value))
            total, count = self._values.get(name, (0.0, 0))
            mean = self._averaged(name) and not finalize
            self._values[name] = (total + number * steps, count + steps) if mean else (number, 1)
        self.seen, now = current, time.perf_counter()
        took = self._duration(current, now)
        if self.verbose == 1 and (finalize or now - self._last >= self.interval):
            self._draw(current, took, now, finalize)
            self._last = now
        elif self.verbose == 2 and finalize and self.target:
            each = format_duration(took, self.unit_name)
            _write(f"{self._count(current)} - {now - self._start:.0f}s - {each}{self._numbers()}\n")

    @checked
    def add(self, n: Count, values: Measured | None = None) -> None:
        """Show that so many more steps are done."""
        self.update(self.seen + n, values)

    def _averaged(self, name: str) -> bool:
        if self.stateless_metrics is not None:
            return name in self.stateless_metrics
        return name not in (self.stateful_metrics or ())

    def _duration(self, current: int, now: float) -> float:
        """Return seconds a step; the first, in which much is begun, counts only by itself."""
        if not current:
            return 0.0
        took = (now - self._start) / current
        if self._first is not None and current > 1:
            took = (now - self._first) / (current - 1)
        if current == 1:
            self._first = now
        return took

    def _count(self, current: int) -> str:
        return f"{current:{len(str(self.target))}d}/{self.target}"

    def _numbers(self) -> str:
        means = {name: total / max(1, count) for name, (total, count) in self._values.items()}
        return "".join(f" - {name}: {format_value(mean)}" for name, mean in means.items())

    def _draw(self, current: int, took: float, now: float, finalize: bool) -> None:
        bar, left = f"{current:7d}/Unknown", now - self._start
        if self.target:
            done = int(self.width * current / self.target)
            bar = f"{self._count(current)} {'━' * done}{'─' * (self.width - done)}"
            left = left if finalize else took * (self.target - current)
        text = f"{bar} {_clock(left)} {format_duration(took, self.unit_name)}{self._numbers()}"
        begin = "\r" if is_terminal(sys.stdout) else "" if not self._shown else "\n"
        _write(begin + text.ljust(self._shown) + "\n" * finalize)
        self._shown = len(text)


def _clock(seconds: float) -> str:
    """Return a time as Keras shows it: 5s, 1:05 or 1:01:05."""
    whole = int(seconds)
    if whole > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole > 60 else f"{whole}s"


def _write(text: str) -> None:
    if sys.stdout is not None:
        stream = Lasting(sys.stdout)
        stream.write(readable(text, sys.stdout))
        if hasattr(sys.stdout, "flush"):
            stream.flush()
