"""How often the largest output is the right one."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.arguments import checked
from npcnn.checks import one_of
from npcnn.metrics.base import Metric, numbers_of, put_numbers

Array = np.ndarray


class Accuracy(Metric):
    """The share of samples whose largest output is the true class.

    Targets may be one-hot rows or labels; the shape tells which.

    Args:
        name: how it is printed and kept in the history.

    >>> Accuracy().values(np.array([1, 1]), np.array([[0.2, 0.8], [0.9, 0.1]]))
    array([ True, False])
    """

    direction = "up"

    @checked
    def __init__(self, name: str = "accuracy") -> None:
        super().__init__(name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether each row is right."""
        labels = y_true.argmax(axis=-1) if y_true.ndim == y_pred.ndim else y_true
        return y_pred.argmax(axis=-1) == labels


NAMES = ("accuracy", "acc", "categorical_accuracy", "sparse_categorical_accuracy")


class Wrapped(Metric):
    """Makes a Metric of an object that is not derived from it.

    Args:
        metric: has a name, and `values`, or Keras's `update_state`, `result`, `reset_state`.
    """

    def __init__(self, metric: Any) -> None:
        super().__init__(str(metric.name))
        self.metric = metric
        self.direction = getattr(metric, "direction", getattr(metric, "_direction", None))

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the object's values."""
        return self.metric.values(y_true, y_pred)

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Any = None) -> None:
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


def get(identifier: Any, where: str = "compile(metrics)") -> Any:
    """Return the metric named, or the object itself if it is one.

    >>> get("accuracy").name
    'accuracy'
    """
    if isinstance(identifier, Metric):
        return identifier
    own = any(callable(getattr(identifier, name, None)) for name in ("values", "update_state"))
    if own and hasattr(identifier, "name") and not isinstance(identifier, type):
        return Wrapped(identifier)
    return Accuracy(one_of(identifier, NAMES, where))
