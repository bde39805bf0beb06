"""What a loss is: how wrong each row of outputs is, and the gradient of the mean."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np

from npcnn import strangers
from npcnn.arguments import Numbers, arguments_of, checked, show_default
from npcnn.backend import ops
from npcnn.checks import (
    ArgumentError,
    DtypeError,
    as_numbers,
    check_finite,
    check_size,
    check_weights,
    first_bad,
    is_whole,
    message,
    one_of,
    same_length,
    shown,
)
from npcnn.config import FloatType
from npcnn.losses.called import Called, of_tensors
from npcnn.names import auto_name
from npcnn.ops.tape import Tensor
from npcnn.remembered import Remembering, kept
from npcnn.subclasses import TEXTS, Kind, Open, missing, settle
from npcnn.variables import answer
from npcnn.watched import plain

Array = np.ndarray
Shape = tuple[Any, ...]

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none")


def _reduction(value: Any, where: str) -> str | None:
    """Return how rows become one number; None for not at all."""
    named = None if value is None else one_of(value, REDUCTIONS, where)
    return None if named == "none" else named


def _last_axis(value: Any, where: str) -> int:
    """Return −1, or raise ArgumentError."""
    if not is_whole(value) or value != -1:
        fix = "move the axis with np.moveaxis"
        raise ArgumentError(message(where, "-1, the last axis", shown(value), fix))
    return -1


Reduction = Annotated[Any, _reduction]
LastAxis = Annotated[int, _last_axis]


class Loss(Open, Remembering):
    """Base of all losses: the mean over all rows of w · values(targets, outputs).

    One of your own defines `values` and `gradient` (docs/extending.md); npcnn's own override
    `losses_and_gradient`, which does both in one op. A loss that can start from what the last
    layer's softmax or sigmoid started from says so in `logits_of`, and then gives the gradient by
    these logits.

    Args:
        name: how the loss is called; the class's name in small letters if None.
        reduction: 'sum_over_batch_size' or 'mean' for the mean over all rows, 'sum' for their sum,
            'mean_with_sample_weight' for that divided by the sum of the weights; None returns the
            rows and cannot be trained with.
        dtype: taken for Keras's sake; a loss has the outputs' dtype.

    Attributes:
        default_name: by which `compile` knows it. aliases: and other such names.
        own_name: what `name` is by default, if not that.
        by_name: whether Keras knows it by `default_name`, too; its files else have the class.
        logits_of: activations that it can start from before.
        labels: whether targets are class numbers.
        is_nothing: whether it stands for no loss at all.

    >>> class Squared(Loss):
    ...     def values(self, targets, outputs):
    ...         return ((outputs - targets) ** 2).sum(axis=-1)
    ...     def gradient(self, targets, outputs):
    ...         return 2 * (outputs - targets)
    >>> Squared()(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]]))
    0.5
    """

    overridable = ("values", "gradient", "losses_and_gradient")
    default_name: str | None = None
    own_name: str | None = None
    by_name = True
    aliases: tuple[str, ...] = ()
    logits_of: tuple[str, ...] = ()
    replays = True  # as a layer's
    labels = False
    is_nothing = False

    @checked
    def __init__(
        self,
        name: str | None = None,
        reduction: Reduction = "sum_over_batch_size",
        dtype: FloatType | None = None,
    ) -> None:
        self.name = name or self.own_name or self.default_name or auto_name(type(self).__name__)
        self.reduction = reduction

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let a class that says `values` or `gradient` anew be computed from them."""
        super().__init_subclass__(**kwargs)
        named = cls.own_name or cls.default_name
        show_default(cls, **({"name": named} if named else {}))
        own = vars(cls)
        if "call" in own:
            for name in ("losses_and_gradient", "check_targets"):
                setattr(cls, name, vars(Called)[name])
            cls.logits_of = ()
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
        raise missing(self, "values")

    def gradient(self, targets: Array, outputs: Array) -> Array:
        """Return the gradient of the sum of `values` by the outputs, in their shape."""
        raise missing(self, "gradient")

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
        found = []
        for what, like in (("values", weights), ("gradient", outputs)):
            given = strangers.copied(targets), strangers.copied(outputs)
            got = np.asarray(getattr(self, what)(*given))
            where, fix = f"{type(self).__name__}.{what}", "give one number for each"
            if got.dtype.kind not in "fiub":
                raise DtypeError(message(where, "numbers", f"dtype {got.dtype}", fix))
            if got.shape != like.shape:
                raise ArgumentError(message(where, str(like.shape), str(got.shape), fix))
            found.append(got.astype(outputs.dtype, copy=False))
        losses, gradient = found
        return losses * weights, gradient * (weights / weights.size)[..., np.newaxis]

    def score(
        self, y: Array, outputs: Array, weights: Array, last: Any
    ) -> tuple[Array, Array, bool]:
        """Return losses and gradient for a batch, and whether the gradient is by the logits.

        Args:
            y: as `check_targets` returned them.
            outputs: the model's.
            weights: one a row.
            last: the call of a layer that the outputs came straight from, or None.
        """
        targets = self.targets(y, outputs.shape, outputs.dtype)
        logits = last.logits_of(self.logits_of) if self.logits_of and last is not None else None
        weights = self.reduced(y, weights)
        found = self.losses_and_gradient(targets, outputs, logits, weights)
        if not strangers.own(self):
            self._require_arrays(found, weights, outputs)
        losses, gradient = found
        return losses, gradient, logits is not None

    def _require_arrays(self, found: Any, *like: Array) -> None:
        """Raise an error unless a user's loss gave arrays like these."""
        where = f"{type(self).__name__}.losses_and_gradient()"
        fix = "return each row's loss, and the gradient of their mean"
        if not isinstance(found, tuple) or len(found) != len(like):
            raise DtypeError(message(where, "two arrays", type(found).__name__, fix))
        for one, other in zip(map(plain, found), like, strict=True):
            wanted = f"{other.dtype} of shape {other.shape}"
            if type(one) is not np.ndarray:
                raise DtypeError(message(where, wanted, type(one).__name__, fix))
            if (one.dtype, one.shape) != (other.dtype, other.shape):
                kind = ArgumentError if one.dtype == other.dtype else DtypeError
                raise kind(message(where, wanted, f"{one.dtype} of shape {one.shape}", fix))

    def reduced(self, y: Array, weights: Array) -> Array:
        """Return the weights with which the mean over all rows is what `reduction` asks for.

        Args:
            y: as `check_targets` returned them.
            weights: one a row.
        """
        if self.reduction == "sum":
            return ops.rescale(weights, float(weights.size), 0.0, weights.dtype)
        if self.reduction == "mean_with_sample_weight":
            total = weights.sum()
            return weights * (weights.dtype.type(weights.size) / total if total else total)
        return weights

    def require_reduction(self, where: str) -> None:
        """Raise ArgumentError if the loss of a batch is not one number."""
        if self.reduction is None:
            fix = "leave reduction out"
            expected = f"a loss that is one number from {self.name}"
            raise ArgumentError(message(where, expected, "reduction=None", fix))

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
    def __call__(self, y_true: Numbers, y_pred: Numbers, sample_weight: Any = None) -> Any:
        """Return the loss of predictions given as arrays: a number, or an array of rows' losses."""
        name = type(self).__name__
        outputs = y_pred if y_pred.dtype in ("float32", "float64") else y_pred.astype("float64")
        if not outputs.size:
            fix = "give one row of outputs a sample"
            raise ArgumentError(message(f"{name}(y_pred)", "rows", str(outputs.shape), fix))
        check_finite(outputs, f"{name}(y_pred)", outputs.dtype)
        if outputs.ndim == 1:  # one row, or a number a sample
            column = y_true.ndim == 2 and y_true.shape[1] == 1
            outputs = outputs[:, np.newaxis] if column else outputs[np.newaxis]
            y_true = y_true if column else y_true[np.newaxis]
        where, shape = f"{name}(sample_weight)", outputs.shape[:-1]
        y = self._fitting(y_true, outputs)
        checked_weights = check_weights(sample_weight, len(outputs), where, shape[1:])
        weights = row_weights(checked_weights, shape, outputs.dtype)
        losses = self._rows(y, outputs, self.reduced(y, weights))
        if self.reduction is None:
            return answer(losses[0] if y_pred.ndim == 1 and len(losses) == 1 else losses)
        return answer(losses.mean())

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        """Return each row's loss (N, …), for metrics: outputs that are no numbers are let pass."""
        outputs = y_pred if y_pred.dtype in ("float32", "float64") else y_pred.astype("float64")
        y = self._fitting(y_true, outputs)
        return self._rows(y, outputs, np.ones(outputs.shape[:-1], outputs.dtype))

    def _fitting(self, y_true: Array, outputs: Array) -> Array:
        name = type(self).__name__
        y = self.check_targets(y_true, (None, *outputs.shape[1:]), name)
        same_length(outputs, y, name, ("predictions", "targets"))
        return y

    def _rows(self, y: Array, outputs: Array, weights: Array) -> Array:
        targets = self.targets(y, outputs.shape, outputs.dtype)
        return self.losses_and_gradient(targets, outputs, None, weights)[0]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"name": self.name, "reduction": self.reduction, **kept(self, Loss)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """Return a loss of these arguments."""
        return cls(**arguments_of(cls, config, f"{cls.__name__}.from_config(config)"))


def _also_recorded(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a loss's call that takes what can be gone back through, too."""

    @functools.wraps(call)
    def either(self: Any, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if isinstance(y_pred, Tensor):
            return of_tensors(self, y_true, y_pred, sample_weight)
        return call(self, y_true, y_pred, sample_weight)

    return either


Loss.__call__ = _also_recorded(Loss.__call__)  # type: ignore[method-assign]
_NAME = Kind((str,), "a text", none=True)
_TEXTS = {"logits_of": TEXTS, "overridable": TEXTS, "aliases": TEXTS}
settle(Loss, Loss("loss"), own_name=_NAME, default_name=_NAME, reduction=_NAME, **_TEXTS)


def function_of(cls: type[Loss]) -> Callable[..., Any]:
    """Return the function under Keras's name that gives each row's loss.

    It takes (y_true, y_pred), then the arguments of the class that are not of all losses.

    >>> from npcnn.losses import MeanSquaredError
    >>> function_of(MeanSquaredError)(np.zeros((2, 2)), np.array([[1.0, 1.0], [0.0, 2.0]]))
    array([1., 2.])
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    own = inspect.signature(cls.__init__, eval_str=True).parameters
    shared = ("self", "name", "reduction", "dtype")
    arrays = [inspect.Parameter(name, kind, annotation=Numbers) for name in ("y_true", "y_pred")]
    listed = [*arrays, *(p for name, p in own.items() if name not in shared)]
    signature = inspect.Signature(listed)

    def function(*args: Any, **kwargs: Any) -> Any:
        given = dict(signature.bind(*args, **kwargs).arguments)
        y_true, y_pred = given.pop("y_true"), given.pop("y_pred")
        if isinstance(y_pred, Tensor):
            return of_tensors(cls(reduction=None, **given), y_true, y_pred)
        return cls(reduction=None, **given)(y_true, y_pred)

    function.__name__ = function.__qualname__ = str(cls.default_name)
    function.__signature__ = signature  # type: ignore[attr-defined]
    function.loss = cls  # type: ignore[attr-defined]
    first = str(inspect.getdoc(cls)).partition("\n")[0]
    function.__doc__ = f"""Return each row's loss, (N, …) for outputs (N, …, K): {first}

    Arguments beside `y_true` and `y_pred`, and an example, are those of `losses.{cls.__name__}`.
    """
    strict = checked(function)

    @functools.wraps(strict)
    def either(*args: Any, **kwargs: Any) -> Any:
        recorded = any(isinstance(one, Tensor) for one in (*args, *kwargs.values()))
        return function(*args, **kwargs) if recorded else strict(*args, **kwargs)

    return either


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
