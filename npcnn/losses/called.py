"""Losses that a program writes with `npcnn.ops`: a function, or a class with a `call`, as in Keras.

What it computes is recorded, and the gradient is found by going back through it.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from npcnn.checks import ArgumentError, NpcnnWarning, as_numbers, check_finite, check_size, message
from npcnn.nested import Within
from npcnn.ops.entry import plain
from npcnn.ops.tape import FUNCTIONS, Tensor, gradients

Array = np.ndarray


class Called:
    """What takes the place of a Loss's own methods, in a class with a `call`."""

    reduction: Any
    call: Any
    name: Any
    targets: Any

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return each row's weighted loss, and the gradient of their mean by the outputs."""
        y_pred = Tensor(outputs)
        rows = by_rows(told(self, targets, y_pred), weights.shape, self.reduction == "sum", self)
        seed = (weights / weights.dtype.type(weights.size)).astype(rows.dtype)
        found = gradients([(rows, seed)]).get(y_pred)
        if found is None:
            text = "nothing is learnt by it; make it from y_pred by npcnn.ops"
            warnings.warn(f"the loss {self.name}: {text}", NpcnnWarning, stacklevel=2)
        gradient = np.zeros_like(outputs) if found is None else np.asarray(found, outputs.dtype)
        return (rows.value * weights).astype(outputs.dtype), np.ascontiguousarray(gradient)

    def check_targets(self, y: Any, output_shape: tuple[Any, ...], where: str) -> Array:
        """Return targets of any shape: the function knows what it wants."""
        y = any_targets(y, where)
        single = output_shape[-1] == 1 and y.ndim == len(output_shape) - 1
        return y[..., np.newaxis] if single else y


def told(loss: Any, y_true: Any, y_pred: Tensor) -> Any:
    """Return what a loss's `call` gives."""
    with Within(loss, f"{type(loss).__name__}.call(y_true, y_pred)"):
        return loss.call(y_true, y_pred)


def any_targets(y: Any, where: str) -> Array:
    """Return finite numbers of any shape, or raise an error."""
    y = as_numbers(y, where)
    check_finite(y, where, np.dtype("float64"))
    if y.shape[1:] != (0,):  # which stand for none
        check_size(y, where, "targets")
    return y


def by_rows(found: Any, shape: tuple[int, ...], summed: bool, loss: Any) -> Tensor:
    """Return what a loss gave as one number a row: the mean of several, one repeated.

    Args:
        found: a number, one a sample, or more.
        shape: of the rows.
        summed: whether the rows' sum, and not their mean, is to be that of what was given.
        loss: for the message.
    """
    given = found if isinstance(found, Tensor) else Tensor(np.asarray(plain(found)))
    rows, size = given, given.size
    if rows.ndim > len(shape):
        rows = FUNCTIONS["mean"](rows, axis=tuple(range(len(shape), rows.ndim)))
    if rows.shape != shape:
        try:
            spread = rows.shape + (1,) * (len(shape) - rows.ndim) if rows.ndim else rows.shape
            rows = FUNCTIONS["broadcast_to"](FUNCTIONS["reshape"](rows, spread), shape)
        except ValueError as error:
            expected, fix = f"losses for rows of shape {shape}", "return one a sample"
            where = f"the loss {loss.name}"
            raise ArgumentError(message(where, expected, str(given.shape), fix)) from error
    return rows * (size / int(np.prod(shape))) if summed else rows


def of_tensors(loss: Any, y_true: Any, y_pred: Tensor, sample_weight: Any = None) -> Tensor:
    """Return a loss of outputs that can be gone back through: reduced as the loss says."""
    outputs, shape = y_pred.value, y_pred.shape[:-1]
    rows: Any
    if hasattr(loss, "call"):
        rows = by_rows(told(loss, y_true, y_pred), shape, loss.reduction == "sum", loss)
    else:
        y = loss.check_targets(plain(y_true), (None, *outputs.shape[1:]), type(loss).__name__)
        targets = loss.targets(y, outputs.shape, outputs.dtype)
        ones = np.ones(shape, outputs.dtype)

        def back(g: Array) -> tuple[Array]:
            weights = np.array(g * ones.size, outputs.dtype)
            return (loss.losses_and_gradient(targets, outputs, None, weights)[1],)

        found = loss.losses_and_gradient(targets, outputs, None, ones)[0]
        rows = Tensor(found, (y_pred,), back)
    if sample_weight is not None:
        weight = np.asarray(plain(sample_weight), outputs.dtype)
        rows = rows * weight.reshape(weight.shape + (1,) * (rows.ndim - weight.ndim))
    if loss.reduction is None:
        return rows
    return FUNCTIONS["sum" if loss.reduction == "sum" else "mean"](rows)
