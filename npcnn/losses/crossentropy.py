"""Cross-entropy over classes, for one-hot rows or for labels."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from npcnn.arguments import Fraction, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, DtypeError, as_numbers, first_bad, message
from npcnn.config import FloatType
from npcnn.losses.base import LastAxis, Loss, Reduction, batch_shape

Array = np.ndarray
Shape = tuple[Any, ...]


class CategoricalCrossentropy(Loss):
    """−Σ t·log p for targets t given as one-hot rows, the mean over all samples.

    After a softmax the loss is computed from the softmax's logits, where no rounding to 0 or 1
    has happened yet; other predictions are normalised and clipped to [1e-7, 1 − 1e-7].

    Args:
        from_logits: True if the model's outputs are logits.
        label_smoothing: s in [0, 1): targets become t·(1 − s) + s / classes.
        axis: -1, of the classes.
        reduction, name, dtype: as all losses have them.

    >>> loss = CategoricalCrossentropy()
    >>> round(loss(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])), 4)
    0.6931
    """

    default_name = "categorical_crossentropy"
    logits_of: tuple[str, ...] = ("softmax",)

    @checked
    def __init__(
        self, from_logits: bool = False, label_smoothing: Fraction = 0.0, axis: LastAxis = -1,
        reduction: Reduction = "sum_over_batch_size", name: str | None = None,
        dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis

    def targets(self, y: Array, shape: Shape, dtype: np.dtype) -> Array:
        """Return the rows of target probabilities, smoothed if that was asked for."""
        smooth = self.label_smoothing
        if smooth:
            return ops.rescale(y, 1 - smooth, smooth / shape[-1], dtype)
        return super().targets(y, shape, dtype)

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return losses and gradient, by the logits where they are known."""
        if logits is None and self.from_logits:
            logits = outputs
        if logits is not None:
            return ops.categorical_crossentropy_from_logits(logits, targets, weights)
        return ops.categorical_crossentropy(outputs, targets, weights)

    def advice(self, y: Array, output_shape: Shape) -> str:
        """Return what to do about targets of a wrong shape."""
        if y.ndim == len(output_shape) and y.shape[-1] != 1:
            return "use rows as long as the model has outputs"
        return "use loss='sparse_categorical_crossentropy' for labels or to_categorical on them"


class SparseCategoricalCrossentropy(CategoricalCrossentropy):
    """−log p[label] for targets given as integer labels, the mean over all samples.

    Args:
        from_logits: True if the model's outputs are logits.
        ignore_class: a label, of the classes or not, whose rows are left out of the mean.
        reduction, axis, name, dtype: as in CategoricalCrossentropy.

    >>> loss = SparseCategoricalCrossentropy()
    >>> round(loss(np.array([1]), np.array([[0.5, 0.5]])), 4)
    0.6931
    """

    default_name = "sparse_categorical_crossentropy"
    labels = True
    kept_as: ClassVar = {"axis": None}

    @checked
    def __init__(
        self, from_logits: bool = False, ignore_class: int | None = None,
        reduction: Reduction = "sum_over_batch_size", axis: LastAxis = -1, name: str | None = None,
        dtype: FloatType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(from_logits, 0.0, axis, reduction, name, dtype)
        self.ignore_class = ignore_class

    def check_targets(self, y: Any, output_shape: Shape, where: str) -> Array:
        """Return the labels as integers (N, …), each a class of the output, or raise an error."""
        y = as_numbers(y, where)
        shape = tuple(output_shape[1:-1])
        if y.shape[1:] == (*shape, 1):
            y = y.reshape(len(y), *shape)
        if y.shape[1:] != shape:
            expected = f"labels of shape {batch_shape((None, *shape))} for {self.name}"
            fix = "use loss='categorical_crossentropy' for one-hot rows"
            raise ArgumentError(message(where, expected, str(y.shape), fix))
        broken = y != np.floor(y) if y.dtype.kind == "f" else np.zeros(0, bool)
        if broken.any():  # NaN among them
            fix = "give each class a number, 0, 1, …"
            got = f"{y[broken][0]} in sample {first_bad(broken)}"
            raise DtypeError(message(where, "integer labels", got, fix))
        bad = (y < 0) | (y >= output_shape[-1])
        if self.ignore_class is not None:
            bad &= y != self.ignore_class
        if bad.any():
            got = f"{y[bad][0]:.0f} in sample {first_bad(bad)}"
            expected = f"labels from 0 to {output_shape[-1] - 1}, the model's outputs"
            fix = "give the last layer a unit for each class or mend the label"
            raise ArgumentError(message(where, expected, got, fix))
        # As an index, bool would be a mask; uint8 labels stay as small as they are.
        return y.astype(np.int64) if y.dtype.kind in "fb" else y

    def targets(self, y: Array, shape: Shape, dtype: np.dtype) -> Array:
        """Return the labels as one-hot rows."""
        return ops.one_hot(y, shape[-1], dtype)

    def reduced(self, y: Array, weights: Array) -> Array:
        """Return the weights, with 0 for rows that are left out; they do not count in a mean."""
        if self.ignore_class is None:
            return super().reduced(y, weights)
        kept = (y != self.ignore_class).astype(weights.dtype)
        if self.reduction in ("mean", "sum_over_batch_size"):
            kept *= weights.dtype.type(kept.size / max(float(kept.sum()), 1.0))
        return super().reduced(y, weights * kept)

    def _rows(self, y: Array, outputs: Array, weights: Array) -> Array:
        losses = super()._rows(y, outputs, weights)
        return losses if self.ignore_class is None else np.where(y == self.ignore_class, 0, losses)
