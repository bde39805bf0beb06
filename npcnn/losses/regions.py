"""Losses by which regions of targets and outputs overlap: of a batch, a sample or a class."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import numpy as np

from npcnn.arguments import Numbers, checked
from npcnn.checks import (
    ArgumentError,
    as_numbers,
    is_number,
    is_whole,
    message,
    non_negative,
    shown,
)
from npcnn.config import FloatType
from npcnn.losses.base import Loss, Reduction
from npcnn.variables import answer

Array = np.ndarray
EPSILON = 1e-7


def _axes(value: Any, where: str) -> tuple[int, ...]:
    listed = list(value) if isinstance(value, (list, tuple)) else [value]
    if not 0 < len(listed) <= 32 or not all(is_whole(one) and abs(one) <= 32 for one in listed):
        fix = "give axes such as (1, 2, 3), one loss a sample; None adds up all"
        raise ArgumentError(message(where, "axes", shown(value), fix))
    return tuple(int(one) for one in listed)


Axes = Annotated[Any, _axes]
Share = Annotated[float, partial(non_negative, fix="0.5 is usual", most=1e6)]


class Overlap(Loss):
    """Base: 1 − a share, made of sums along `axis`; what other axes there are, the mean is over.

    Attributes:
        axis: along which sums are taken; None for all, the batch among them.
    """

    axis: tuple[int, ...] | None = None

    def share(self, targets: Array, outputs: Array) -> tuple[Array, Array]:
        """Return the share, with axes of 1, and its gradient by the outputs."""
        raise NotImplementedError

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return each row's part of the loss, and the gradient by the outputs.

        A row's part is the mean of the losses of the regions that it lies in.
        """
        self._check(outputs.shape)
        share, gradient = self.share(targets, outputs)
        rows = np.broadcast_to(1 - share, outputs.shape).mean(axis=-1)
        counts = np.broadcast_to(weights[..., np.newaxis], outputs.shape)
        counts = counts.sum(axis=self.axis, keepdims=True) / outputs.size
        scale = (-counts).astype(outputs.dtype)
        return (rows * weights).astype(outputs.dtype), scale * gradient

    def reduced(self, y: Array, weights: Array) -> Array:
        """Return the weights with which the mean over all rows is what `reduction` asks for."""
        if self.reduction == "sum":  # of as many losses as there are regions
            axes = range(weights.ndim + 1) if self.axis is None else self.axis
            shape = (*weights.shape, y.shape[-1])
            summed = np.prod([shape[axis] for axis in axes], dtype=float)
            return weights * weights.dtype.type(np.prod(shape, dtype=float) / summed)
        return super().reduced(y, weights)

    @checked
    def __call__(self, y_true: Numbers, y_pred: Numbers, sample_weight: Any = None) -> Any:
        """Return the loss of predictions given as arrays: a number, or one for each region."""
        if self.reduction is not None:
            return super().__call__(y_true, y_pred, sample_weight)
        self._check(y_pred.shape)
        where, fix = type(self).__name__, "give a target for each output"
        if y_true.shape != y_pred.shape:
            expected = f"targets of shape {y_pred.shape}"
            raise ArgumentError(message(where, expected, str(y_true.shape), fix))
        outputs = y_pred if y_pred.dtype.kind == "f" else y_pred.astype(np.float64)
        losses = 1 - self.share(y_true.astype(outputs.dtype), outputs)[0]
        losses = np.squeeze(losses, axis=self.axis)
        if sample_weight is None:
            return answer(losses)
        one = is_number(sample_weight)
        weights = as_numbers([sample_weight] if one else sample_weight, f"{where}(sample_weight)")
        if not one and losses.ndim and weights.shape != losses.shape:
            expected, fix = f"weights of shape {losses.shape}", "give one a region"
            raise ArgumentError(message(where, expected, str(weights.shape), fix))
        return answer(losses * (weights[0] if one else weights))  # one region: once for each weight

    def _check(self, shape: tuple[int, ...]) -> None:
        if self.axis is not None and not all(-len(shape) <= a < len(shape) for a in self.axis):
            where, fix = f"{type(self).__name__}(axis)", "count from 0, the batch"
            raise ArgumentError(message(where, f"axes below {len(shape)}", str(self.axis), fix))


class Dice(Overlap):
    """1 − 2 Σ t y / (Σ t + Σ y): 0 where outputs cover just what the targets cover.

    Args:
        reduction, name, dtype: as all losses have them.
        axis: along which sums are taken, such as (1, 2, 3) for one loss a sample; None for all.

    >>> y, p = np.array([[1.0, 1.0, 0.0]]), np.array([[0.5, 1.0, 0.5]])
    >>> round(Dice()(y, p), 4)
    0.25
    """

    default_name = "dice"

    @checked
    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str | None = "dice",
        axis: Axes | None = None, dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.axis = axis

    def share(self, targets: Array, outputs: Array) -> tuple[Array, Array]:
        """Return twice the overlap by the sum of both."""
        both = (targets * outputs).sum(axis=self.axis, keepdims=True)
        sums = (targets + outputs).sum(axis=self.axis, keepdims=True) + EPSILON
        return 2 * both / sums, 2 * (targets * sums - both) / sums**2


class Tversky(Overlap):
    """1 − Σ t y / (Σ t y + α Σ t (1 − y) + β Σ (1 − t) y); with α = β = 0.5 it is Dice.

    Args:
        alpha: how much places count that are missed.
        beta: how much places count that are wrongly covered.
        reduction, name, dtype: as all losses have them.
        axis: as in Dice.

    Source: Salehi, Erdogmus, Gholipour, "Tversky loss function for image segmentation using 3D
    fully convolutional deep networks", 2017; Keras, whose α and β are the paper's β and α.

    >>> y, p = np.array([[1.0, 1.0, 0.0]]), np.array([[0.5, 1.0, 0.5]])
    >>> round(Tversky(alpha=1.0, beta=0.0)(y, p), 4)
    0.25
    """

    default_name = "tversky"

    @checked
    def __init__(
        self, alpha: Share = 0.5, beta: Share = 0.5, reduction: Reduction = "sum_over_batch_size",
        name: str | None = "tversky", axis: Axes | None = None, dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.alpha, self.beta, self.axis = alpha, beta, axis

    def share(self, targets: Array, outputs: Array) -> tuple[Array, Array]:
        """Return the overlap by itself and what is missed and wrongly covered."""
        both = (targets * outputs).sum(axis=self.axis, keepdims=True)
        missed = ((1 - outputs) * targets).sum(axis=self.axis, keepdims=True)
        wrong = (outputs * (1 - targets)).sum(axis=self.axis, keepdims=True)
        sums = both + self.alpha * missed + self.beta * wrong + EPSILON
        slope = targets * (1 - self.alpha) + self.beta * (1 - targets)
        return both / sums, (targets * sums - both * slope) / sums**2
