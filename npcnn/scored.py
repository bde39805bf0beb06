"""What a compiled model reports: its loss, its metrics, and their numbers of a pass over data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from npcnn import data
from npcnn.metrics import Metric, Scores
from npcnn.objective import objective
from npcnn.variables import answer

_OWN = ("measures", "last_scores", "_settings")  # a model's attributes that hold its metrics too


class LossSoFar(Metric):
    """The loss among a model's metrics: its mean so far, or that of what a class counts itself."""

    def __init__(self, scores: Scores) -> None:
        super().__init__("loss")
        self.scores = scores

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Count a batch's loss, as a `test_step` of one's own does."""
        self.scores.told.update_state(values, sample_weight)

    def result(self) -> Any:
        """Return the mean loss."""
        return answer(self.scores.loss())

    def reset_state(self) -> None:
        """Forget all batches."""
        self.scores.reset()


class OutputLoss(Metric):
    """The loss of one of several outputs among a model's metrics."""

    def __init__(self, scores: Scores, output: int) -> None:
        super().__init__(f"{scores.names[output]}_loss")
        self.scores, self.output = scores, output

    def result(self) -> Any:
        """Return the mean loss."""
        return answer(self.scores.totals[self.output] / max(self.scores.count, 1))

    def reset_state(self) -> None:
        """Forget all batches, as the whole loss does."""
        self.scores.reset()


class CompileMetrics(Metric):
    """Those of a model's metrics that `compile` was given, as one."""

    def __init__(self, scores: Scores, model: Any) -> None:
        super().__init__("compile_metrics")
        self.scores, self.model = scores, model

    @property
    def metrics(self) -> list[Metric]:
        """The metrics themselves."""
        return [measure.metric for measure in self.scores.measures]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch, as a `test_step` of one's own does."""
        self.model._count_metrics(y_true, y_pred, sample_weight)

    def result(self) -> dict[str, Any]:
        """Return name → number."""
        return self.scores.measured()

    def reset_state(self) -> None:
        """Forget all batches."""
        for metric in self.metrics:
            metric.reset_state()


_OF_COMPILE = (LossSoFar, OutputLoss, CompileMetrics)


def layers_within(whole: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """Yield the layers and models that something is made of, and those that these are made of."""
    seen = {id(whole)} if seen is None else seen
    for part in whole.made_of() or ():
        if id(part) not in seen:  # one may hold what it is a part of
            seen.add(id(part))
            yield part
            yield from layers_within(part, seen)


def _metrics_in(value: Any) -> Iterator[Metric]:
    if isinstance(value, Metric):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _metrics_in(one) if isinstance(one, Metric) else ()


class Scored:
    """A model's half that knows what it is compiled with, and what came out of it."""

    objective: Any
    measures: Any
    last_scores: Any
    structure: tuple[Any, Any]
    _settings: dict[str, Any]
    is_written: bool
    compiled: bool
    built: Any
    output_names: Any
    _require_compiled: Any

    @property
    def loss(self) -> Any:
        """The loss, as `compile` was given it."""
        return self._settings.get("loss")

    @loss.setter
    def loss(self, value: Any) -> None:
        self._require_compiled("loss = …")
        names = self.output_names if self.built else ["output"]
        self.objective = objective(value, list(self.objective.weights), names)
        self._settings["loss"] = value

    @property
    def metrics(self) -> list[Any]:
        """The loss, what `compile` was given, several outputs' losses, and metrics of one's own.

        Those of one's own are attributes, the model's or one of its layers'.
        """
        if not self.compiled:
            return self.own_metrics()
        scores = self.last_scores or self.scores()
        none = all(self._settings[name] is None for name in ("metrics", "weighted_metrics"))
        given = [] if none else [CompileMetrics(scores, self)]
        with_loss = [k for k, is_loss in enumerate(scores.reported) if is_loss]
        parts = [OutputLoss(scores, k) for k in with_loss] if len(with_loss) > 1 else []
        return [LossSoFar(scores), *given, *parts, *self.own_metrics()]

    def own_metrics(self) -> list[Metric]:
        """Return the metrics that are attributes, the model's or one of its layers'."""
        return list({id(one): one for one in self._found_metrics()}.values())

    def _found_metrics(self) -> Iterator[Metric]:
        for whole in (self, *layers_within(self)):
            for name, value in vars(whole).items():
                if name not in _OWN:
                    yield from _metrics_in(value)

    @property
    def metric_names(self) -> list[str]:
        """The names of the numbers a run reports: 'loss', then the metrics'."""
        return self.scores().reported_names()

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`, as Keras has them: 'compile_metrics' for what `compile` took."""
        return [metric.name for metric in self.metrics]

    def scores(self) -> Scores:
        """Return what counts one pass over data."""
        goal = self.objective
        count = len(goal.losses)
        names, fronts = data.names_of(self, 1, count) if count > 1 else [""], None
        if count > 1 and self.is_written and self.structure[1].keys is None:
            names, fronts = goal.names, [""] * count  # as in Keras: its outputs have no names
        self.last_scores = Scores(
            self.measures, names, goal.weights, goal.reported, fronts, self.own_metrics()
        )
        if type(self).metrics is not Scored.metrics:  # a class that says itself what is reported
            said = list(self.metrics)
            self.last_scores.own = [one for one in said if not isinstance(one, _OF_COMPILE)]
            self.last_scores.alone = not any(isinstance(one, LossSoFar) for one in said)
            self.last_scores.reset()
        return self.last_scores
