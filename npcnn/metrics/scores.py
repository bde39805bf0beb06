"""The numbers of one pass over the data: losses and metrics, output by output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from npcnn import strangers
from npcnn.checks import DtypeError, message, shown
from npcnn.metrics.base import Metric

Array = np.ndarray


class Measure(NamedTuple):
    """A metric, the number of the output it looks at, and whether it goes by sample weights."""

    metric: Metric
    output: int
    weighted: bool = False


class Scores:
    """The numbers of one pass over the data: the mean loss, and the metrics, begun anew.

    The loss counts by the samples, so that a short last batch weighs less.

    Args:
        measures: what is looked at beside the loss.
        names: of the outputs; with several, each has a loss of its own besides.
        shares: how much each output's loss counts in the whole.
        reported: which outputs have a loss; all if empty.

    >>> scores = Scores([])
    >>> scores.update([np.array([4.0, 4.0])], [np.zeros(2)], [np.zeros(2)], [np.ones(2)])
    >>> scores.update([np.array([1.0])], [np.zeros(1)], [np.zeros(1)], [np.ones(1)])
    >>> scores.result()
    {'loss': 3.0}
    """

    def __init__(
        self,
        measures: list[Measure],
        names: Sequence[str] = ("",),
        shares: Sequence[float] = (1.0,),
        reported: Sequence[bool] = (),
    ) -> None:
        self.reported = list(reported) or [True] * len(names)
        self.measures, self.names, self.shares = measures, list(names), list(shares)
        self.strange = [strangers.among([measure.metric]) for measure in measures]
        self.totals, self.penalty, self.count = [0.0] * len(names), 0.0, 0
        for measure in measures:
            measure.metric.reset_state()

    def update(
        self, losses: Sequence[Array], ys: Sequence[Array], outputs: Sequence[Array],
        weights: Sequence[Array],
    ) -> None:  # fmt: skip
        """Count one batch: losses by row, targets, outputs and weights, one an output.

        Losses may be one more: what regularizers add.
        """
        n = len(outputs[0])
        means = [float(rows.sum()) / rows.size for rows in losses]
        if len(means) > len(outputs):  # penalties, where there are several outputs
            self.penalty += means.pop() * n
        self.totals = [total + mean * n for total, mean in zip(self.totals, means, strict=True)]
        self.count += n
        for (metric, k, weighted), strange in zip(self.measures, self.strange, strict=True):
            given = [ys[k], outputs[k], *([weights[k]] if weighted else [])]
            if strange:  # what it writes into is nobody else's
                given = [strangers.copied(array) for array in given]
            metric.update_state(*given)

    @property
    def total(self) -> float:
        """The loss times the samples, of all batches so far."""
        parts = zip(self.shares, self.totals, strict=True)
        return sum(share * total for share, total in parts) + self.penalty

    def result(self) -> dict[str, Any]:
        """Return name → number; 0.0 before the first batch.

        With several outputs their metrics come in the order of their names, as in Keras.
        """
        means = [total / max(self.count, 1) for total in self.totals]
        found = {"loss": self.total / max(self.count, 1)}
        if sum(self.reported) > 1:
            named = zip(self.names, means, self.reported, strict=True)
            found |= {f"{name}_loss": mean for name, mean, is_loss in named if is_loss}
        pairs = list(zip(self.measure_names(), self.measures, strict=True))
        if len(means) > 1:
            pairs.sort(key=lambda pair: pair[0])
        return found | {name: _number(measure.metric.result(), name) for name, measure in pairs}

    def measure_names(self) -> list[str]:
        """Return the metrics' names as they are reported: with several outputs, theirs in front.

        Where one that goes by sample weights has another's name, it begins with 'weighted_'.
        """
        names: list[str] = []
        for metric, output, weighted in self.measures:
            front = f"{self.names[output]}_" if len(self.names) > 1 else ""
            name = front + metric.name
            names.append(f"{front}weighted_{metric.name}" if weighted and name in names else name)
        return names

    def get_state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        states = [measure.metric.get_state() for measure in self.measures]
        totals = [*self.totals, self.penalty]
        return {"totals": totals, "count": self.count, "metrics": states}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` returned."""
        *self.totals, self.penalty = state["totals"]
        self.count = state["count"]
        for measure, saved in zip(self.measures, state["metrics"], strict=True):
            measure.metric.set_state(saved)


def _number(value: Any, name: str) -> Any:
    """Return a metric's result as Python's number, or as a list if it is several."""
    if isinstance(value, float):
        return float(value)
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        where, fix = f"the metric {name}, its result()", "return a number"
        raise DtypeError(message(where, "a number", shown(value), fix))
    return array.item() if array.ndim == 0 else array.tolist()
