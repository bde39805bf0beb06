"""The numbers of one pass over the data: losses and metrics, output by output."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from npcnn import strangers
from npcnn.checks import DtypeError, message, shown
from npcnn.metrics.base import Metric
from npcnn.metrics.reductions import Mean

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
        fronts: what metrics' names begin with, by output; if None, the outputs' names.
        own: metrics that the model counts itself, in a `call` or a step of its own.

    Attributes:
        told: the mean of losses that a step of the model's own says; it then is the loss.
        logs: what such a step returned, in place of all numbers here; None if there is none.
        alone: whether only `own` is reported.
        tails: of the targets, as in `data.Batches`.

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
        fronts: Sequence[str] | None = None,
        own: Sequence[Metric] = (),
    ) -> None:
        self.reported = list(reported) or [True] * len(names)
        self.measures, self.names, self.shares = measures, list(names), list(shares)
        named = [f"{name}_" if len(self.names) > 1 else "" for name in self.names]
        self.fronts = named if fronts is None else list(fronts)
        self.strange = [strangers.among([measure.metric]) for measure in measures]
        self.own, self.alone, self.told = list(own), False, Mean("loss")
        self.tails: Sequence[tuple[int, ...]] = ()
        self.reset()
        for measure in measures:
            measure.metric.reset_state()

    def reset(self) -> None:
        """Forget all losses, and what the model counts itself."""
        self.totals, self.penalty, self.count = [0.0] * len(self.names), 0.0, 0
        self.logs: dict[str, Any] | None = None
        for metric in (self.told, *self.own):
            metric.reset_state()

    def update(
        self, losses: Sequence[Array], ys: Sequence[Array], outputs: Sequence[Array],
        weights: Sequence[Array],
    ) -> None:  # fmt: skip
        """Count one batch: losses by row, targets, outputs and weights, one an output.

        Losses may be one more: what regularizers add.
        """
        self.count_losses(losses, len(outputs[0]))
        self.count_metrics(ys, outputs, weights)

    def count_losses(self, losses: Sequence[Array], n: int) -> None:
        """Count the losses by row of a batch of n samples."""
        means = [float(rows.sum()) / rows.size for rows in losses]
        if len(means) > len(self.totals):  # penalties, where there are several outputs
            self.penalty += means.pop() * n
        self.totals = [total + mean * n for total, mean in zip(self.totals, means, strict=True)]
        self.count += n

    def count_metrics(
        self, ys: Sequence[Any], outputs: Sequence[Any], weights: Sequence[Any]
    ) -> None:
        """Count a batch in the metrics; a weight may be None."""
        for (metric, k, weighted), strange in zip(self.measures, self.strange, strict=True):
            given = [ys[k], outputs[k]]
            given += [weights[k]] if weighted and weights[k] is not None else []
            if strange:  # what it writes into is nobody else's
                given[0] = ys[k].reshape(-1, *self.tails[k]) if self.tails else ys[k]
                given = [strangers.copied(array) for array in given]
            metric.update_state(*given)

    @property
    def total(self) -> float:
        """The loss times the samples, of all batches so far."""
        parts = zip(self.shares, self.totals, strict=True)
        return sum(share * total for share, total in parts) + self.penalty

    def loss(self) -> float:
        """Return the mean loss so far."""
        return self.told.result() if self.told.count else self.total / max(self.count, 1)

    def measured(self) -> dict[str, Any]:
        """Return name → number of the metrics.

        With several outputs they come in the order of their names, as in Keras.
        """
        pairs = list(zip(self.measure_names(), self.measures, strict=True))
        if len(self.names) > 1:
            pairs.sort(key=lambda pair: pair[0])
        return {name: _number(measure.metric.result(), name) for name, measure in pairs}

    def result(self) -> dict[str, Any]:
        """Return name → number; 0.0 before the first batch."""
        return self.numbers() if self.logs is None else self.logs

    def listed(self, logs: dict[str, Any]) -> list[Any]:
        """Return a result's numbers in a list: of outputs' losses with one name, each."""
        if self.logs is not None or len(set(self.names)) == len(self.names):
            return list(logs.values())
        losses = [f"{name}_loss" for name in self.names]
        means = [total / max(self.count, 1) for total in self.totals]
        return [*(value for name, value in logs.items() if name not in losses), *means]

    def numbers(self) -> dict[str, Any]:
        """Return name → number as they are counted here."""
        own = {metric.name: _number(metric.result(), metric.name) for metric in self.own}
        if self.alone:
            return _laid_open(own)
        means = [total / max(self.count, 1) for total in self.totals]
        found = {"loss": float(self.loss())}
        if sum(self.reported) > 1:
            named = zip(self.names, means, self.reported, strict=True)
            found |= {f"{name}_loss": mean for name, mean, is_loss in named if is_loss}
        return _laid_open(found | self.measured() | own)

    def reported_names(self) -> list[str]:
        """Return the names of `numbers`, for which no metric is asked: it may not divide by 0."""
        own = [metric.name for metric in self.own]
        if self.alone:
            return own
        losses = itertools.compress(self.names, self.reported) if sum(self.reported) > 1 else ()
        measured = self.measure_names()
        if len(self.names) > 1:
            measured.sort()
        return list(dict.fromkeys(["loss", *(f"{name}_loss" for name in losses), *measured, *own]))

    def measure_names(self) -> list[str]:
        """Return the metrics' names as they are reported: with several outputs, theirs in front.

        Where one that goes by sample weights has another's name, it begins with 'weighted_'; any
        other that has ends in a number.
        """
        names: list[str] = []
        for metric, output, weighted in self.measures:
            front = self.fronts[output]
            name = front + metric.name
            if weighted and name in names:
                name = f"{front}weighted_{metric.name}"
            every = itertools.chain([name], (f"{name}_{k}" for k in itertools.count(1)))
            names.append(next(one for one in every if one not in names))
        return names

    def get_state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        states = [measure.metric.get_state() for measure in self.measures]
        totals = [*self.totals, self.penalty]
        found = {"totals": totals, "count": self.count, "metrics": states}
        own = [metric.get_state() for metric in (self.told, *self.own)]
        return found | ({"own": own} if self.own or self.told.count else {})

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` returned."""
        *self.totals, self.penalty = state["totals"]
        self.count = state["count"]
        for measure, saved in zip(self.measures, state["metrics"], strict=True):
            measure.metric.set_state(saved)
        for metric, saved in zip((self.told, *self.own), state.get("own", ()), strict=False):
            metric.set_state(saved)


def _number(value: Any, name: str) -> Any:
    """Return a metric's result as Python's number; as a list or a dict if it is several."""
    if isinstance(value, float):
        return float(value)
    if isinstance(value, dict):
        return {str(key): _number(one, f"{name}[{key!r}]") for key, one in value.items()}
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        where, fix = f"the metric {name}, its result()", "return a number, or a dict of them"
        raise DtypeError(message(where, "a number", shown(value), fix))
    return array.item() if array.ndim == 0 else array.tolist()


def _laid_open(found: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers with those of metrics that report several by name behind, as in Keras."""
    within: dict[str, Any] = {}
    for value in found.values():
        within |= value if isinstance(value, dict) else {}
    if not within:
        return found
    alone = {name: value for name, value in found.items() if not isinstance(value, dict)}
    return alone | _laid_open(dict(sorted(within.items())))
