"""What training makes small: cross-entropy over classes, for one-hot rows or for labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import names
from npcnn.arguments import Fraction, Numbers, checked
from npcnn.backend import ops
from npcnn.checks import (
    ArgumentError,
    DtypeError,
    as_numbers,
    check_finite,
    check_size,
    check_weights,
    first_bad,
    message,
    one_of,
    same_length,
)

__all__ = ["CategoricalCrossentropy", "SparseCategoricalCrossentropy", "get"]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)

Array = np.ndarray
Shape = tuple[Any, ...]


class CategoricalCrossentropy:
    """−Σ t·log p for targets t given as one-hot rows, the mean over all samples.

    After a softmax the loss is computed from the softmax's logits, where no rounding to 0 or 1
    has happened yet; other predictions are normalised and clipped to [1e-7, 1 − 1e-7].

    Args:
        from_logits: True if the model's outputs are logits.
        label_smoothing: s in [0, 1): targets become t·(1 − s) + s / classes.
        name: how the loss is called.

    >>> loss = CategoricalCrossentropy()
    >>> round(loss(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])), 4)
    0.6931
    """

    default_name = "categorical_crossentropy"

    @checked
    def __init__(
        self, from_logits: bool = False, label_smoothing: Fraction = 0.0, name: str | None = None
    ) -> None:
        self.from_logits, self.label_smoothing = from_logits, label_smoothing
        self.name = name or self.default_name

    def check_targets(self, y: Any, output_shape: Shape, where: str) -> Array:
        """Return the targets as an array that fits the model's output, or raise an error.

        Args:
            y: what the user gave: rows (N, …, classes).
            output_shape: the model's, with None for the batch.
            where: the call, for the message.
        """
        y = as_numbers(y, where)
        if y.shape[1:] != tuple(output_shape[1:]) or y.ndim != len(output_shape):
            expected = f"targets of shape {_batch_shape(output_shape)} for {self.name}"
            fix = "use loss='sparse_categorical_crossentropy' for labels or to_categorical on them"
            if y.ndim == len(output_shape) and y.shape[-1] != 1:
                fix = "use rows as long as the model has outputs"
            raise ArgumentError(message(where, expected, str(y.shape), fix))
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            got = f"{y[~np.isfinite(y)][0]} in sample {first_bad(~np.isfinite(y))}"
            raise ArgumentError(message(where, "finite targets", got, "mend or drop that sample"))
        check_size(y, where, "targets")
        return y

    def targets(self, y: Array, classes: int, dtype: np.dtype) -> Array:
        """Return the rows of targets for a batch, smoothed if that was asked for."""
        rows = self.rows(y, classes, dtype)
        if self.label_smoothing:
            rows = rows * (1 - self.label_smoothing) + self.label_smoothing / classes
        return rows.astype(dtype, copy=False)

    def rows(self, y: Array, classes: int, dtype: np.dtype) -> Array:
        """Return the targets as rows of class probabilities."""
        return y.astype(dtype)

    def losses_and_gradient(
        self, y: Array, outputs: Array, logits: Array | None, weights: Array | None = None
    ) -> tuple[Array, Array]:
        """Return each row's weighted loss, and the gradient of their mean.

        The gradient is by the logits if they are given or if the outputs are logits, else by the
        outputs.

        Args:
            y: targets as `check_targets` returned them.
            outputs: (N, …, classes), the model's.
            logits: what the model's last softmax started from, or None.
            weights: one a sample, or None for ones.
        """
        return self.from_rows(
            *self.prepared(y, weights, outputs.shape, outputs.dtype), outputs, logits
        )

    def prepared(
        self, y: Array, weights: Array | None, shape: Shape, dtype: np.dtype
    ) -> tuple[Array, Array]:
        """Return targets and weights as the loss is computed from.

        Args:
            y: targets as `check_targets` returned them.
            weights: one a sample or one a row, or None for ones.
            shape: of the outputs.
            dtype: of the outputs.

        Returns:
            rows of target probabilities (N, …, classes), and a weight for each row (N, …, 1).
        """
        rows = self.targets(y, shape[-1], dtype)
        if weights is None:
            return rows, np.ones((*shape[:-1], 1), dtype)
        spread = weights.reshape(*weights.shape, *(1,) * (len(shape) - weights.ndim)).astype(dtype)
        return rows, np.ascontiguousarray(np.broadcast_to(spread, (*shape[:-1], 1)))

    def from_rows(
        self, rows: Array, weights: Array, outputs: Array, logits: Array | None
    ) -> tuple[Array, Array]:
        """Return losses and gradient from what `prepared` returned."""
        if logits is None and self.from_logits:
            logits = outputs
        if logits is not None:
            return ops.categorical_crossentropy_from_logits(logits, rows, weights[..., 0])
        return ops.categorical_crossentropy(outputs, rows, weights[..., 0])

    @checked
    def __call__(self, y_true: Numbers, y_pred: Numbers, sample_weight: Any = None) -> float:
        """Return the mean loss of predictions given as arrays."""
        outputs = y_pred if y_pred.dtype in ("float32", "float64") else y_pred.astype("float64")
        name = type(self).__name__
        if outputs.ndim < 2 or not outputs.size:
            fix = "give one row of class probabilities a sample"
            raise ArgumentError(message(f"{name}(y_pred)", "rows", str(outputs.shape), fix))
        y = self.check_targets(y_true, (None, *outputs.shape[1:]), name)
        same_length(outputs, y, name, ("predictions", "targets"))
        where, rows = f"{name}(sample_weight)", outputs.shape[1:-1]
        weights = check_weights(sample_weight, len(outputs), where, rows)
        check_finite(outputs, f"{name}(y_pred)", outputs.dtype)
        return float(self.losses_and_gradient(y, outputs, None, weights)[0].mean())

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {
            "name": self.name,
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
        }


class SparseCategoricalCrossentropy(CategoricalCrossentropy):
    """−log p[label] for targets given as integer labels, the mean over all samples.

    Args:
        from_logits: True if the model's outputs are logits.
        name: how the loss is called.

    >>> loss = SparseCategoricalCrossentropy()
    >>> round(loss(np.array([1]), np.array([[0.5, 0.5]])), 4)
    0.6931
    """

    default_name = "sparse_categorical_crossentropy"

    @checked
    def __init__(self, from_logits: bool = False, name: str | None = None) -> None:
        super().__init__(from_logits, 0.0, name)

    def check_targets(self, y: Any, output_shape: Shape, where: str) -> Array:
        """Return the labels as integers (N, …), each a class of the output, or raise an error."""
        y = as_numbers(y, where)
        shape = tuple(output_shape[1:-1])
        if y.shape[1:] == (*shape, 1):
            y = y.reshape(len(y), *shape)
        if y.shape[1:] != shape:
            expected = f"labels of shape {_batch_shape((None, *shape))} for {self.name}"
            fix = "use loss='categorical_crossentropy' for one-hot rows"
            raise ArgumentError(message(where, expected, str(y.shape), fix))
        broken = y != np.floor(y) if y.dtype.kind == "f" else np.zeros(0, bool)
        if broken.any():  # NaN among them
            fix = "give each class a number, 0, 1, …"
            got = f"{y[broken][0]} in sample {first_bad(broken)}"
            raise DtypeError(message(where, "integer labels", got, fix))
        bad = (y < 0) | (y >= output_shape[-1])
        if bad.any():
            got = f"{y[bad][0]:.0f} in sample {first_bad(bad)}"
            expected = f"labels from 0 to {output_shape[-1] - 1}, the model's outputs"
            fix = "give the last layer a unit for each class or mend the label"
            raise ArgumentError(message(where, expected, got, fix))
        # As an index, bool would be a mask; uint8 labels stay as small as they are.
        return y.astype(np.int64) if y.dtype.kind in "fb" else y

    def rows(self, y: Array, classes: int, dtype: np.dtype) -> Array:
        """Return the labels as one-hot rows."""
        return one_hot(y, classes, dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"name": self.name, "from_logits": self.from_logits}


def one_hot(labels: Array, classes: int, dtype: Any = "float32") -> Array:
    """Return labels (N, …) as rows (N, …, classes), 1 at the label and 0 elsewhere.

    >>> one_hot(np.array([1, 0]), 3)
    array([[0., 1., 0.],
           [1., 0., 0.]], dtype=float32)
    """
    rows = np.zeros((labels.size, classes), dtype)
    rows[np.arange(labels.size), labels.ravel()] = 1
    return rows.reshape(*labels.shape, classes)


def _batch_shape(shape: Shape) -> str:
    return "(" + ", ".join(["n", *map(str, shape[1:])]) + ("," if len(shape) == 1 else "") + ")"


NAMES = {
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
}
CLASSES = {cls.__name__: cls for cls in NAMES.values()}


def get(identifier: Any, where: str = "compile(loss)") -> CategoricalCrossentropy:
    """Return the loss named, or the object itself; ArgumentError for an unknown one.

    >>> get("categorical_crossentropy").name
    'categorical_crossentropy'
    """
    if isinstance(identifier, CategoricalCrossentropy):
        return identifier
    if isinstance(identifier, str) and identifier in CLASSES:
        return CLASSES[identifier]()
    return NAMES[one_of(identifier, NAMES, where)]()
