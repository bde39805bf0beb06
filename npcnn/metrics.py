"""What a run reports beside the loss, and the running means it is reported as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import names
from npcnn.arguments import checked
from npcnn.checks import one_of

__all__ = ["Accuracy", "get"]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)

Array = np.ndarray


class Accuracy:
    """The share of samples whose largest output is the true class.

    Targets may be one-hot rows or labels; the shape tells which.

    Args:
        name: how it is printed and kept in the history.

    >>> Accuracy().values(np.array([1, 1]), np.array([[0.2, 0.8], [0.9, 0.1]]))
    array([ True, False])
    """

    @checked
    def __init__(self, name: str = "accuracy") -> None:
        self.name = name

    def values(self, y: Array, outputs: Array) -> Array:
        """Return whether each row is right."""
        labels = y.argmax(axis=-1) if y.ndim == outputs.ndim else y
        return outputs.argmax(axis=-1) == labels


NAMES = ("accuracy", "acc", "categorical_accuracy", "sparse_categorical_accuracy")


def get(identifier: Any, where: str = "compile(metrics)") -> Any:
    """Return the metric named, or the object itself if it has a name and `values`.

    >>> get("accuracy").name
    'accuracy'
    """
    if callable(getattr(identifier, "values", None)) and hasattr(identifier, "name"):
        return identifier
    return Accuracy(one_of(identifier, NAMES, where))


class RunningMean:
    """Means over the samples seen so far, each batch counting by its size.

    >>> mean = RunningMean(["loss"])
    >>> mean.add([4.0], 2)
    >>> mean.add([1.0], 1)
    >>> mean.result()
    {'loss': 3.0}
    """

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.totals = [0.0] * len(names)
        self.count = 0

    def add(self, batch_means: list[float], size: int) -> None:
        """Count one batch of `size` samples."""
        for i, value in enumerate(batch_means):
            self.totals[i] += value * size
        self.count += size

    def result(self) -> dict[str, float]:
        """Return name → mean; 0.0 before the first batch."""
        count = max(self.count, 1)
        return {name: total / count for name, total in zip(self.names, self.totals, strict=True)}
