"""Areas under the curves that counts at many thresholds draw."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from npcnn.arguments import Numbers, checked
from npcnn.checks import ArgumentError, as_numbers, message, one_of, positive_int, shown
from npcnn.config import FloatType
from npcnn.metrics.base import Metric, Weighing, broadcast_weights, same_rank
from npcnn.metrics.confusion import Thresholds, confusion, quotient
from npcnn.variables import answer

Array = np.ndarray
EPSILON = 1e-7  # beyond 0 and 1, so that every output lies between the ends


def _label_weights(value: Any, where: str) -> list[float]:
    """Return one weight a column, or raise ArgumentError."""
    array = as_numbers(value, where)
    if array.ndim != 1 or not np.isfinite(array).all() or (array < 0).any() or not array.any():
        fix = "give a number a column"
        raise ArgumentError(message(where, "weights ≥ 0, not all 0", shown(value), fix))
    return [float(weight) for weight in array]


Some = Annotated[int, partial(positive_int, most=10_000)]
LabelWeights = Annotated[Any, _label_weights]


class AUC(Metric):
    """Area under the curve of true over false positives (ROC), or of precision over recall (PR).

    Args:
        num_thresholds: at how many thresholds the curve is known, evenly from 0 to 1.
        curve: 'ROC' or 'PR'.
        summation_method: 'interpolation', 'minoring' or 'majoring', the heights between two points.
        name, dtype: as all metrics have them.
        thresholds: these instead, 0 and 1 are added.
        multi_label: whether each column has its own curve.
        num_labels: how many columns; without it the first batch says so.
        label_weights: of the columns in the mean; not known for one curve.
        from_logits: whether a sigmoid is still to be taken of the outputs.

    Source: Davis and Goadrich, "The Relationship Between Precision-Recall and ROC Curves" (2006),
    for the interpolation of PR, as in Keras.

    >>> AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    0.75
    """

    direction = "up"
    kept_as: ClassVar = {"thresholds": "init_thresholds"}

    @checked
    def __init__(
        self, num_thresholds: Some = 200, curve: str = "ROC",
        summation_method: Literal["interpolation", "minoring", "majoring"] = "interpolation",
        name: str | None = None, dtype: FloatType | None = None, thresholds: Thresholds = None,
        multi_label: bool = False, num_labels: Some | None = None,
        label_weights: LabelWeights | None = None, from_logits: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        columns = len(label_weights or ())
        if multi_label and columns and num_labels not in (None, columns):
            fix, got = "give a number a column", str(columns)
            where = "AUC(label_weights)"
            raise ArgumentError(message(where, f"{num_labels} weights", got, fix))
        if thresholds is None and num_thresholds < 2:
            fix = "200 is usual"
            raise ArgumentError(message("AUC(num_thresholds)", "2 or more", "1", fix))
        self.curve = one_of(curve.upper(), ("ROC", "PR"), "AUC(curve)")
        self.summation_method = summation_method
        self.multi_label, self.num_labels = multi_label, num_labels
        self.label_weights, self.from_logits = label_weights, from_logits
        self.init_thresholds = thresholds
        inner = np.arange(1, num_thresholds - 1) / (num_thresholds - 1)
        if thresholds is not None:
            inner = np.sort(np.atleast_1d(thresholds))
        self.thresholds = np.array([-EPSILON, *inner, 1 + EPSILON])
        self.num_thresholds = len(self.thresholds)
        self._count(num_labels or 1)

    def _count(self, columns: int) -> None:
        self.counts = self.add_variable((columns, 4, self.num_thresholds), name="counts")

    @checked
    def update_state(
        self, y_true: Numbers, y_pred: Numbers, sample_weight: Weighing | None = None
    ) -> None:
        """Count one batch."""
        y_true, y_pred = same_rank(np.asarray(y_true), np.asarray(y_pred))
        if self.from_logits:
            y_pred = 1 / (1 + np.exp(-y_pred))
        weights = np.ones(y_pred.shape)
        if sample_weight is not None:
            weights = broadcast_weights(sample_weight, y_pred.shape)
        columns = [np.broadcast_to(a, y_pred.shape) for a in (y_true, y_pred, weights)]
        width = 1
        if self.multi_label:
            width = self.num_labels or (y_pred.shape[-1] if y_pred.ndim > 1 else 1)
        if width != len(self.counts.numpy()):
            self._first(width)
        columns = [a.reshape(-1, width) for a in columns]
        for k in range(columns[0].shape[1]):
            y, p, w = (a[:, k] for a in columns)
            self.counts.value[k] += confusion(y, p, self.thresholds, w)

    def _first(self, width: int) -> None:
        """Have as many curves as the first batch has columns."""
        where, fix = "AUC.update_state(y_pred)", "make another AUC"
        if self.counts.numpy().any() or self.num_labels is not None:
            had = len(self.counts.numpy())
            raise ArgumentError(message(where, f"{had} columns", str(width), fix))
        if self.label_weights is not None and len(self.label_weights) != width:
            expected, fix = f"{len(self.label_weights)} columns", "give label_weights as many"
            raise ArgumentError(message(where, expected, str(width), fix))
        self._count(width)

    def result(self) -> float:
        """Return the area; with multi_label, the mean of the columns'."""
        areas = [self._area(*counts) for counts in self.counts.numpy()]
        weights = self.label_weights if len(areas) > 1 else None
        return answer(np.average(areas, weights=weights))

    def _area(self, tp: Array, fp: Array, tn: Array, fn: Array) -> float:
        if self.curve == "PR" and self.summation_method == "interpolation":
            return _interpolated(tp, fp, fn)
        recall = quotient(tp, tp + fn)
        x, y = (quotient(fp, fp + tn), recall)
        if self.curve == "PR":
            x, y = recall, quotient(tp, tp + fp)
        left, right = y[:-1], y[1:]
        heights = {
            "interpolation": (left + right) / 2,
            "minoring": np.minimum(left, right),
            "majoring": np.maximum(left, right),
        }
        return float(((x[:-1] - x[1:]) * heights[self.summation_method]).sum())


def _interpolated(tp: Array, fp: Array, fn: Array) -> float:
    """Return the area under precision over recall, tp rising linearly between two points."""
    positives = tp + fp
    rise = tp[:-1] - tp[1:]
    slope = quotient(rise, np.maximum(positives[:-1] - positives[1:], 0))
    intercept = tp[1:] - slope * positives[1:]
    both = (positives[:-1] > 0) & (positives[1:] > 0)
    ratio = np.where(both, quotient(positives[:-1], np.maximum(positives[1:], 0)), 1.0)
    grown = slope * (rise + intercept * np.log(ratio))
    return float(quotient(grown, np.maximum(tp[1:] + fn[1:], 0)).sum())
