"""Are the gradients right? Every one is held against the difference that a small push makes.

Backward passes are written by hand, and a wrong one still trains, only worse. Central differences
know nothing of the derivation: (f(x + ε) − f(x − ε)) / 2ε is the slope up to an error of ε².
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import data, random
from npcnn.checks import DtypeError, NumericsError, StateError, as_numbers, message
from npcnn.training import forward, losses_and_gradients

if TYPE_CHECKING:
    from npcnn.layers import Layer
    from npcnn.model import Sequential

__all__ = ["GradientTable", "check_layer", "check_model", "numerical_gradient"]

Array = np.ndarray

EPSILON = 1e-5


@dataclass(frozen=True)
class Row:
    """One gradient, checked.

    Attributes:
        layer: the layer's name.
        array: 'input', 'kernel' or 'bias'.
        error: the largest relative error among its elements.
        passed: whether that is within the tolerance.
    """

    layer: str
    array: str
    error: float
    passed: bool


class GradientTable:
    """What a check found, one row a gradient; prints as a table.

    Attributes:
        rows: `Row` objects.
        tolerance: the largest relative error that passes.
    """

    def __init__(self, rows: list[Row], tolerance: float) -> None:
        self.rows, self.tolerance = rows, tolerance

    @property
    def passed(self) -> bool:
        """Whether every gradient passed."""
        return all(row.passed for row in self.rows)

    @property
    def largest(self) -> float:
        """The largest relative error of all rows; NaN if one is NaN."""
        return float(np.max([row.error for row in self.rows], initial=0.0))

    def raise_on_error(self) -> GradientTable:
        """Return the table; NumericsError, naming the worst gradient, if one did not pass."""
        failed = [row for row in self.rows if not row.passed]
        if failed:
            worst = max(failed, key=lambda row: math.inf if math.isnan(row.error) else row.error)
            where = f"gradient check of {worst.layer}"
            expected = f"a relative error of {worst.array} ≤ {self.tolerance:.0e}"
            fix = "mend its backward"
            raise NumericsError(message(where, expected, f"{worst.error:.1e}", fix))
        return self

    def __str__(self) -> str:
        width = max([len(row.layer) for row in self.rows] + [5])
        lines = [f"{'layer':<{width}}  gradient  largest relative error"]
        for row in self.rows:
            verdict = "ok" if row.passed else f"WRONG (above {self.tolerance:.0e})"
            lines.append(f"{row.layer:<{width}}  {row.array:<8}  {row.error:.1e}  {verdict}")
        return "\n".join(lines)

    __repr__ = __str__


def numerical_gradient(f: Callable[[], float], x: Array, epsilon: float = EPSILON) -> Array:
    """Return ∂f/∂x by central differences: (f(x + ε) − f(x − ε)) / 2ε, element by element.

    Args:
        f: a function without arguments that reads x anew at every call.
        x: float64, any shape and strides; its elements are pushed in place and put back.
        epsilon: how far; relative to elements larger than 1.

    Raises:
        DtypeError: x is not float64, in which the differences would drown in rounding.

    >>> x = np.array([3.0, -1.0])
    >>> numerical_gradient(lambda: float((x**2).sum()), x).round(6)
    array([ 6., -2.])
    """
    if x.dtype != np.float64:
        fix = "differences need its sixteen digits"
        raise DtypeError(message("numerical_gradient(x)", "float64", str(x.dtype), fix))
    gradient = np.empty(x.shape)
    for place in np.ndindex(*x.shape):
        old = float(x[place])
        push = epsilon * max(1.0, abs(old))
        x[place] = old + push
        up, above = x[place], f()
        x[place] = old - push
        down, below = x[place], f()
        x[place] = old
        gradient[place] = (above - below) / (up - down)
    return gradient


def relative_error(gradient: Array, numerical: Array) -> float:
    """Return max |gradient − numerical| / max |numerical|, the denominator at least 1e-3.

    The largest element is the yardstick: next to it, an element of 1e-12 is rounding, not error.

    >>> relative_error(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    0.2
    """
    if gradient.shape != numerical.shape:
        return math.inf
    largest = np.max(np.abs(numerical), initial=1e-3)
    return float(np.max(np.abs(gradient - numerical), initial=0.0) / largest)


def spaced_values(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Return shuffled numbers in (−1, 1), no two of them close to each other or to 0.

    At 0 a ReLU has a kink, and a maximum has one where two values are equal: a push across it
    makes the difference meaningless.

    >>> np.sort(spaced_values((4,), np.random.default_rng(0)))
    array([-0.75, -0.25,  0.25,  0.75])
    """
    size = math.prod(shape)
    values = (np.arange(size) - (size - 1) / 2) * (2 / size)
    if size % 2:  # the middle one would be 0
        values += 0.5 / size
    return generator.permutation(values).reshape(shape)


def check_layer(
    layer: Layer, input_shape: tuple[int, ...], *, seed: int = 0, tolerance: float = 1e-7,
    epsilon: float = EPSILON, training: bool = False, raise_on_error: bool = False,
) -> GradientTable:  # fmt: skip
    """Hold a layer's backward against differences: by its input and by each parameter.

    The input is spread out and shuffled, and the upstream gradient is random: with all ones in it,
    a mistake in the layout would cancel out. Parameters are drawn anew in a copy of the layer, so
    that biases are not zero; the layer itself stays as it is.

    Args:
        layer: any layer; it need not be built.
        input_shape: batch axis included, such as (2, 5, 5, 3); small is quick.
        seed: of input, parameters and upstream gradient.
        tolerance: the largest relative error that passes.
        epsilon: the push.
        training: True to check the training pass, dropout's mask held fixed.
        raise_on_error: whether a gradient that is wrong raises NumericsError.

    Returns:
        A table: one row for 'input' and one a parameter.

    >>> from npcnn import layers
    >>> check_layer(layers.Dense(3, name="units"), (2, 4)).passed
    True
    """
    generator = np.random.default_rng(seed)
    twin = copy.deepcopy(layer)
    twin.input_shape, twin.place, twin.seed = None, None, seed
    twin.dtype = np.dtype("float64")
    twin.build((None, *input_shape[1:]))
    for _, value, _ in twin.parameters():
        value[...] = generator.uniform(-1, 1, value.shape)
    x = spaced_values(tuple(input_shape), generator)
    upstream = generator.uniform(-1, 1, twin.forward(x, training).shape)

    def objective() -> float:
        return float((twin.forward(x, training, keep=False) * upstream).sum())

    grad_x = twin.backward(upstream.copy())
    assert grad_x is not None
    pairs = [("input", x, grad_x), *twin.parameters()]
    name = layer.name or type(layer).__name__
    rows = [
        _row(name, array, grad, numerical_gradient(objective, value, epsilon), tolerance)
        for array, value, grad in pairs
    ]
    table = GradientTable(rows, tolerance)
    return table.raise_on_error() if raise_on_error else table


def check_model(
    model: Sequential, x: Any, y: Any, *, sample_weight: Any = None, tolerance: float = 1e-6,
    epsilon: float = EPSILON, training: bool = False, raise_on_error: bool = False,
) -> GradientTable:  # fmt: skip
    """Hold every parameter's gradient of the loss against differences, through the whole model.

    The loss is the model's own, fused with the last softmax where training fuses it. Weights,
    gradients of an earlier step and the optimizer come out as they went in. A ReLU or a maximum
    that a push carries over its kink shows as an error where there is none: try other samples.

    Args:
        model: built, compiled, float64.
        x: a few samples.
        y: their targets.
        sample_weight: one a sample, or None.
        tolerance: the largest relative error that passes.
        epsilon: the push.
        training: True to check with dropout, its mask that of the model's next step.
        raise_on_error: whether a gradient that is wrong raises NumericsError.

    Raises:
        StateError: the model is not compiled. DtypeError: it is not float64.

    >>> from npcnn import Sequential, layers
    >>> model = Sequential(
    ...     [layers.Input((4,)), layers.Dense(3, activation="softmax")], dtype="float64"
    ... )
    >>> model.compile("sgd", "sparse_categorical_crossentropy")
    >>> check_model(model, np.eye(4), [0, 1, 2, 0]).passed
    True
    """
    batch = _model_batch(model, x, y, sample_weight)
    seed = random.current_seed()
    for layer in model.layers:
        layer.seed = seed

    def objective() -> float:
        return _loss(model, batch, training)

    kept = [
        (layer, name, value, gradient.copy())
        for layer in model.layers
        for name, value, gradient in layer.parameters()
    ]
    losses_and_gradients(model, model.layers, *batch, training)
    rows = []
    for layer, name, value, before in kept:
        held = getattr(layer, f"grad_{name}")
        found = held.copy()
        held[...] = before
        numerical = numerical_gradient(objective, value, epsilon)
        rows.append(_row(str(layer.name), name, found, numerical, tolerance))
    for layer in model.layers:
        layer.forget()
    table = GradientTable(rows, tolerance)
    return table.raise_on_error() if raise_on_error else table


def _model_batch(model: Sequential, x: Any, y: Any, weights: Any) -> tuple[Array, Array, Any]:
    if not model.compiled or not model.built:
        fix = "call compile(loss=…) and build(input_shape) first"
        what = "a model without loss" if not model.compiled else "one without shapes"
        raise StateError(message("check_model(model)", "a model built and compiled", what, fix))
    if model.dtype != np.float64:
        fix = "make it with dtype='float64' and set_weights"
        raise DtypeError(message("check_model(model)", "float64", str(model.dtype), fix))
    size = max(1, len(as_numbers(x, "check_model(x)")))
    inputs, targets, w = data.prepare(x, y, weights, size, model, "check_model").batch(0)
    assert targets is not None
    return inputs, targets, w


def _loss(model: Sequential, batch: tuple[Array, Array, Any], training: bool) -> float:
    """Return the mean loss of a forward pass."""
    x, y, weights = batch
    step = model.optimizer.iterations
    outputs = forward(model.layers, x, training, step)
    logits = model.layers[-1].logits
    losses, _ = model.loss.losses_and_gradient(y, outputs, logits, weights)
    return float(losses.mean())


def _row(layer: str, array: str, gradient: Array, numerical: Array, tolerance: float) -> Row:
    error = relative_error(gradient, numerical)
    return Row(layer, array, error, error <= tolerance)
