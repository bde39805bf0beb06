"""Circle loss: embeddings of one class close together, those of others far apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import numpy as np

from npcnn.arguments import checked
from npcnn.checks import ArgumentError, as_numbers, message, non_negative, number
from npcnn.config import FloatType
from npcnn.losses.base import Loss, Reduction, batch_shape
from npcnn.losses.called import of_tensors
from npcnn.ops.tape import Tensor
from npcnn.variables import answer

Array = np.ndarray
Shape = tuple[Any, ...]
Scale = Annotated[float, partial(non_negative, fix="80 is Keras's", most=1e6)]
Margin = Annotated[float, partial(number, most=1e3)]


def _labels(y: Any, where: str) -> Array:
    """Return a class number a sample, (N,)."""
    y = as_numbers(y, where)
    rows = y.reshape(len(y)) if y.ndim == 2 and y.shape[1] == 1 else y
    within = np.abs(rows.astype(np.float64)) < 2.0**62  # NaN is not
    if rows.ndim != 1 or not within.all() or (rows != np.floor(rows)).any():
        got = f"{y.dtype} of shape {y.shape}"
        raise ArgumentError(message(where, "a class number a sample", got, "give labels (n,)"))
    return rows.astype(np.int64)


def _of_pairs(
    outputs: Array, labels: Array, others: Array, other_labels: Array, gamma: float, margin: float,
    remove_diagonal: bool,
) -> tuple[Array, Callable[[Array], Array]]:  # fmt: skip
    """Return each row's loss; and from a weight for each, the gradient by its products."""
    real = outputs.dtype.type
    raw = 1 - outputs @ others.T
    d = np.maximum(raw, 0)
    same = labels[:, np.newaxis] == other_labels
    alike = same & (np.eye(*same.shape) == 0) if remove_diagonal else same
    pull, push = np.maximum(real(margin) + d, 0), np.maximum(real(1 + margin) - d, 0)
    ends = (
        (alike, gamma * pull * (d - margin), gamma * ((pull > 0) * (d - margin) + pull)),
        (~same, gamma * push * (1 - margin - d), -gamma * ((push > 0) * (1 - margin - d) + push)),
    )
    total, slopes = np.zeros(len(outputs), outputs.dtype), np.zeros_like(d)
    with np.errstate(all="ignore"):  # of rows without a pair of a kind, −∞ is the sum
        for mask, value, slope in ends:
            value = np.where(mask, value, -np.inf)
            top = np.max(value, axis=1, keepdims=True, initial=-np.inf)
            top = np.where(np.isfinite(top), top, 0)
            sums = np.exp(value - top).sum(axis=1, keepdims=True)
            total += (np.log(sums) + top)[:, 0].astype(outputs.dtype)
            slopes += np.where(mask, np.exp(value - top) / sums * slope, 0).astype(outputs.dtype)
        losses = np.logaddexp(total, 0).astype(outputs.dtype)
        share = np.exp(total - losses)

    def back(weights: Array) -> Array:
        return -np.where(raw > 0, slopes, 0) * (share * weights)[:, np.newaxis]

    return losses, back


class Circle(Loss):
    """log(1 + Σₚ exp(γ αₚ (dₚ − m)) · Σₙ exp(γ αₙ (1 − m − dₙ))) for each sample of a batch.

    d is 1 minus the product of its embedding with another's, p the others of its class, n those of
    other classes; αₚ = m + dₚ and αₙ = 1 + m − dₙ, or 0. Embeddings have length 1, as
    `layers.UnitNormalization` makes them; targets are labels. A sample whose loss is 0, such as one
    alone of its class, is left out of the mean.

    Args:
        gamma: γ, how much the largest terms count beside others.
        margin: m.
        remove_diagonal: whether a sample is no partner of its own.
        reduction, name, dtype: as all losses have them.

    Source: Sun et al., "Circle Loss: A Unified Perspective of Pair Similarity Optimization", 2020;
    Keras.

    >>> y, embeddings = np.array([0, 0, 1]), np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    >>> round(float(Circle(gamma=1.0)(y, embeddings)), 4)
    0.6484
    """

    default_name = "circle"
    labels = True

    @checked
    def __init__(
        self, gamma: Scale = 80.0, margin: Margin = 0.4, remove_diagonal: bool = True,
        reduction: Reduction = "sum_over_batch_size", name: str | None = "circle",
        dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.gamma, self.margin, self.remove_diagonal = gamma, margin, remove_diagonal

    def check_targets(self, y: Any, output_shape: Shape, where: str) -> Array:
        """Return the labels as integers (N,), or raise an error."""
        if len(output_shape) != 2:
            expected, got = "embeddings (n, k)", batch_shape(tuple(output_shape))
            fix = "put layers.Flatten() before them"
            raise ArgumentError(message(f"{self.name} loss", expected, got, fix))
        return _labels(y, where)

    def targets(self, y: Array, shape: Shape, dtype: np.dtype) -> Array:
        """Return the labels as they are."""
        return y

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return each sample's weighted loss, and the gradient of their mean by the embeddings."""
        how = self.gamma, self.margin, self.remove_diagonal
        losses, back = _of_pairs(outputs, targets, outputs, targets, *how)
        if self.reduction not in ("sum", None):  # the mean of those that have one
            counts = (
                weights if self.reduction == "mean_with_sample_weight" else np.ones_like(weights)
            )
            kept = counts[losses > 0].sum()
            weights = weights * (counts.sum() / (kept or 1))
        by_product = back(weights / weights.dtype.type(weights.size))
        gradient = by_product @ outputs + by_product.T @ outputs
        return losses * weights, np.ascontiguousarray(gradient, outputs.dtype)


def _embeddings(y: Any, where: str) -> Any:
    """Return numbers as an array of floats; what can be gone back through as it is."""
    if isinstance(y, Tensor):
        return y
    y = as_numbers(y, where)
    return y if y.dtype.kind == "f" else y.astype("float64")


Labels = Annotated[Any, _labels]
Embeddings = Annotated[Any, _embeddings]


@checked
def circle(
    y_true: Labels, y_pred: Embeddings, ref_labels: Labels | None = None,
    ref_embeddings: Embeddings | None = None,
    remove_diagonal: bool = True, gamma: Scale = 80, margin: Margin = 0.4,
) -> Any:  # fmt: skip
    """Return each sample's circle loss; see `losses.Circle`.

    Args:
        y_true: class numbers (n,).
        y_pred: embeddings (n, k) of length 1.
        ref_labels: of the embeddings that they are compared with; y_true if not given.
        ref_embeddings: what they are compared with; y_pred if not given.
        remove_diagonal: whether a sample is no partner of its own.
        gamma: how much the largest terms count beside others.
        margin: m.

    >>> circle(np.array([0, 0]), np.array([[1.0, 0.0], [0.8, 0.6]]))
    array([0., 0.])
    """
    if isinstance(y_pred, Tensor):
        loss = Circle(gamma, margin, remove_diagonal, None)
        return of_tensors(loss, y_true, y_pred)
    others = y_pred if ref_embeddings is None else ref_embeddings.astype(y_pred.dtype)
    own = y_true if ref_labels is None else ref_labels
    fits = y_pred.ndim == others.ndim == 2 and y_pred.shape[1] == others.shape[1]
    if not fits or (len(y_true), len(own)) != (len(y_pred), len(others)):
        got = f"{y_pred.shape}, {others.shape}, labels {y_true.shape}, {own.shape}"
        fix = "give one label a row"
        raise ArgumentError(message("circle(y_pred)", "embeddings (n, k)", got, fix))
    return answer(_of_pairs(y_pred, y_true, others, own, gamma, margin, remove_diagonal)[0])


circle.loss = Circle  # type: ignore[attr-defined]
