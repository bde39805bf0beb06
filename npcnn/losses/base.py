"""What a loss is: how wrong each row of outputs is, and the gradient of the mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.arguments import Numbers, checked
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
    same_length,
)

Array = np.ndarray
Shape = tuple[Any, ...]


class Loss:
    """Base of all losses: the mean over all rows of w · values(targets, outputs).

    One of your own defines `values` and `gradient` (docs/extending.md); npcnn's own override
    `losses_and_gradient`, which does both in one op. A loss that can start from what the last
    layer's softmax or sigmoid started from says so in `logits_of`, and then gives the gradient by
    these logits.

    Args:
        name: how the loss is called; the class's name in small letters if None.

    >>> class Squared(Loss):
    ...     def values(self, targets, outputs):
    ...         return ((outputs - targets) ** 2).sum(axis=-1)
    ...     def gradient(self, targets, outputs):
    ...         return 2 * (outputs - targets)
    >>> Squared()(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]]))
    0.5
    """

    default_name: str | None = None
    aliases: tuple[str, ...] = ()
    logits_of: tuple[str, ...] = ()
    replays = True  # as a layer's
    labels = False  # whether targets are class numbers

    @checked
    def __init__(self, name: str | None = None) -> None:
        self.name = name or self.default_name or type(self).__name__.lower()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let a class that says `values` or `gradient` anew be computed from them."""
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "from_rows" in own or "prepared" in own:
            fix = "a gradient by the outputs belongs into gradient(targets, outputs)"
            expected = "values and gradient, or losses_and_gradient"
            raise DtypeError(message(f"class {cls.__name__}", expected, "from_rows", fix))
        if ("values" in own or "gradient" in own) and "losses_and_gradient" not in own:
            cls.losses_and_gradient = Loss.losses_and_gradient  # type: ignore[method-assign]
            cls.logits_of = own.get("logits_of", ())

    # What a loss of one's own defines ------------------------------------------------------------

    def values(self, targets: Array, outputs: Array) -> Array:
        """Return how wrong each row is: (N, …) for outputs (N, …, K)."""
        raise NotImplementedError

    def gradient(self, targets: Array, outputs: Array) -> Array:
        """Return the gradient of the sum of `values` by the outputs, in their shape."""
        raise NotImplementedError

    # What npcnn calls ----------------------------------------------------------------------------

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return each row's weighted loss, and the gradient of their mean.

        Args:
            targets: as `targets` returned them.
            outputs: (N, …, K), the model's.
            logits: what they were made from by an activation named in `logits_of`, or None. If
                given, the gradient is by them, else by the outputs.
            weights: one a row, (N, …).
        """
        losses = np.asarray(self.values(targets, outputs), outputs.dtype)
        gradient = np.asarray(self.gradient(targets, outputs), outputs.dtype)
        for got, like, what in ((losses, weights, "values"), (gradient, outputs, "gradient")):
            if got.shape != like.shape:
                where, fix = f"{type(self).__name__}.{what}", "give one number for each"
                raise ArgumentError(message(where, str(like.shape), str(got.shape), fix))
        return losses * weights, gradient * (weights / weights.size)[..., np.newaxis]

    def score(
        self, y: Array, outputs: Array, weights: Array, last: Any
    ) -> tuple[Array, Array, bool]:
        """Return losses and gradient for a batch, and whether the gradient is by the logits.

        Args:
            y: as `check_targets` returned them.
            outputs: the model's.
            weights: one a row.
            last: the model's last layer, which the outputs came from.
        """
        targets = self.targets(y, outputs.shape, outputs.dtype)
        logits = last.logits_of(self.logits_of) if self.logits_of else None
        losses, gradient = self.losses_and_gradient(targets, outputs, logits, weights)
        return losses, gradient, logits is not None

    def targets(self, y: Array, shape: Shape, dtype: np.dtype) -> Array:
        """Return a batch's targets as the loss is computed from, by ops alone.

        Args:
            y: as `check_targets` returned them.
            shape: of the outputs.
            dtype: of the outputs.
        """
        return y if y.dtype == dtype else ops.rescale(y, 1.0, 0.0, dtype)

    def check_targets(self, y: Any, output_shape: Shape, where: str) -> Array:
        """Return the targets as an array like the model's output, or raise an error.

        Args:
            y: what the user gave: (N, …, K).
            output_shape: the model's, with None for the batch.
            where: the call, for the message.
        """
        y = as_numbers(y, where)
        if output_shape[-1] == 1 and y.ndim == len(output_shape) - 1:
            y = y[..., np.newaxis]
        if y.shape[1:] != tuple(output_shape[1:]) or y.ndim != len(output_shape):
            expected = f"targets of shape {batch_shape(output_shape)} for {self.name}"
            fix = self.advice(y, output_shape)
            raise ArgumentError(message(where, expected, str(y.shape), fix))
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            got = f"{y[~np.isfinite(y)][0]} in sample {first_bad(~np.isfinite(y))}"
            raise ArgumentError(message(where, "finite targets", got, "mend or drop that sample"))
        check_size(y, where, "targets")
        return y

    def advice(self, y: Array, output_shape: Shape) -> str:
        """Return what to do about targets of a wrong shape."""
        return "give a target for each of the model's outputs"

    @checked
    def __call__(self, y_true: Numbers, y_pred: Numbers, sample_weight: Any = None) -> float:
        """Return the mean loss of predictions given as arrays."""
        outputs = y_pred if y_pred.dtype in ("float32", "float64") else y_pred.astype("float64")
        name = type(self).__name__
        if outputs.ndim < 2 or not outputs.size:
            fix = "give one row of outputs a sample"
            raise ArgumentError(message(f"{name}(y_pred)", "rows", str(outputs.shape), fix))
        y = self.check_targets(y_true, (None, *outputs.shape[1:]), name)
        same_length(outputs, y, name, ("predictions", "targets"))
        where, shape = f"{name}(sample_weight)", outputs.shape[:-1]
        weights = check_weights(sample_weight, len(outputs), where, shape[1:])
        check_finite(outputs, f"{name}(y_pred)", outputs.dtype)
        targets, rows = (
            self.targets(y, outputs.shape, outputs.dtype),
            row_weights(weights, shape, outputs.dtype),
        )
        return float(self.losses_and_gradient(targets, outputs, None, rows)[0].mean())

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"name": self.name}


def row_weights(weights: Array | None, shape: Shape, dtype: np.dtype) -> Array:
    """Return a weight for each row of outputs, from checked ones a sample or a row, or none.

    >>> row_weights(np.array([1.0, 2.0]), (2, 2), np.dtype("float32"))
    array([[1., 1.],
           [2., 2.]], dtype=float32)
    """
    if weights is None:
        return np.ones(shape, dtype)
    spread = weights.reshape(*weights.shape, *(1,) * (len(shape) - weights.ndim))
    return np.ascontiguousarray(np.broadcast_to(spread.astype(dtype), shape))


def batch_shape(shape: Shape) -> str:
    """Return a shape as text, n for the batch."""
    return "(" + ", ".join(["n", *map(str, shape[1:])]) + ("," if len(shape) == 1 else "") + ")"
