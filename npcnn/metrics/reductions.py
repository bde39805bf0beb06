"""Numbers added up, or their mean: not of targets and outputs, but of whatever one hands in."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from npcnn.arguments import checked
from npcnn.checks import as_numbers
from npcnn.metrics.base import Metric, Weighing
from npcnn.variables import answer

Array = np.ndarray


def _numbers(value: Any, where: str) -> Array:
    """Return one number, or an array of them, as an array; NaN among them is NaN in the result."""
    one = isinstance(value, (int, float, np.number, np.bool_)) or getattr(value, "shape", 1) == ()
    given = as_numbers([value] if one else value, where)
    return given.reshape(()) if one else given


Values = Annotated[Any, _numbers]


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

    own_name = "mean"

    @checked
    def update_state(  # type: ignore[override]
        self, values: Values, sample_weight: Weighing | None = None
    ) -> None:
        """Count numbers: one, or an array of them, each of which has a weight or goes by its row's.

        Args:
            values: (N, …), or a number.
            sample_weight: (N,), or as many axes as the values begin with; None for 1.
        """
        self.add_up(values, sample_weight)

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

    own_name = "sum"

    def result(self) -> Any:
        """Return the sum since `reset_state`."""
        return answer(self.total)
