"""What a sweep found: its runs, and a row for each setting."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from npcnn import notebook
from npcnn.checks import one_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cells = tuple[str, ...]


class Run(NamedTuple):
    """One run: what it was made with, and its curves."""

    setting: dict[str, Any]
    seed: int
    history: dict[str, list[Any]]
    seconds: float


class Row(NamedTuple):
    """What the runs of a setting ended with, and their best epochs.

    Attributes:
        mean, deviation: of the last epochs' values; the deviation is a sample's, NaN of one run.
        best: the mean of the runs' best values.
        epoch: the median of the epochs, from 1 on, that had them.
    """

    setting: dict[str, Any]
    runs: int
    mean: float
    deviation: float
    best: float
    epoch: float


class Sweep:
    """The runs of a sweep, setting by setting and then seed by seed; print it.

    Args:
        runs: at least one, the same settings together.
        upward: metric's name → whether larger is better.

    Attributes:
        metric: what the table is about unless it is asked for another: the first metric, or else
            the loss, of the validation if there was one.

    >>> run = Run({"units": 8}, 0, {"loss": [2.0, 1.0], "accuracy": [0.5, 0.75]}, 1.0)
    >>> print(Sweep([run, run._replace(seed=1)], {"loss": False, "accuracy": True}))
    units  runs  accuracy  deviation    best  at epoch
        8     2    0.7500     0.0000  0.7500         2
    """

    def __init__(self, runs: list[Run], upward: dict[str, bool]) -> None:
        self.runs, self.upward = runs, upward
        names = list(runs[0].history)
        metrics = [name for name in names if name in upward and name != "loss"] or ["loss"]
        validated = f"val_{metrics[0]}"
        self.metric = validated if validated in names else metrics[0]

    @property
    def settings(self) -> list[dict[str, Any]]:
        """The settings, each once, in the order in which they were given."""
        found: list[dict[str, Any]] = []
        for run in self.runs:
            if run.setting not in found:
                found.append(run.setting)
        return found

    def curves(self, setting: dict[str, Any], metric: str | None = None) -> list[list[float]]:
        """Return a metric's curve in each run of a setting."""
        metric = self._known(metric)
        return [run.history[metric] for run in self.runs if run.setting == setting]

    def rows(self, metric: str | None = None) -> list[Row]:
        """Return a row a setting; `metric` is a name of the histories, by default `self.metric`."""
        metric = self._known(metric)
        return [self._row(setting, metric) for setting in self.settings]

    def _known(self, metric: str | None) -> str:
        if metric is None:
            return self.metric
        sound = [n for n in self.runs[0].history if n.removeprefix("val_") in self.upward]
        return one_of(metric, sound, "Sweep(metric)")

    def _row(self, setting: dict[str, Any], metric: str) -> Row:
        curves = self.curves(setting, metric)
        pick = max if self.upward[metric.removeprefix("val_")] else min
        last, best, epochs = [curve[-1] for curve in curves], [], []
        for curve in curves:
            numbers = [value for value in curve if not math.isnan(value)]
            best.append(pick(numbers) if numbers else math.nan)
            epochs.append(curve.index(best[-1]) + 1 if numbers else 1)
        spread = float(np.std(last, ddof=1)) if len(last) > 1 else math.nan
        mean, middle = float(np.mean(last)), float(np.median(epochs))
        return Row(setting, len(curves), mean, spread, float(np.mean(best)), middle)

    def _cells(self, metric: str | None = None) -> list[Cells]:
        """Return the table as texts, its head first; a setting has a column for each argument."""
        names = list(dict.fromkeys(name for setting in self.settings for name in setting))
        head = (*names, "runs", self._known(metric), "deviation", "best", "at epoch")
        body = [
            (
                *(_text(row.setting[n]) if n in row.setting else "" for n in names), str(row.runs),
                f"{row.mean:.4f}", "" if math.isnan(row.deviation) else f"{row.deviation:.4f}",
                f"{row.best:.4f}", f"{row.epoch:g}",
            )
            for row in self.rows(metric)
        ]  # fmt: skip
        return [head, *body]

    def __str__(self) -> str:
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ("  ".join(map(str.rjust, row, widths)) for row in cells)
        return "\n".join(line.rstrip() for line in lines)

    def __repr__(self) -> str:
        return f"<Sweep of {len(self.settings)} settings, {len(self.runs)} runs, by {self.metric}>"

    def _repr_html_(self) -> str:
        table = notebook.table(self._cells(), repr(self)[1:-1], left=0, whole=True)
        return table + notebook.pictures([self.plot()], "curves of the sweep")

    def plot(self, metric: str | None = None) -> Figure:
        """Draw each setting's mean curve, in a band of its runs' deviation."""
        from npcnn.plots.sweep import sweep_curves

        return sweep_curves(self, self._known(metric))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
