"""What is found out of a user's layer at its first call: its weights, its kind, what comes out."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from npcnn import config
from npcnn.chance import SeedGenerator
from npcnn.checks import ArgumentError, message
from npcnn.layers import owning
from npcnn.layers.given import Given, filled
from npcnn.layers.parameter import planned
from npcnn.layers.parts import Form, counting, every, held, in_dtype, inner_layers, is_metric
from npcnn.layers.recorded import called, one_call, plain_call, size_of, takes
from npcnn.nested import EndlessCallError
from npcnn.symbolic import give_names

PROBE = 2  # samples that a layer is called on to see what shape comes out


def once(build: Any) -> Any:
    """Return a `build` that makes a layer's weights once, whoever calls it, and however often."""

    @functools.wraps(build)
    def called_once(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if layer.building:  # for `prepare`, or for the `build` of a class made from this one
            return build(layer, *args, **kwargs)
        if not layer.is_prepared:
            shapes = (*args, *kwargs.values())
            shape = shapes[0] if len(shapes) == 1 else shapes
            prepare(layer, shape, None, lambda: called_once(layer, *args, **kwargs))
        return None

    return called_once


def prepare(layer: Any, shape: Any, dtype: Any = None, given: Any = None) -> None:
    """Let a user's layer make its weights: its `build` is called, once.

    Args:
        layer: whose class has a `call`.
        shape: of its input; those of several in a tuple.
        dtype: of it.
        given: the arguments that it is called with, as `Given`, or what builds it; without, the
            input alone.
    """
    if layer.is_prepared:
        return
    layer.dtype = config.float_dtype(layer.dtype or dtype, f"{layer.label}(dtype)")
    layer.is_prepared = layer.building = True
    try:
        if given is None or isinstance(given, Given):
            _build(layer, shape, given)
        else:
            given()
        owning.own(layer)
    except BaseException:
        layer.is_prepared = False
        raise
    finally:
        layer.building = False
    layer.input_shape = shape


def _require_arguments(layer: Any, given: Given) -> None:
    """Raise ArgumentError unless `call` takes these arguments."""
    try:
        inspect.signature(layer.call).bind(*given.args, **given.kwargs)
    except TypeError as error:
        where, fix = f"{layer.label}(…)", "call it as its call() says"
        raise ArgumentError(message(where, "arguments of call()", str(error), fix)) from None


def _build(layer: Any, shape: Any, given: Given | None) -> None:
    """Call `build` as Keras does: with one shape, or with those of the arguments that it names."""
    build = type(layer).build
    own = build is not type(layer).plain.build and not str(build.__module__).startswith("npcnn.")
    names = [*inspect.signature(build).parameters][1:] if own else []
    if given is None or len(names) < 2:
        return build(layer, shape)
    shapes = shape if isinstance(shape[0], (tuple, list)) else [shape]
    args, kwargs = filled(given, shapes)
    arguments = inspect.signature(layer.call).bind(*args, **kwargs).arguments
    known = {f"{name}_shape": value for name, value in arguments.items()}
    missing = [name for name in names if name not in known]
    if missing:
        fix = "call build's arguments after call's, with _shape behind"
        got = ", ".join(missing)
        raise ArgumentError(message(f"{layer.label}.build()", ", ".join(known), got, fix))
    return build(layer, **{name: known[name] for name in names})


def settle(layer: Any, given: Given, shapes: list[Any], dtype: Any) -> None:
    """Find out whether `call` is layers, or is to be recorded, and what it then returns."""
    _require_arguments(layer, given)
    prepare(layer, tuple(shapes) if len(shapes) > 1 or _listed(given) else shapes[0], dtype, given)
    if layer.ends is not None:
        return
    if not layer.recorded:
        layer.recorded = _must_be_recorded(layer) or not _only_calls_layers(layer, given, shapes)
    if layer.recorded and layer._form is None:
        vars(layer)["_given"], layer.replays = given, False
        vars(layer)["merges"] = len(shapes) > 1
        vars(layer)["_form"] = form = probed(layer, given, shapes)
        for part in every([layer]):
            if part.recorded:
                give_names(part.made_of() or [], set(), part.label)
        layer.held_layers = layer.made_of() or []
        out = form.shapes
        layer.output_shape = tuple(out) if len(out) > 1 else out[0]


def always(layer: Any, shapes: list[Any]) -> None:
    """Have a user's layer recorded, even if its `call` is a graph; in the dtype that it has."""
    several = len(shapes) > 1
    given = layer._given or one_call(len(shapes))
    prepare(layer, tuple(shapes) if several else shapes[0], layer.dtype, given)
    in_dtype(layer, layer.dtype)
    vars(layer)["_form"] = None
    layer.ends, layer.held_layers, layer.recorded = None, None, True
    settle(layer, given, shapes, layer.dtype)


def _listed(given: Given) -> bool:
    return len(given.args) == 1 and isinstance(given.args[0], (list, tuple))


def _must_be_recorded(layer: Any) -> bool:
    """Return whether it has what a graph of layers would not have."""
    counted = any(is_metric(one) or isinstance(one, SeedGenerator) for one in held(layer))
    alone = not inner_layers(layer) and takes(layer.call, "training")
    own = layer.native is not None or layer.declared or layer.activity_regularizer is not None
    return bool(own or counted or alone)


def _only_calls_layers(layer: Any, given: Given, shapes: list[Any]) -> bool:
    """Return whether `call` is layers and plain arithmetic, which have kernels."""
    from npcnn.layers.composed import graph_of, traced
    from npcnn.layers.operation import plainly

    inner = inner_layers(layer)
    before = dict(vars(layer))
    called = [(one, len(one._inbound_nodes)) for one in every(inner)]
    try:
        if inner:
            graph_of(layer, given, shapes)
        else:
            with plainly(), planned():
                traced(layer.call, shapes, layer.dtype, layer.label, given)
        return True
    except Exception as error:  # whatever it does with an array, it is given one
        vars(layer).clear()
        vars(layer).update(before)
        for one, count in called:
            del one._inbound_nodes[count:]
        if isinstance(error, EndlessCallError):
            raise
        return False


@contextlib.contextmanager
def _as_it_was(layer: Any) -> Iterator[None]:
    """Put back what a `call` counts and draws within."""
    counted = counting(every([layer]))
    try:
        yield
    finally:
        for one, kept in counted:
            one.set_state(kept)


def probed(layer: Any, given: Given, shapes: list[Any]) -> Form:
    """Return what comes out, and in what shapes, for two samples."""
    probes = [np.full((PROBE, *shape[1:]), 0.5, layer.dtype) for shape in shapes]
    with _as_it_was(layer), np.errstate(all="ignore"):
        _, _, structure, found = called(layer, given, probes, False, 0, True)
    for y in found:
        if not y.ndim or y.shape[0] != PROBE:
            fix = "keep the first axis, the samples'"
            got = f"{y.shape} for {PROBE} samples"
            raise ArgumentError(message(f"{layer.label}.call(x)", "a row a sample", got, fix))
    return Form(structure, [(None, *y.shape[1:]) for y in found])


def output_shape(layer: Any, input_shape: Any) -> Any:
    """Return the shape of what comes out; of several, what the graph has for them (`Part`)."""
    shapes = list(input_shape) if layer.merges else [input_shape]
    own = layer.input_shape == input_shape and layer._form is not None
    form = layer._form if own else probed(layer, layer._given, shapes)
    return form.shapes[0] if len(form.shapes) == 1 else (None, sum(map(size_of, form.shapes)))


def operation_shape(layer: Any, input_shape: Any) -> Any:
    """Return the shape of what a function's call gives."""
    shapes = list(input_shape) if isinstance(input_shape[0], tuple) else [input_shape]
    return probed(layer, plain_call(layer), shapes).shapes[0]
