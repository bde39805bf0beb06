"""The best of one rate among the thresholds at which another one is high enough."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import numpy as np

from npcnn.arguments import Count, checked, up_to_one
from npcnn.checks import positive_int
from npcnn.config import FloatType
from npcnn.metrics.confusion import ConfusionCounts, quotient
from npcnn.variables import answer

Array = np.ndarray


Share = Annotated[float, partial(up_to_one, fix="0.5 is one")]
Some = Annotated[int, partial(positive_int, most=10_000)]


class BestRate(ConfusionCounts):
    """Base: counts at thresholds that lie evenly from 0 to 1.

    Args:
        value: what the rate in `least` must reach.
        num_thresholds: how many are tried.
        class_id: look at one column of the outputs.
        name, dtype: as all metrics have them.

    Attributes:
        least: the name of the rate that must be as high as the value, and of its argument.
        best: the name of the rate that is looked for.
    """

    direction = "up"
    least = best = ""

    @checked
    def __init__(
        self, value: Share, num_thresholds: Some = 200, class_id: Count | None = None,
        name: str | None = None, dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        even = (
            [k / (num_thresholds - 1) for k in range(num_thresholds)] if num_thresholds > 1 else []
        )
        super().__init__(even or [0.5], None, class_id, name, dtype)
        self.num_thresholds = num_thresholds
        setattr(self, self.least, value)

    def result(self) -> Any:
        """Return the highest rate; 0.0 where none of the thresholds will do."""
        tp, fp, tn, fn = self.counts.numpy()
        rates = {
            "recall": quotient(tp, tp + fn), "sensitivity": quotient(tp, tp + fn),
            "precision": quotient(tp, tp + fp), "specificity": quotient(tn, tn + fp),
        }  # fmt: skip
        wanted = np.float32(getattr(self, self.least))
        enough = rates[self.least].astype(np.float32) >= wanted
        return answer(np.where(enough, rates[self.best], 0).max())


class SensitivityAtSpecificity(BestRate):
    """The largest tp / (tp + fn) at a threshold where tn / (tn + fp) is at least `specificity`.

    Args:
        specificity: from 0 to 1.
        num_thresholds, class_id, name, dtype: as in `BestRate`.

    >>> SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    0.5
    """

    least, best = "specificity", "sensitivity"

    @checked
    def __init__(
        self, specificity: Share, num_thresholds: Some = 200, class_id: Count | None = None,
        name: str | None = None, dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(BestRate):
    """The largest tn / (tn + fp) at a threshold where tp / (tp + fn) is at least `sensitivity`.

    Args:
        sensitivity: from 0 to 1.
        num_thresholds, class_id, name, dtype: as in `BestRate`.

    >>> SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]).__round__(4)
    0.6667
    """

    least, best = "sensitivity", "specificity"

    @checked
    def __init__(
        self, sensitivity: Share, num_thresholds: Some = 200, class_id: Count | None = None,
        name: str | None = None, dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(BestRate):
    """The largest tp / (tp + fp) at a threshold where tp / (tp + fn) is at least `recall`.

    Args:
        recall: from 0 to 1.
        num_thresholds, class_id, name, dtype: as in `BestRate`.

    >>> PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    0.5
    """

    least, best = "recall", "precision"

    @checked
    def __init__(
        self, recall: Share, num_thresholds: Some = 200, class_id: Count | None = None,
        name: str | None = None, dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(BestRate):
    """The largest tp / (tp + fn) at a threshold where tp / (tp + fp) is at least `precision`.

    Args:
        precision: from 0 to 1.
        num_thresholds, class_id, name, dtype: as in `BestRate`.

    >>> RecallAtPrecision(0.8)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    0.5
    """

    least, best = "precision", "recall"

    @checked
    def __init__(
        self, precision: Share, num_thresholds: Some = 200, class_id: Count | None = None,
        name: str | None = None, dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(precision, num_thresholds, class_id, name, dtype)


CLASSES = (
    SensitivityAtSpecificity, SpecificityAtSensitivity, PrecisionAtRecall, RecallAtPrecision,
)  # fmt: skip
