"""Counts of right and wrong answers on either side of a threshold, and what is made of them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np

from npcnn.arguments import Count, Numbers, PositiveInt, checked
from npcnn.checks import ArgumentError, is_number, message, shown
from npcnn.config import FloatType
from npcnn.metrics.base import Metric, Weighing, broadcast_weights, same_rank
from npcnn.variables import answer

Array = np.ndarray


def threshold_list(value: Any, where: str) -> list[float] | float | None:
    """Return one threshold, several, or None, or raise ArgumentError."""
    listed = value if isinstance(value, (list, tuple)) else [value]
    if value is None:
        return None
    if not listed or not all(is_number(v) and 0 <= v <= 1 for v in listed):
        fix = "0.5 is usual"
        raise ArgumentError(message(where, "numbers from 0 to 1", shown(value), fix))
    return [float(v) for v in listed] if isinstance(value, (list, tuple)) else float(value)


Thresholds = Annotated[Any, threshold_list]


def confusion(
    y_true: Array, y_pred: Array, thresholds: Array, weights: Array
) -> tuple[Array, Array, Array, Array]:
    """Return (true positives, false positives, true negatives, false negatives), a threshold each.

    Args:
        y_true: (n,), 0 or 1.
        y_pred: (n,); an output above a threshold is a yes.
        thresholds: (t,), in any order.
        weights: (n,).

    >>> [int(c[0]) for c in confusion(*np.array([[1, 0], [0.7, 0.6]]), np.array([0.5]), np.ones(2))]
    [1, 1, 0, 0]
    """
    y_pred = y_pred if y_pred.dtype.kind == "f" else y_pred.astype(np.float64)
    order = np.argsort(thresholds, kind="stable")
    below = np.searchsorted(thresholds[order].astype(y_pred.dtype), y_pred, side="left")
    right = y_true.astype(bool)
    counts = []
    for chosen in (right, ~right):
        steps = np.bincount(below[chosen], weights[chosen], minlength=len(order) + 1)
        no = np.empty(len(order))
        no[order] = np.cumsum(steps)[:-1]  # at or below each threshold
        counts.append((steps.sum() - no, no))
    (tp, fn), (fp, tn) = counts
    return tp, fp, tn, fn


class ConfusionCounts(Metric):
    """Base: the four counts at one threshold or several, in `counts` (4, thresholds).

    Args:
        thresholds: what an output must be above; None is 0.5.
        top_k: count only the k largest outputs of a row.
        class_id: look at one column of the outputs.
        name, dtype: as all metrics have them.
    """

    kept_as: ClassVar = {"thresholds": "init_thresholds"}

    @checked
    def __init__(
        self, thresholds: Thresholds = None, top_k: PositiveInt | None = None,
        class_id: Count | None = None, name: str | None = None, dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        self.init_thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        usual = 0.5 if top_k is None else -np.inf
        listed = (
            thresholds
            if isinstance(thresholds, list)
            else [usual if thresholds is None else thresholds]
        )
        self.thresholds = np.array(listed, np.float64)
        self.counts = self.add_variable((4, len(self.thresholds)), name="counts")

    @checked
    def update_state(
        self, y_true: Numbers, y_pred: Numbers, sample_weight: Weighing | None = None
    ) -> None:
        """Count one batch."""
        y_true, y_pred = same_rank(np.asarray(y_true), np.asarray(y_pred))
        weights = np.ones(y_pred.shape)
        if sample_weight is not None:
            weights = broadcast_weights(sample_weight, y_pred.shape)
        if self.top_k is not None:
            kept = np.argsort(-y_pred, axis=-1, kind="stable")[..., : self.top_k]
            out: Array = np.full(y_pred.shape, -np.inf)
            np.put_along_axis(out, kept, np.take_along_axis(y_pred, kept, -1), -1)
            y_pred = out
        if self.class_id is not None:
            if self.class_id >= y_pred.shape[-1]:
                where, got = f"{type(self).__name__}(class_id)", str(self.class_id)
                expected = f"a column below {y_pred.shape[-1]}"
                raise ArgumentError(message(where, expected, got, "count from 0"))
            parts = (y_true, y_pred, weights)
            y_true, y_pred, weights = (a[..., self.class_id] for a in parts)
        y, p, w = (a.ravel() for a in np.broadcast_arrays(y_true, y_pred, weights))
        self.counts.assign_add(confusion(y, p, self.thresholds, w))

    def of(self, counts: Array) -> Array:
        """Return the result from (tp, fp, tn, fn)."""
        raise NotImplementedError

    def result(self) -> Any:
        """Return one number, or one a threshold if there are several."""
        result = self.of(self.counts.numpy())
        return answer(result[0] if len(result) == 1 else result)


class _Count(ConfusionCounts):
    """Base: one of the four counts."""

    place = 0

    @checked
    def __init__(
        self, thresholds: Thresholds = None, name: str | None = None, dtype: FloatType | None = None
    ) -> None:
        super().__init__(thresholds, name=name, dtype=dtype)

    def of(self, counts: Array) -> Array:
        """Return the count."""
        return counts[self.place]


class TruePositives(_Count):
    """How many targets of 1 have an output above the threshold.

    Args:
        thresholds: one, or several in a list, each of which has its count; None is 0.5.
        name, dtype: as all metrics have them.

    >>> TruePositives()([0, 1, 1, 1], [1, 0, 1, 1])
    2.0
    """

    place = 0


class FalsePositives(_Count):
    """How many targets of 0 have an output above the threshold.

    Args:
        thresholds: one, or several in a list, each of which has its count; None is 0.5.
        name, dtype: as all metrics have them.

    >>> FalsePositives()([0, 1, 0, 0], [0, 0, 1, 1])
    2.0
    """

    place = 1


class TrueNegatives(_Count):
    """How many targets of 0 have an output at or below the threshold.

    Args:
        thresholds: one, or several in a list, each of which has its count; None is 0.5.
        name, dtype: as all metrics have them.

    >>> TrueNegatives()([0, 1, 0, 0], [1, 1, 0, 0])
    2.0
    """

    place = 2


class FalseNegatives(_Count):
    """How many targets of 1 have an output at or below the threshold.

    Args:
        thresholds: one, or several in a list, each of which has its count; None is 0.5.
        name, dtype: as all metrics have them.

    >>> FalseNegatives()([0, 1, 1, 1], [0, 1, 0, 0])
    2.0
    """

    place = 3


class Precision(ConfusionCounts):
    """Which share of the outputs above the threshold is right: tp / (tp + fp).

    Args:
        thresholds: one, or several in a list, each of which has its number; None is 0.5.
        top_k: only the k largest outputs of a row count.
        class_id: only this column of the outputs counts.
        name, dtype: as all metrics have them.

    Raises:
        ArgumentError: outputs have no such column.

    >>> Precision()([0, 1, 1, 1], [1, 0, 1, 1])
    0.6666666666666666
    """

    direction = "up"

    def of(self, counts: Array) -> Array:
        """Return tp / (tp + fp), 0 where nothing is above."""
        tp, fp, _, _ = counts
        return quotient(tp, tp + fp)


class Recall(ConfusionCounts):
    """Which share of the targets of 1 has an output above the threshold: tp / (tp + fn).

    Args:
        thresholds: one, or several in a list, each of which has its number; None is 0.5.
        top_k: only the k largest outputs of a row count.
        class_id: only this column of the outputs counts.
        name, dtype: as all metrics have them.

    Raises:
        ArgumentError: outputs have no such column.

    >>> Recall()([0, 1, 1, 1], [1, 0, 1, 1])
    0.6666666666666666
    """

    direction = "up"

    def of(self, counts: Array) -> Array:
        """Return tp / (tp + fn), 0 where no target is 1."""
        tp, _, _, fn = counts
        return quotient(tp, tp + fn)


def quotient(a: Array, b: Array) -> Array:
    """Return a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b != 0)
