"""Precision and recall as one number."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

import numpy as np

from npcnn.arguments import Numbers, checked
from npcnn.checks import ArgumentError, is_number, message, positive, shown
from npcnn.config import FloatType
from npcnn.metrics.base import Metric, Weighing, broadcast_weights, check_targets
from npcnn.variables import answer

Array = np.ndarray
EPSILON = 1e-7


def _threshold(value: Any, where: str) -> float:
    if is_number(value) and 0 < value <= 1:
        return float(value)
    raise ArgumentError(message(where, "above 0, at most 1", shown(value), "0.5 is usual"))


Average = Literal["micro", "macro", "weighted"]
Threshold = Annotated[float, _threshold]
Beta = Annotated[float, partial(positive, fix="1 is F1")]


class FBetaScore(Metric):
    """(1 + β²) · precision · recall / (β² · precision + recall), class by class.

    Args:
        average: None for one score a class, 'macro' for their mean, 'weighted' by how often a class
            is true, 'micro' for the score of all classes' counts.
        beta: how much more recall counts.
        threshold: an output above it is a yes; None takes the largest of each row.
        name, dtype: as all metrics have them.

    >>> y, p = np.array([[1, 0], [0, 1]]), np.array([[0.9, 0.1], [0.8, 0.2]])
    >>> FBetaScore("micro", beta=2.0)(y, p).__round__(4)
    0.5
    """

    direction = "up"

    @checked
    def __init__(
        self, average: Average | None = None, beta: Beta = 1.0, threshold: Threshold | None = None,
        name: str | None = "fbeta_score", dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        self.average, self.beta, self.threshold = average, beta, threshold
        self.counts: Array | None = None  # tp, fp, fn and weights, a class each

    @checked
    def update_state(
        self, y_true: Numbers, y_pred: Numbers, sample_weight: Weighing | None = None
    ) -> None:
        """Count one batch."""
        y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
        check_targets(y_true, y_pred.shape)
        if y_pred.ndim != 2:
            fix, where = "give rows of outputs", f"{type(self).__name__}(y_pred)"
            raise ArgumentError(message(where, "(n, classes)", str(y_pred.shape), fix))
        if self.threshold is None:
            yes = (y_pred >= y_pred.max(axis=-1, keepdims=True)) & (np.abs(y_pred) > 1e-9)
        else:
            yes = y_pred > self.threshold
        t = y_true.astype(np.float64)
        parts = np.array([yes * t, yes * (1 - t), ~yes * t, t])
        if sample_weight is not None:
            parts = parts * broadcast_weights(sample_weight, y_pred.shape)
        sums = parts.sum(axis=1)
        self.counts = sums if self.counts is None else self.counts + sums

    def result(self) -> Any:
        """Return the score, or one a class; 0.0 before the first batch."""
        if self.counts is None:
            return answer(0.0)
        counts = self.counts.sum(axis=1) if self.average == "micro" else self.counts
        tp, fp, fn, weights = counts
        precision, recall = tp / (tp + fp + EPSILON), tp / (tp + fn + EPSILON)
        squared = self.beta**2
        score = (1 + squared) * precision * recall / (squared * precision + recall + EPSILON)
        if self.average is None:
            return answer(score)
        if self.average == "weighted":
            return answer((score * weights / (weights.sum() + EPSILON)).sum())
        return answer(np.mean(score))

    def reset_state(self) -> None:
        """Forget all batches."""
        super().reset_state()
        self.counts = None

    def set_state(self, state: dict[str, Any]) -> None:
        """Take back what `get_state` returned."""
        self.reset_state()
        if state.get("counts") is not None:
            self.counts = np.array(state["counts"], np.float64)


class F1Score(FBetaScore):
    """2 · precision · recall / (precision + recall), class by class.

    Args:
        average, threshold, name, dtype: as in FBetaScore.

    >>> y, p = np.array([[1, 0], [0, 1]]), np.array([[0.9, 0.1], [0.8, 0.2]])
    >>> F1Score()(y, p).round(4)
    array([0.6667, 0.    ])
    """

    @checked
    def __init__(
        self, average: Average | None = None, threshold: Threshold | None = None,
        name: str | None = "f1_score", dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(average, 1.0, threshold, name, dtype)
