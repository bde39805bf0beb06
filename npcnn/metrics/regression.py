"""How far outputs are from targets."""

from __future__ import annotations

import math

import numpy as np

from npcnn.metrics.base import Metric, same_rank
from npcnn.variables import answer

Array = np.ndarray


class MeanSquaredError(Metric):
    """Mean of (target − output)² over all numbers.

    >>> MeanSquaredError()([[0, 1]], [[0.5, 1.0]])
    0.125
    """

    direction, own_name = "down", "mean_squared_error"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return each sample's mean square, or each number's if a sample is one."""
        y_true, y_pred = same_rank(y_true, y_pred)
        return ((y_pred - y_true) ** 2).mean(axis=-1)


class RootMeanSquaredError(Metric):
    """Root of the mean of (target − output)² over all numbers.

    >>> RootMeanSquaredError()([[0, 1]], [[3.0, 5.0]])
    3.5355339059327378
    """

    direction, own_name = "down", "root_mean_squared_error"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return each number's square."""
        y_true, y_pred = same_rank(y_true, y_pred)
        return (y_pred - y_true) ** 2

    def result(self) -> float:
        """Return the root of the mean."""
        return answer(math.sqrt(super().result()))


class MeanAbsoluteError(Metric):
    """Mean of |target − output| over all numbers.

    >>> MeanAbsoluteError()([[0, 1]], [[0.5, 1.0]])
    0.25
    """

    direction, own_name = "down", "mean_absolute_error"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return each sample's mean distance, or each number's if a sample is one."""
        y_true, y_pred = same_rank(y_true, y_pred)
        return np.abs(y_pred - y_true).mean(axis=-1)
