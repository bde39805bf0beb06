"""From a name, a function or an object to a metric."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from npcnn import registry
from npcnn.arguments import Function, Numbers, arguments_of, checked
from npcnn.checks import one_of
from npcnn.config import FloatType
from npcnn.losses.base import Loss
from npcnn.metrics import (
    accuracies,
    areas,
    best_rates,
    confusion,
    correlations,
    f_scores,
    from_losses,
    intersections,
    r2_score,
    reductions,
    regression,
)
from npcnn.metrics.base import Metric, Weighing, numbers_of, put_numbers
from npcnn.names import snake_case
from npcnn.subclasses import require_takes

Array = np.ndarray

CLASSES: dict[str, type[Metric]] = {
    cls.__name__: cls
    for cls in (
        accuracies.Accuracy, accuracies.BinaryAccuracy, accuracies.CategoricalAccuracy,
        accuracies.SparseCategoricalAccuracy, accuracies.TopKCategoricalAccuracy,
        accuracies.SparseTopKCategoricalAccuracy, regression.MeanSquaredError,
        regression.RootMeanSquaredError, regression.MeanAbsoluteError, confusion.TruePositives,
        confusion.TrueNegatives, confusion.FalsePositives, confusion.FalseNegatives,
        confusion.Precision, confusion.Recall, areas.AUC, f_scores.FBetaScore, f_scores.F1Score,
        reductions.Mean, reductions.Sum, r2_score.R2Score, *from_losses.CLASSES,
        *best_rates.CLASSES, *intersections.CLASSES, *correlations.CLASSES,
    )
}  # fmt: skip
BY_SHAPE = ("accuracy", "acc")
_NAMES: dict[str, type[Metric]] = {
    **{snake_case(name): cls for name, cls in CLASSES.items()},
    **CLASSES,
    **dict.fromkeys(BY_SHAPE, accuracies.AccuracyByShape),
    **dict.fromkeys(("mse", "MSE"), regression.MeanSquaredError),
    **dict.fromkeys(("mae", "MAE"), regression.MeanAbsoluteError),
    **dict.fromkeys(("bce", "BCE"), from_losses.BinaryCrossentropy),
    **dict.fromkeys(("kld", "KLD"), from_losses.KLDivergence),
    **dict.fromkeys(("mape", "MAPE"), from_losses.MeanAbsolutePercentageError),
    **dict.fromkeys(("msle", "MSLE"), from_losses.MeanSquaredLogarithmicError),
}


def get(identifier: Any, where: str = "compile(metrics)") -> Metric:
    """Return the metric named, that a function makes, or the object itself if it is one.

    A function of (targets, outputs) is reported as the mean of what it returns, under its own name
    in snake_case. A name is the metric's name as well, as in Keras; 'accuracy' is the one that fits
    the targets' shape.

    >>> get("mse").name, get("accuracy").name, get(lambda y, p: abs(p - y)).name
    ('mse', 'accuracy', 'lambda')
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier(**arguments_of(identifier, {}, f"{where}: {identifier.__name__}"))
    if isinstance(identifier, Loss):
        return MeanMetricWrapper(identifier)
    own = any(callable(getattr(identifier, name, None)) for name in ("values", "update_state"))
    if own and hasattr(identifier, "name") and not isinstance(identifier, type):
        return Wrapped(identifier)
    if callable(identifier) and not isinstance(identifier, type):
        return _of_function(identifier)
    if isinstance(identifier, dict) and "class_name" in identifier:
        return registry.made(identifier, CLASSES, Metric, where)
    if not isinstance(identifier, str) or identifier not in _NAMES:
        one_of(identifier, dict.fromkeys([*BY_SHAPE, *map(snake_case, CLASSES)]), where)
    kind = _NAMES[identifier]
    metric = kind(**arguments_of(kind, {}, f"{where}: {kind.__name__}"))
    metric.name = identifier
    return metric


def _of_function(function: Any) -> Metric:
    """Return the class's object if the function is one of npcnn's, else what takes its mean."""
    name, kind = getattr(function, "__name__", ""), getattr(function, "metric", None)
    if isinstance(getattr(function, "loss", None), type) and name != "cosine_similarity":
        kind = _NAMES.get(name)  # the metric of that name has the loss's other sign
    return kind(name=name) if isinstance(kind, type) else MeanMetricWrapper(function)


class MeanMetricWrapper(Metric):
    """The mean of what a function of (targets, outputs) returns for each sample.

    Args:
        fn: the function.
        name: None is the function's own, in snake_case.
        dtype: as all metrics have it.
        kwargs: handed on to it.

    >>> MeanMetricWrapper(lambda y, p, scale: scale * p, scale=2)(np.zeros(2), np.array([1.0, 2.0]))
    3.0
    """

    kept_as: ClassVar = {"fn": None}

    @checked
    def __init__(
        self, fn: Function, name: str | None = None, dtype: FloatType | None = None, **kwargs: Any
    ) -> None:
        if not kwargs:
            require_takes(fn, ("y_true", "y_pred"), "a function as a metric")
        own = getattr(fn, "name", None) or getattr(fn, "__name__", type(fn).__name__)
        super().__init__(name or snake_case(str(own)), dtype)
        self.fn, self.arguments = fn, kwargs
        if isinstance(fn, Loss) or isinstance(getattr(fn, "loss", None), type):
            self.direction = "down"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return what the function returns."""
        kind = getattr(self.fn, "loss", None)
        if isinstance(kind, type):  # whose rows let pass what is not finite
            return kind(**self.arguments).rows(y_true, y_pred)
        return np.asarray(self.fn(y_true, y_pred, **self.arguments))


class Wrapped(Metric):
    """Makes a Metric of an object that is not derived from it.

    Args:
        metric: has a name, and `values`, or Keras's `update_state`, `result`, `reset_state`.
    """

    kept_as: ClassVar = {"metric": None}

    @checked
    def __init__(self, metric: Any) -> None:
        super().__init__(str(metric.name))
        self.metric = metric
        self.direction = getattr(metric, "direction", getattr(metric, "_direction", None))

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the object's values."""
        return self.metric.values(y_true, y_pred)

    @checked
    def update_state(
        self, y_true: Numbers, y_pred: Numbers, sample_weight: Weighing | None = None
    ) -> None:
        """Let the object count one batch."""
        if hasattr(self.metric, "update_state"):
            self.metric.update_state(y_true, y_pred, sample_weight)
        else:
            super().update_state(y_true, y_pred, sample_weight)

    def result(self) -> Any:
        """Return the object's number."""
        return self.metric.result() if hasattr(self.metric, "update_state") else super().result()

    def reset_state(self) -> None:
        """Let the object forget all batches."""
        super().reset_state()
        if hasattr(self.metric, "update_state"):
            self.metric.reset_state()

    def get_state(self) -> dict[str, Any]:
        """Return the object's numbers beside one's own."""
        return {**super().get_state(), "metric": numbers_of(self.metric)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take back what `get_state` returned."""
        super().set_state(state)
        put_numbers(self.metric, state["metric"])
