"""How often the outputs are right, in the senses that Keras has names for."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import numpy as np

from npcnn.arguments import PositiveInt, checked
from npcnn.checks import ArgumentError, message, number
from npcnn.config import FloatType
from npcnn.metrics.base import Metric, check_targets, same_rank

Array = np.ndarray
Threshold = Annotated[float, partial(number, most=1e30)]  # float32 has it


class Accuracy(Metric):
    """How often outputs are equal to targets, number by number; for probabilities: 'accuracy'.

    >>> Accuracy()([1, 2, 3], [1, 2, 4])
    0.6666666666666666
    """

    direction, own_name = "up", "accuracy"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether each number is equal."""
        y_true, y_pred = same_rank(y_true, y_pred)
        return y_true == y_pred


class BinaryAccuracy(Metric):
    """How often an output lies on its target's side of a threshold; targets are 0 or 1.

    Args:
        name, dtype: as all metrics have them.
        threshold: outputs above it count as 1.

    >>> BinaryAccuracy()([1, 0, 0], [0.7, 0.6, 0.2])
    0.6666666666666666
    """

    direction = "up"

    @checked
    def __init__(
        self,
        name: str = "binary_accuracy",
        dtype: FloatType | None = None,
        threshold: Threshold = 0.5,
    ) -> None:
        super().__init__(name, dtype)
        self.threshold = threshold

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether each number is on the right side."""
        y_true, y_pred = same_rank(y_true, y_pred)
        return y_true == (y_pred > self.threshold)


class CategoricalAccuracy(Metric):
    """How often the largest output is the true class; targets are one-hot rows.

    >>> CategoricalAccuracy()([[0, 1], [1, 0]], [[0.2, 0.8], [0.1, 0.9]])
    0.5
    """

    direction, own_name = "up", "categorical_accuracy"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether each row is right."""
        check_targets(y_true, y_pred.shape)
        return y_pred.argmax(axis=-1) == y_true.argmax(axis=-1)


class SparseCategoricalAccuracy(Metric):
    """How often the largest output is the true class; targets are labels.

    >>> SparseCategoricalAccuracy()([1, 1], [[0.2, 0.8], [0.9, 0.1]])
    0.5
    """

    direction, own_name = "up", "sparse_categorical_accuracy"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether each row is right."""
        return y_pred.argmax(axis=-1) == _labels(y_true, y_pred)


class TopKCategoricalAccuracy(Metric):
    """How often the true class is among the k largest outputs; targets are one-hot rows.

    Args:
        k: how many outputs are looked at.
        name, dtype: as all metrics have them.

    >>> TopKCategoricalAccuracy(k=2)([[0, 0, 1]], [[0.1, 0.6, 0.3]])
    1.0
    """

    direction = "up"

    @checked
    def __init__(
        self,
        k: PositiveInt = 5,
        name: str = "top_k_categorical_accuracy",
        dtype: FloatType | None = None,
    ) -> None:
        super().__init__(name, dtype)
        self.k = k

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether each row is right."""
        check_targets(y_true, y_pred.shape)
        return _in_top_k(y_true.argmax(axis=-1), y_pred, self.k)


class SparseTopKCategoricalAccuracy(Metric):
    """How often the true class is among the k largest outputs; targets are labels.

    Args:
        k: how many outputs are looked at.
        name, dtype: as all metrics have them.
        from_sorted_ids: whether outputs are class numbers, the most probable first.

    >>> SparseTopKCategoricalAccuracy(k=2)([2], [[0.1, 0.6, 0.3]])
    1.0
    """

    direction = "up"

    @checked
    def __init__(
        self, k: PositiveInt = 5, name: str = "sparse_top_k_categorical_accuracy",
        dtype: FloatType | None = None, from_sorted_ids: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        self.k, self.from_sorted_ids = k, from_sorted_ids

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether each row is right."""
        labels = _labels(y_true, y_pred)
        if self.from_sorted_ids:
            return (labels[..., None] == y_pred[..., : self.k]).any(axis=-1)
        return _in_top_k(labels, y_pred, self.k)


class AccuracyByShape(Metric):
    """What 'accuracy' names: binary, categorical or for labels, as the shapes tell.

    One output a sample is binary; targets without the outputs' last axis, or with 1 there, are
    labels; others are one-hot rows.

    >>> AccuracyByShape()([1, 1], [[0.2, 0.8], [0.9, 0.1]])
    0.5
    """

    direction, own_name = "up", "accuracy"
    _kinds = BinaryAccuracy(), SparseCategoricalAccuracy(), CategoricalAccuracy()

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether each row is right."""
        binary, sparse, one_hot = self._kinds
        if y_pred.ndim < 2 or y_pred.shape[-1] == 1:
            return binary.values(y_true, y_pred)
        few = y_true.ndim < y_pred.ndim or y_true.shape[-1] == 1
        return (sparse if few else one_hot).values(y_true, y_pred)


def _labels(y_true: Array, y_pred: Array) -> Array:
    """Return labels without a last axis of 1."""
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = y_true[..., 0]
    check_targets(y_true, y_pred.shape[:-1])
    return y_true


def _in_top_k(labels: Array, y_pred: Array, k: int) -> Array:
    """Return whether fewer than k outputs of each row are larger than the true class's."""
    classes = y_pred.shape[-1]
    if not ((labels >= 0) & (labels < classes)).all():
        got = f"{labels.min()} to {labels.max()}"
        expected = f"labels from 0 to {classes - 1}"
        raise ArgumentError(message("the metric's y_true", expected, got, "mend that label"))
    own = np.take_along_axis(y_pred, labels.astype(np.int64)[..., None], axis=-1)
    return (y_pred > own).sum(axis=-1) < k
