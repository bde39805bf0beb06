"""Are the gradients right? Every entry of every one is held against an exact derivative.

Backward passes are written by hand, and a wrong one still trains, only worse. `npcnn/gradients/`
says how; `Trace.check` (npcnn.inspection) does the same for one training step of a model.
"""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from npcnn.arguments import ALayer, AModel, Arrays, Function, NonNegative, checked
from npcnn.backend import Backend, has_numba, using
from npcnn.checks import ArgumentError, DtypeError, is_whole, message, number, shown
from npcnn.gradients.derivatives import of_layer
from npcnn.gradients.table import GradientTable, Row
from npcnn.gradients.verdict import examine
from npcnn.inspection.tracing import traced
from npcnn.layers import settling
from npcnn.layers.parts import fronts, learnt
from npcnn.names import uncounted
from npcnn.random import Seed
from npcnn.tables import input_names, told_as
from npcnn.written import looked_on

if TYPE_CHECKING:
    from npcnn.layers import Layer

__all__ = ["GradientTable", "check_layer", "check_model", "numerical_gradient"]

Array = np.ndarray

EPSILON = 1e-5
MOST = 1_000_000  # numbers in the input of a check, which takes a pass for each of a layer's


def _doubles(value: Any, where: str) -> Array:
    """Return a float64 array whose elements can be pushed, or raise DtypeError."""
    fix = "differences need its sixteen digits"
    plain = isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray)
    got = str(value.dtype) if plain else shown(value)
    if got != "float64" or not value.flags.writeable:
        got = "one that is read-only" if got == "float64" else got
        raise DtypeError(message(where, "float64", got, fix))
    return value


def _push(value: Any, where: str) -> float:
    if 1e-12 <= number(value, where) < 1:  # a shorter one would not move a number near 1
        return float(value)
    fix = f"{EPSILON:g} is a good start"
    raise ArgumentError(message(where, "a number from 1e-12 to 1", shown(value), fix))


def _batch_shapes(value: Any, where: str) -> list[tuple[int, ...]]:
    """Return a batch's shape in a list, or those of several inputs."""
    if isinstance(value, list) and value and all(isinstance(one, (tuple, list)) for one in value):
        shapes = [_batch_shape(one, where) for one in value]
        if len({shape[0] for shape in shapes}) > 1:
            fix = "batches go along with one another"
            raise ArgumentError(message(where, "inputs of one length", shown(value), fix))
        return shapes
    return [_batch_shape(value, where)]


def _batch_shape(value: Any, where: str) -> tuple[int, ...]:
    sound = isinstance(value, (tuple, list)) and all(is_whole(v) and v >= 1 for v in value)
    if not sound or len(value) < 2 or math.prod(map(int, value)) > MOST:
        expected = f"a batch's shape, at most {MOST:,} numbers"
        fix = "give the batch axis too, such as (2, 5, 5, 3); small is quick"
        raise ArgumentError(message(where, expected, shown(value), fix))
    return tuple(int(v) for v in value)


@checked
def numerical_gradient(
    f: Function, x: Annotated[Array, _doubles], epsilon: Annotated[float, _push] = EPSILON
) -> Array:
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
    where = "numerical_gradient(f), its result"
    gradient = np.empty(x.shape)
    for place in np.ndindex(*x.shape):
        old = float(x[place])
        push = epsilon * max(1.0, abs(old))
        x[place] = old + push
        up, above = x[place], number(f(), where)
        x[place] = old - push
        down, below = x[place], number(f(), where)
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


@checked
def check_layer(
    layer: ALayer, input_shape: Annotated[Any, _batch_shapes], *, seed: Seed = 0,
    tolerance: NonNegative = 1e-9,
    training: bool = False, raise_on_error: bool = False,
) -> GradientTable:  # fmt: skip
    """Hold a layer to what every layer must do: shapes, dtypes, and gradients by all it learns.

    On both backends and in both dtypes, `forward` must return what `compute_output_shape` says, in
    the layer's dtype, and `backward` a gradient like the input and gradients like the parameters.
    In float64 the gradients are held against exact derivatives (npcnn/gradients/), along
    random directions that cover every entry. The input is spread out and shuffled, and the
    upstream gradient is random: with all ones in it, a mistake in the layout would cancel out.
    Parameters are drawn anew in a copy of the layer, so that biases are not zero; the layer itself
    stays as it is.

    Args:
        layer: any layer; it need not be built.
        input_shape: batch axis included, such as (2, 5, 5, 3); a list of them for a layer that
            merges.
        seed: of input, parameters, upstream gradient and directions.
        tolerance: the largest relative error that passes.
        training: True to check the training pass, dropout's mask held fixed.
        raise_on_error: whether anything that is wrong raises NumericsError.

    Returns:
        A table: one row for 'input' ('input_2', …) and one a parameter; and one for each shape or
        dtype that is wrong.

    >>> from npcnn import layers
    >>> check_layer(layers.Dense(3, name="units"), (2, 4)).passed
    True
    """
    rows: list[Row] = []
    backends: list[Backend] = ["numpy", "numba"]
    for name in backends[: 1 + has_numba()]:
        with using(name):
            for dtype in ("float32", "float64"):
                with uncounted():  # layers that its `build` makes are called the same each time
                    twin, xs, upstream = _on_trial(layer, input_shape, seed, dtype, training)
                rows += _contract(twin, xs, upstream, training, f"{dtype}, {name}")
            if all(row.passed for row in rows):
                rows += _gradients(twin, xs, upstream, training, seed, tolerance)
    table = GradientTable(_worst(rows), tolerance)
    return table.raise_on_error() if raise_on_error else table


def _on_trial(
    layer: Layer, input_shape: list[tuple[int, ...]], seed: int, dtype: str, training: bool
) -> tuple[Layer, list[Array], Array]:
    """Return a copy of a layer with parameters drawn anew, its inputs, and an upstream gradient."""
    if len(input_shape) > 1 and not (layer.merges or layer.has_call):
        fix = "give one shape in a tuple"
        where, got = "check_layer(input_shape)", str(len(input_shape))
        raise ArgumentError(message(where, f"one input for {layer.label}", got, fix))
    generator = np.random.default_rng(seed)
    twin = copy.deepcopy(layer)
    twin.name = layer.name or type(layer).__name__
    twin.input_shape, twin.place = None, None
    vars(twin)["_model_seed"] = seed
    twin.dtype = np.dtype(dtype)
    shapes = tuple((None, *shape[1:]) for shape in input_shape)
    if twin.has_call:
        settling.always(twin, list(shapes))
        twin.input_shape = shapes if len(shapes) > 1 else shapes[0]  # that may be built already
    else:
        twin.declared, twin.plan = {}, {}  # they are made anew
        twin.build(shapes if layer.merges else shapes[0])
    for _, one in fronts(twin):
        for _, value, _ in one.parameters():
            value[...] = generator.uniform(-1, 1, value.shape)
    xs, shared = [], spaced_values((sum(map(math.prod, input_shape)),), generator)
    for shape in input_shape:
        part, shared = shared[: math.prod(shape)], shared[math.prod(shape) :]
        xs.append(part.reshape(shape).astype(dtype))
    assert twin.input_shape is not None
    shape = (len(xs[0]), *twin.infer_output_shape(twin.input_shape)[1:])
    return twin, xs, generator.uniform(-1, 1, shape).astype(dtype)


def _contract(
    layer: Layer, xs: list[Array], upstream: Array, training: bool, where: str
) -> Iterator[Row]:
    """Yield a row for each array that comes back in a wrong shape or dtype, or is not written."""
    x: Any = xs if layer.merges else xs[0]
    pairs: list[tuple[str, Any, Any]] = [("output", layer.forward(x, training), upstream)]
    if _described(pairs[0][1]) == _described(upstream):
        with contextlib.ExitStack() as stack:
            looks = [(front, stack.enter_context(looked_on(one))) for front, one in fronts(layer)]
            grad_x: Any = layer.backward(upstream.copy())
        for name, got in ((front + name, got) for front, wrong in looks for name, got in wrong):
            expected = f"gradient by {name}, written anew ({where})"
            yield Row(
                str(layer.name), told_as(name), 1, math.inf, False, expected=expected, got=got
            )
        listed = grad_x if layer.merges and isinstance(grad_x, (list, tuple)) else [grad_x]
        names = input_names(len(xs))
        pairs += zip(names, [*listed, *[None] * len(xs)], xs, strict=False)
        pairs += [(told_as(name), grad, value) for name, value, grad in learnt(layer)]
    for array, got, like in pairs:
        if _described(got) != _described(like):
            what = "output" if array == "output" else f"gradient by {array}"
            expected, found = (f"{what} {_described(a)} ({where})" for a in (like, got))
            yield Row(
                str(layer.name), array, like.size, math.inf, False, expected=expected, got=found
            )


def _described(array: Any) -> str:
    """Return dtype and shape in words."""
    if not isinstance(array, np.ndarray):
        return f"of type {type(array).__name__}"
    return f"{array.dtype} {array.shape}"


def _gradients(
    layer: Layer, xs: list[Array], upstream: Array, training: bool, seed: int, tolerance: float
) -> Iterator[Row]:
    """Yield a row for each gradient of a float64 layer."""
    generator = np.random.default_rng(seed)
    function = of_layer(layer, xs if layer.merges else xs[0], upstream, training)
    names = [*input_names(len(xs)), *(told_as(name) for name, _, _ in learnt(layer))]
    gradients = function.backward(function.arrays)
    for k, (name, gradient) in enumerate(zip(names, gradients, strict=True)):
        found = examine(function, k, gradient, tolerance, 3, generator)
        yield Row.of(str(layer.name), name, gradient, found, tolerance)


def _worst(rows: list[Row]) -> list[Row]:
    """Return one row an array, the worst of the backends'; nothing else where shapes are wrong."""
    wrong = [row for row in rows if row.got]
    worst: dict[str, Row] = {}
    for row in wrong or rows:
        held = worst.setdefault(row.array, row)
        if (row.passed, -row.error) < (held.passed, -held.error):
            worst[row.array] = row
    return list(worst.values())


@checked
def check_model(
    model: AModel, x: Arrays, y: Arrays | None, *, sample_weight: Any = None,
    tolerance: NonNegative = 1e-9,
    training: bool = False, raise_on_error: bool = False,
) -> GradientTable:  # fmt: skip
    """Hold every gradient of the model's loss against exact derivatives, layer by layer.

    The loss is the model's own, fused with the last softmax where training fuses it. The model is
    not touched. It is ``npcnn.trace(model, x, y).check()``, for models in float64.

    Args:
        model: built, compiled, float64.
        x: a few samples.
        y: their targets.
        sample_weight: one a sample, or None.
        tolerance: the largest relative error that passes.
        training: True to check with dropout, its mask that of the model's next step.
        raise_on_error: whether a gradient that is wrong raises NumericsError.

    Raises:
        StateError: the model is not built or not compiled. DtypeError: it is not float64.

    >>> from npcnn import Sequential, layers
    >>> model = Sequential(
    ...     [layers.Input((4,)), layers.Dense(3, activation="softmax")], dtype="float64"
    ... )
    >>> model.compile("sgd", "sparse_categorical_crossentropy")
    >>> check_model(model, np.eye(4), [0, 1, 2, 0]).passed
    True
    """
    if model.dtype != np.float64:
        fix = "make it with dtype='float64' and set_weights"
        raise DtypeError(message("check_model(model)", "float64", str(model.dtype), fix))
    step = traced("check_model", model, x, y, training, sample_weight)
    return step.check(tolerance=tolerance, raise_on_error=raise_on_error)
