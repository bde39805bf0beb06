"""How far outputs go with targets, row by row."""

from __future__ import annotations

import numpy as np

from npcnn.arguments import checked
from npcnn.config import FloatType
from npcnn.losses.base import LastAxis
from npcnn.metrics.base import Metric, check_targets

Array = np.ndarray


class PearsonCorrelation(Metric):
    """Mean of the rows' correlations cov(t, y) / √(var t · var y): 1 where y rises just as t does.

    Args:
        name, dtype: as all metrics have them.
        axis: -1, of the rows.

    >>> PearsonCorrelation()([[0, 1, 0.5]], [[0.1, 0.7, 0.5]]).__round__(4)
    0.982
    """

    direction = "up"

    @checked
    def __init__(
        self, name: str | None = "pearson_correlation", dtype: FloatType | None = None,
        axis: LastAxis = -1,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        self.axis = axis

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return each row's correlation; not a number for a row of equal numbers."""
        t, y = (_centered(part) for part in _rows(y_true, y_pred))
        with np.errstate(all="ignore"):
            scaled = t / t.std(axis=-1, keepdims=True), y / y.std(axis=-1, keepdims=True)
        return (scaled[0] * scaled[1]).mean(axis=-1)


class ConcordanceCorrelation(PearsonCorrelation):
    """Mean of the rows' 2 cov(t, y) / (var t + var y + (mean t − mean y)²): 1 where y equals t.

    In Keras's arithmetic, where the covariance has t − mean y for t − mean t.

    Args:
        name, dtype, axis: as in PearsonCorrelation.

    >>> ConcordanceCorrelation()([[0, 1, 0.5]], [[0.1, 0.9, 0.5]]).__round__(4)
    0.9756
    """

    @checked
    def __init__(
        self, name: str | None = "concordance_correlation", dtype: FloatType | None = None,
        axis: LastAxis = -1,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype, axis)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return each row's correlation."""
        t, y = _rows(y_true, y_pred)
        mean_t, mean_y = t.mean(axis=-1, keepdims=True), y.mean(axis=-1, keepdims=True)
        variances = t.var(axis=-1, keepdims=True) + y.var(axis=-1, keepdims=True)
        shared = (t - mean_y) * (y - mean_y)
        return (2 * shared / (variances + (mean_t - mean_y) ** 2 + 1e-7)).mean(axis=-1)


def _rows(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Return targets and outputs as floats of one shape, or raise ArgumentError."""
    y = y_pred if y_pred.dtype.kind == "f" else y_pred.astype(np.float64)
    t = y_true.astype(y.dtype)
    if t.ndim == y.ndim - 1 and y.shape[-1] == 1:
        t = t[..., np.newaxis]
    check_targets(t, y.shape)
    return t, y


def _centered(part: Array) -> Array:
    return part - part.mean(axis=-1, keepdims=True)


CLASSES = (PearsonCorrelation, ConcordanceCorrelation)
