"""Losses as metrics: the mean of what the loss of the same name says of each row."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn import losses
from npcnn.arguments import Fraction, checked
from npcnn.config import FloatType
from npcnn.losses.base import LastAxis
from npcnn.metrics.base import Metric

Array = np.ndarray


class LossMetric(Metric):
    """Base: names a loss, and by what the metric is called.

    Attributes:
        kind: the loss's class.
        sign: −1 where the metric is the loss with the other sign.
    """

    kind: type[losses.Loss]
    direction = "down"
    sign = 1

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Take the loss's name, if the class has no other."""
        if "kind" in vars(cls):
            cls.own_name = vars(cls).get("own_name") or cls.kind.default_name
        super().__init_subclass__(**kwargs)

    @checked
    def __init__(
        self, name: str | None = None, dtype: FloatType | None = None, **options: Any
    ) -> None:
        super().__init__(name or None, dtype)
        self.options = options
        self.loss = self.kind(**options)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return each row's loss; one of all, if a sample is a number."""
        if y_pred.ndim == 1:
            y_true, y_pred = y_true.reshape(1, -1), y_pred[np.newaxis]
        return self.sign * self.loss.rows(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"name": self.name, **self.options}


class MeanAbsolutePercentageError(LossMetric):
    """Mean of 100 · |target − output| / |target|.

    >>> MeanAbsolutePercentageError()(np.array([[2.0, 1.0]]), np.array([[1.0, 1.0]]))
    25.0
    """

    kind = losses.MeanAbsolutePercentageError


class MeanSquaredLogarithmicError(LossMetric):
    """Mean of (log(1 + target) − log(1 + output))².

    >>> round(MeanSquaredLogarithmicError()(np.array([[1.0, 0.0]]), np.zeros((1, 2))), 4)
    0.2402
    """

    kind = losses.MeanSquaredLogarithmicError


class LogCoshError(LossMetric):
    """Mean of log cosh(output − target).

    >>> round(LogCoshError()(np.zeros((1, 2)), np.array([[1.0, 0.0]])), 4)
    0.2169
    """

    kind, own_name = losses.LogCosh, "logcosh"


class CosineSimilarity(LossMetric):
    """Mean of the cosine between targets and outputs: 1 where they point one way.

    >>> CosineSimilarity()(np.array([[0.0, 2.0]]), np.array([[3.0, 4.0]]))
    0.8
    """

    kind, direction, sign = losses.CosineSimilarity, "up", -1

    @checked
    def __init__(
        self,
        name: str | None = "cosine_similarity",
        dtype: FloatType | None = None,
        axis: LastAxis = -1,
    ) -> None:
        super().__init__(name, dtype)


class Hinge(LossMetric):
    """Mean of max(1 − target · output, 0), targets −1 and 1 or 0 and 1.

    >>> Hinge()(np.array([[0.0, 1.0]]), np.array([[-0.5, 2.0]]))
    0.25
    """

    kind = losses.Hinge


class SquaredHinge(LossMetric):
    """Mean of max(1 − target · output, 0)².

    >>> SquaredHinge()(np.array([[0.0, 1.0]]), np.array([[-0.5, 2.0]]))
    0.125
    """

    kind = losses.SquaredHinge


class CategoricalHinge(LossMetric):
    """Mean of the margin that the true class lacks; targets are one-hot rows.

    >>> CategoricalHinge()(np.array([[0.0, 1.0]]), np.array([[0.5, 0.25]]))
    1.25
    """

    kind = losses.CategoricalHinge


class KLDivergence(LossMetric):
    """Mean of Σ target · log(target / output) over a row.

    >>> round(KLDivergence()(np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])), 4)
    0.1438
    """

    kind = losses.KLDivergence


class Poisson(LossMetric):
    """Mean of output − target · log(output).

    >>> round(Poisson()(np.array([[1.0, 0.0]]), np.array([[2.0, 1.0]])), 4)
    1.1534
    """

    kind = losses.Poisson


class BinaryCrossentropy(LossMetric):
    """Mean of −t log y − (1 − t) log(1 − y).

    Args:
        name, dtype: as all metrics have them.
        from_logits: whether a sigmoid is still to be taken of the outputs.
        label_smoothing: as in the loss.

    >>> round(BinaryCrossentropy()(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])), 4)
    0.6931
    """

    kind = losses.BinaryCrossentropy

    @checked
    def __init__(
        self, name: str | None = "binary_crossentropy", dtype: FloatType | None = None,
        from_logits: bool = False, label_smoothing: Fraction = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(LossMetric):
    """Mean of −Σ t log y over a row; targets are one-hot rows.

    Args:
        name, dtype: as all metrics have them.
        from_logits: whether a softmax is still to be taken of the outputs.
        label_smoothing, axis: as in the loss.

    >>> round(CategoricalCrossentropy()(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])), 4)
    0.6931
    """

    kind = losses.CategoricalCrossentropy

    @checked
    def __init__(
        self, name: str | None = "categorical_crossentropy", dtype: FloatType | None = None,
        from_logits: bool = False, label_smoothing: Fraction = 0.0, axis: LastAxis = -1,
    ) -> None:  # fmt: skip
        own = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(name, dtype, **own)


class SparseCategoricalCrossentropy(LossMetric):
    """Mean of −log y[label]; a row of `ignore_class` counts as 0, as in Keras.

    Args:
        name, dtype: as all metrics have them.
        from_logits: whether a softmax is still to be taken of the outputs.
        ignore_class, axis: as in the loss.

    >>> round(SparseCategoricalCrossentropy()(np.array([1]), np.array([[0.5, 0.5]])), 4)
    0.6931
    """

    kind = losses.SparseCategoricalCrossentropy

    @checked
    def __init__(
        self, name: str | None = "sparse_categorical_crossentropy",
        dtype: FloatType | None = None, from_logits: bool = False,
        ignore_class: int | None = None, axis: LastAxis = -1,
    ) -> None:  # fmt: skip
        own = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(name, dtype, **own)


CLASSES = (
    MeanAbsolutePercentageError, MeanSquaredLogarithmicError, LogCoshError, CosineSimilarity, Hinge,
    SquaredHinge, CategoricalHinge, KLDivergence, Poisson, BinaryCrossentropy,
    CategoricalCrossentropy, SparseCategoricalCrossentropy,
)  # fmt: skip
