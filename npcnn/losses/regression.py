"""How far numbers are from their targets."""

from __future__ import annotations

from functools import partial
from typing import Annotated, ClassVar

import numpy as np

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import positive
from npcnn.config import FloatType
from npcnn.losses.base import LastAxis, Loss, Reduction
from npcnn.losses.elementwise import Elementwise

Array = np.ndarray
Delta = Annotated[float, partial(positive, fix="1 is Keras's")]


class MeanSquaredError(Elementwise):
    """Σ (y − t)² / K over a row's K outputs, the mean over all rows.

    Args:
        reduction, name, dtype: as all losses have them.

    >>> MeanSquaredError()(np.array([[1.0, 0.0]]), np.array([[0.5, 0.0]]))
    0.125
    """

    default_name = "mean_squared_error"
    aliases = ("mse", "MSE")

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return each row's loss, and the gradient by the outputs."""
        return ops.mean_squared_error(outputs, targets, weights)


class MeanAbsoluteError(Elementwise):
    """Σ |y − t| / K over a row's K outputs, the mean over all rows.

    >>> MeanAbsoluteError()(np.array([[1.0, 0.0]]), np.array([[0.5, 0.0]]))
    0.25
    """

    default_name, formula = "mean_absolute_error", "absolute"
    aliases = ("mae", "MAE")


class MeanAbsolutePercentageError(Elementwise):
    """100 Σ |y − t| / max(|t|, 1e-7) / K over a row's K outputs, the mean over all rows.

    >>> MeanAbsolutePercentageError()(np.array([[2.0, 1.0]]), np.array([[1.0, 1.0]]))
    25.0
    """

    default_name, formula = "mean_absolute_percentage_error", "percentage"
    aliases = ("mape", "MAPE")


class MeanSquaredLogarithmicError(Elementwise):
    """Σ (log(1 + y) − log(1 + t))² / K over a row's K outputs, the mean over all rows.

    Outputs and targets below 1e-7 count as 1e-7.

    >>> round(MeanSquaredLogarithmicError()(np.array([[1.0, 0.0]]), np.array([[0.0, 0.0]])), 4)
    0.2402
    """

    default_name, formula = "mean_squared_logarithmic_error", "logarithmic"
    aliases = ("msle", "MSLE")


class Huber(Elementwise):
    """½ (y − t)² up to |y − t| = δ, δ |y − t| − ½ δ² beyond, the mean over all outputs.

    Source: Huber, "Robust Estimation of a Location Parameter", Ann. Math. Stat. 1964.

    Args:
        delta: δ, where it turns straight.
        reduction, name, dtype: as all losses have them.

    >>> Huber()(np.array([[0.0, 0.0]]), np.array([[0.5, 3.0]]))
    1.3125
    """

    default_name, own_name, formula = "huber", "huber_loss", "huber"

    @checked
    def __init__(
        self,
        delta: Delta = 1.0,
        reduction: Reduction = "sum_over_batch_size",
        name: str | None = None,
        dtype: FloatType | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.delta = delta

    @property
    def options(self) -> tuple[float, ...]:
        """δ."""
        return (self.delta,)


class LogCosh(Elementwise):
    """log cosh(y − t), the mean over all outputs: a square near 0, straight far off.

    >>> round(LogCosh()(np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]])), 4)
    0.2169
    """

    default_name, formula = "log_cosh", "log_cosh"
    aliases = ("logcosh",)


class Poisson(Elementwise):
    """y − t log(y + 1e-7), the mean over all outputs: of counts t around a rate y.

    >>> round(Poisson()(np.array([[1.0, 0.0]]), np.array([[2.0, 1.0]])), 4)
    1.1534
    """

    default_name, formula = "poisson", "poisson"


class CosineSimilarity(Loss):
    """−Σ t y / (|t| |y|), the mean over all rows: −1 where they point one way, 1 where against.

    Args:
        axis: -1, along which rows lie.
        reduction, name, dtype: as all losses have them.

    >>> CosineSimilarity()(np.array([[0.0, 2.0]]), np.array([[3.0, 4.0]]))
    -0.8
    """

    default_name = "cosine_similarity"
    kept_as: ClassVar = {"axis": None}

    @checked
    def __init__(
        self,
        axis: LastAxis = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str | None = None,
        dtype: FloatType | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return each row's loss, and the gradient by the outputs."""
        return ops.cosine_similarity(outputs, targets, weights)
