"""Numbers added up, or their mean: not of targets and outputs, but of whatever one hands in."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.arguments import checked
from npcnn.checks import DtypeError, message, shown
from npcnn.config import FloatType
from npcnn.metrics.base import Metric
from npcnn.variables import answer

Array = np.ndarray


class Mean(Metric):
    """The (weighted) mean of numbers: Σ w·v / Σ w.

    Args:
        name, dtype: as all metrics have them.

    Raises:
        DtypeError: what is handed in is no number, and no array of such.

    >>> loss = Mean()
    >>> loss.update_state([1, 3, 5, 7])
    >>> loss(9.0), loss([4.0, 9.0], sample_weight=[1, 0])
    (5.0, 4.833333333333333)
    """

    @checked
    def __init__(self, name: str | None = "mean", dtype: FloatType | None = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Count numbers: one, or an array of them, each of which has a weight or goes by its row's.

        Args:
            values: (N, …), or a number.
            sample_weight: (N,), or as many axes as the values begin with; None for 1.
        """
        where = f"{type(self).__name__}.update_state"
        self.add_up(_numbers(values, f"{where}(values)"), _weights(sample_weight, where))

    def __call__(self, values: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        """Count numbers and return the result so far."""
        self.update_state(values, sample_weight)
        return self.result()


class Sum(Mean):
    """The (weighted) sum of numbers: Σ w·v.

    Args:
        name, dtype: as all metrics have them.

    >>> Sum()([1, 3, 5, 7], sample_weight=[1, 1, 0, 0])
    4.0
    """

    @checked
    def __init__(self, name: str | None = "sum", dtype: FloatType | None = None) -> None:
        super().__init__(name, dtype)

    def result(self) -> Any:
        """Return the sum since `reset_state`."""
        return answer(self.total)


def _numbers(values: Any, where: str) -> Array:
    try:
        array = np.asarray(values)
    except ValueError:  # rows of different lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "fiub":
        fix = "give a number or an array"
        raise DtypeError(message(where, "numbers", shown(values), fix))
    return array


def _weights(given: Any, where: str) -> Array | None:
    return None if given is None else _numbers(given, f"{where}(sample_weight)")
