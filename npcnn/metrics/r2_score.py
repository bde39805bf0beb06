"""Which share of the targets' variance the outputs explain."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np

from npcnn.arguments import Count, Numbers, checked
from npcnn.checks import ArgumentError, NpcnnWarning, message
from npcnn.config import FloatType
from npcnn.metrics.base import Metric, Weighing, broadcast_weights, same_rank
from npcnn.variables import answer

Array = np.ndarray
Aggregation = Literal["uniform_average", "variance_weighted_average"]


class R2Score(Metric):
    """1 − Σ(t − y)² / Σ(t − mean t)² of each column of outputs, and their mean.

    Args:
        class_aggregation: None for one score a column, 'uniform_average' for their mean,
            'variance_weighted_average' by the columns' variances.
        num_regressors: p of the adjusted score 1 − (1 − R²)(n − 1) / (n − p − 1); 0 for R² itself.
        name, dtype: as all metrics have them.

    >>> R2Score()(np.array([[1], [4], [3]]), np.array([[2.0], [4.0], [4.0]])).__round__(4)
    0.5714
    """

    direction = "up"

    @checked
    def __init__(
        self, class_aggregation: Aggregation | None = "uniform_average",
        num_regressors: Count = 0, name: str | None = "r2_score", dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.sums: Array | None = None  # of w·t, w·t², w·(t − y)² and w, a column each
        self.num_samples = 0

    @checked
    def update_state(
        self, y_true: Numbers, y_pred: Numbers, sample_weight: Weighing | None = None
    ) -> None:
        """Count one batch."""
        y_true, y_pred = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
        if y_pred.ndim == 2 and y_true.ndim == 1:
            y_true = y_true[:, np.newaxis]
        if y_pred.ndim != 2:
            fix = "give rows of outputs"
            raise ArgumentError(message("R2Score(y_pred)", "(n, k)", str(y_pred.shape), fix))
        if y_true.shape != y_pred.shape:
            same_rank(y_true, y_pred)  # raises
        weights = np.ones(y_pred.shape)
        if sample_weight is not None:
            weights = broadcast_weights(sample_weight, y_pred.shape)
        weighted = y_true * weights
        errors = (y_true - y_pred) ** 2 * weights
        sums = np.array([weighted, y_true * weighted, errors, weights]).sum(axis=1)
        self.sums = sums if self.sums is None else self.sums + sums
        self.num_samples += y_true.size

    def result(self) -> Any:
        """Return the score, or one a column; 0.0 where nothing counts."""
        if self.sums is None or not self.sums[3].any():
            return answer(0.0)
        sums, squares, errors, weights = self.sums
        with np.errstate(all="ignore"):
            total = squares - sums * (sums / weights)
            scores = 1 - errors / total
            scores = np.where(np.isinf(scores), 0.0, scores)
            if self.class_aggregation == "uniform_average":
                scores = scores.mean()
            elif self.class_aggregation is not None:
                scores = (total * scores).sum() / total.sum()
        left = self.num_samples - self.num_regressors - 1
        if self.num_regressors and left <= 0:
            text = "R2Score: num_regressors is as large as the data; R² is not adjusted"
            warnings.warn(text, NpcnnWarning, stacklevel=2)
        elif self.num_regressors:
            scores = 1 - (1 - scores) * (self.num_samples - 1) / left
        return answer(scores)

    def reset_state(self) -> None:
        """Forget all batches."""
        super().reset_state()
        self.sums, self.num_samples = None, 0

    def set_state(self, state: dict[str, Any]) -> None:
        """Take back what `get_state` returned."""
        super().set_state(state)
        if state.get("sums") is not None:
            self.sums = np.array(state["sums"], np.float64)
