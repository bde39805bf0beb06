"""The lines a run prints: the document's form, or a bar on a terminal."""

from __future__ import annotations

import shutil
import sys
import time
import warnings
from typing import Any

import numpy as np

from npcnn import streams
from npcnn.checks import bounded
from npcnn.notebook import in_notebook
from npcnn.streams import Lasting, is_terminal, readable, say


def format_value(value: Any) -> str:
    """Return a number as Keras prints it: 4 decimals, or an exponent at 0.001 and below.

    What else a callback put into the logs is one line.

    >>> format_value(0.12345), format_value(0.0005), format_value("late")
    ('0.1235', '5.0000e-04', 'late')
    """
    if not isinstance(value, (int, float, np.number)):
        return bounded(str(value), 40)
    number: Any = value
    return f"{number:.4f}" if abs(number) > 1e-3 else f"{number:.4e}"


def format_duration(seconds: float, unit: str) -> str:
    """Return time per unit as Keras prints it, in s, ms or us.

    >>> format_duration(14.2, "epoch"), format_duration(0.0142, "step")
    ('14s/epoch', '14ms/step')
    """
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/{unit}"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms/{unit}"
    return f"{seconds * 1e6:.0f}us/{unit}"


def format_line(steps: int, seconds: float, logs: dict[str, float]) -> str:
    """Return an epoch's line, as the document's transcript has it.

    >>> format_line(1000, 14.2, {"loss": 1.0605, "accuracy": 0.7674})
    '1000/1000 - 14s - loss: 1.0605 - accuracy: 0.7674 - 14s/epoch - 14ms/step'
    """
    numbers = [f"{name}: {format_value(value)}" for name, value in logs.items()]
    speed = [format_duration(seconds, "epoch"), format_duration(seconds / max(steps, 1), "step")]
    return " - ".join([f"{steps}/{steps}", f"{seconds:.0f}s", *numbers, *speed])


def _bar_class(notebook: bool) -> Any:
    """Return tqdm's bar: in a notebook with ipywidgets a widget, or else one of letters."""
    if not notebook:
        from tqdm import tqdm

        return tqdm
    with warnings.catch_warnings():  # tqdm warns where ipywidgets is missing
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm as auto

    return auto


def _keep_time(bar: Any) -> None:
    """Let a bar of tqdm's go by a clock that nobody sets.

    By the day's clock it stands still, once that is set back, until the old hour is reached again.
    """
    if hasattr(bar, "_time"):
        bar._time = time.perf_counter
        bar.start_t = bar.last_print_t = time.perf_counter()


class EpochPrinter:
    """Prints one pass over the data: nothing (0), a bar (1) or a line (2).

    A bar needs a terminal or a notebook; without one, verbose=1 prints the line as well.

    Args:
        verbose: 0, 1 or 2.
        steps: steps of the pass; None if that is not known beforehand.
        title: printed above, such as 'Epoch 1/25'; None for nothing.
        done: steps that were taken before this printer was made.
    """

    def __init__(
        self, verbose: int, steps: int | None, title: str | None = None, done: int = 0
    ) -> None:
        verbose = 0 if streams.quiet else verbose
        self.verbose, self.steps, self.taken = verbose, steps, done
        self.start = time.perf_counter()
        self._bar: Any = None
        if verbose and title:
            say(title)
        notebook = in_notebook()
        if verbose == 1 and (notebook or is_terminal(sys.stdout)):
            form = "{n_fmt}/{total_fmt} {bar} {elapsed}<{remaining}{postfix}"
            # On a terminal that does not know its size, as in containers, tqdm draws nothing.
            size = shutil.get_terminal_size()
            self._bar = _bar_class(notebook)(
                total=steps, initial=done, file=Lasting(sys.stdout), bar_format=form, leave=False,
                ncols=size.columns, nrows=size.lines,
            )  # fmt: skip
            _keep_time(self._bar)

    def step(self, logs: Any) -> None:
        """Count one step; `logs` is called for the numbers only if they are shown now."""
        self.taken += 1
        if self._bar is not None and self._bar.update(1):
            shown = logs()
            text = " - ".join(f"{name}: {format_value(value)}" for name, value in shown.items())
            self._bar.set_postfix_str(readable(text, sys.stdout))

    def close(self, logs: dict[str, float] | None = None) -> None:
        """End the pass; with logs, print its line."""
        if self._bar is not None:
            self._bar.close()
        if self.verbose and logs is not None:
            say(format_line(self.steps or self.taken, time.perf_counter() - self.start, logs))
