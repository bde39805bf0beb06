"""Layers with kernels within a `call` that is recorded: their passes are steps of the recording."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import numpy as np

from npcnn import strangers
from npcnn.checks import ArgumentError, DtypeError, StateError, message
from npcnn.layers.given import Given, filled, is_array, taken
from npcnn.layers.parameter import planning
from npcnn.layers.recorded import one_call, packed, told
from npcnn.layers.settling import prepare
from npcnn.ops.entry import Recording, plain, recorded_now, recording
from npcnn.ops.tape import FUNCTIONS, Tensor
from npcnn.random import moment
from npcnn.symbolic import KerasTensor
from npcnn.written import marked

Array = np.ndarray


def tensor(value: Any, dtype: Any) -> Tensor:
    """Return numbers as what is recorded of them, in a layer's dtype."""
    one = value if isinstance(value, Tensor) else Tensor(np.asarray(plain(value)))
    return one if one.dtype == dtype else FUNCTIONS["cast"](one, np.dtype(dtype).name)


def through(layer: Any, x: Any, training: bool) -> Tensor:
    """Return what a layer's `forward` gives, to be gone back through by its `backward`."""
    own = recorded_now()
    layer._require_list(x)
    listed = list(x) if layer.merges else [x]
    if not layer.built or layer.dtype is None:
        shapes = [(None, *np.shape(one)[1:]) for one in listed]
        first = next((one.dtype for one in listed if getattr(one, "dtype", None) is not None), None)
        shape = tuple(shapes) if layer.merges else shapes[0]
        with recording(None):
            if own is not None and not own.probing:
                _require_no_weights(copy.deepcopy(layer), shape, _float(first))
            layer.build(shape, _float(first))
    xs = [tensor(one, layer.dtype) for one in listed]
    _check_shapes(layer, xs)
    weights = _weights(layer, own)
    y, saved = _forward(layer, [one.value for one in xs], training, own)

    def back(gradient: Array) -> tuple[Any, ...]:
        return _back(layer, saved, np.asarray(gradient), [name for name, _ in weights])

    end = Tensor(y, (*xs, *(one for _, one in weights)), back)
    if own is not None and layer.activity_regularizer is not None:
        own.losses.append(_penalty(layer.activity_regularizer, end))
    return end


def _require_no_weights(layer: Any, shape: Any, dtype: Any) -> None:
    """Raise StateError if a layer that is built this late has weights, of which no model knows."""
    layer.build(shape, dtype)
    if layer.parameter_names:
        fix = "make it in __init__, and call it in training and otherwise or build it in build()"
        got = "one that it makes or builds"
        raise StateError(message(layer.label, "a layer built before this pass", got, fix))


def _float(dtype: Any) -> str | None:
    return str(dtype) if str(dtype) in ("float32", "float64") else None


def _check_shapes(layer: Any, xs: list[Tensor]) -> None:
    """Raise ArgumentError unless a layer takes what it is given, of other shapes than before."""
    shapes = tuple((None, *one.shape[1:]) for one in xs)
    shape = shapes if layer.merges else shapes[0]
    if shape != layer.input_shape:
        with recording(None):
            if layer.has_call:
                fits = layer.native.compute_output_shape(layer, shape)
            else:
                fits = layer.infer_output_shape(shape)
        if not fits:
            fix = "give samples of the shape that it was built for"
            raise ArgumentError(message(layer.label, str(layer.input_shape), str(shape), fix))


def _weights(layer: Any, own: Recording | None) -> list[tuple[str, Tensor]]:
    if own is None or planning():
        return []
    return [(name, own.of(layer.weight_of(name))) for name in layer.parameter_names]


def _kind(layer: Any) -> Any:
    return layer.native or type(layer)


def _forward(layer: Any, xs: list[Array], training: bool, own: Recording | None) -> Any:
    """Return what `forward` gives, and what it keeps."""
    x = xs if layer.merges else xs[0]
    with recording(None):
        if planning():  # a file is read: shapes are all there is
            shape = tuple((None, *one.shape[1:]) for one in xs)
            found = _kind(layer).compute_output_shape(layer, shape if layer.merges else shape[0])
            return np.zeros((len(xs[0]), *found[1:]), layer.dtype), None
        step = moment(layer.call_moments) if own is None else own.step
        kept = layer.kept()
        # where only the shape is asked for, there is no batch to count
        names = layer.state_names if own is not None and own.probing else ()
        state = [(vars(layer)[name], vars(layer)[name].copy()) for name in names]
        if own is not None:
            layer.count_call(own.calls[id(layer)])
            own.calls[id(layer)] += 1
        try:
            y = _kind(layer).forward(layer, x, training, step, True)
            return y, layer.kept()
        finally:
            layer.count_call(0)
            layer.keep(kept)
            for value, before in state:
                value[...] = before


def _back(layer: Any, saved: Any, gradient: Array, names: list[str]) -> tuple[Any, ...]:
    """Return the gradients by the inputs, and by the weights of these names."""
    before = {name: grad for name, _, grad in layer.parameters()}
    now = {name: np.zeros_like(grad) for name, grad in before.items()}
    kept = layer.kept()
    try:
        layer.write_gradients(now)
        layer.keep(saved)
        known = layer.has_call or strangers.own(layer)
        with recording(None), contextlib.nullcontext() if known else marked(layer):
            found = _kind(layer).backward(layer, gradient.astype(layer.dtype, copy=False))
    finally:
        layer.write_gradients(before)
        layer.keep(kept)
    return (*(found if layer.merges else [found]), *(now[name] for name in names))


def _penalty(regularizer: Any, y: Tensor) -> Tensor:
    """Return what an activity regularizer adds to the loss: a sample's share."""
    share = 1 / len(y)

    def back(gradient: Array) -> tuple[Array]:
        return (regularizer.back(np.zeros_like(y.value), y.value, share) * gradient,)

    return Tensor(np.asarray(share * regularizer(y.value), y.dtype), (y,), back)


def is_taped(value: Any) -> bool:
    """Return whether there is a recorded array in a structure."""
    if isinstance(value, np.ndarray):  # by far the most, and taking it apart takes 2 µs
        return False
    return any(isinstance(one, Tensor) for one in taken(value, is_array)[1])


def within(layer: Any, args: Any, kwargs: Any, training: bool | None) -> Any:
    """Return what a layer gives within a recorded `call`."""
    if not layer.has_call:
        how = _how(training)
        return layer.call(args[0]) if layer.is_operation else through(layer, args[0], how)
    structure, found = taken((args, kwargs), is_array)
    shapes = [(None, *one.shape[1:]) for one in found]
    shape = tuple(shapes) if len(shapes) > 1 else shapes[0]
    prepare(layer, shape, None, Given(*structure))
    layer.recorded = layer.ends is None
    args, kwargs = filled(structure, [tensor(one, layer.dtype) for one in found])
    return _told(layer, args, kwargs, training)


def _how(training: bool | None) -> bool:
    """Return whether a call is in training that need not say: as what it is within, then."""
    own = recorded_now()
    return bool(own and own.training) if training is None else training


def _told(thing: Any, args: Any, kwargs: Any, training: bool | None) -> Any:
    """Return what a `call` gives; what it is told of training, all within it are told."""
    own, how = recorded_now(), _how(training)
    if own is None:
        with recording(Recording(training=how)):
            return told(thing, args, kwargs, how)
    outer, own.training = own.training, how
    try:
        return told(thing, args, kwargs, how)
    finally:
        own.training = outer


def natively(layer: Any, x: Any, training: bool) -> Any:
    """Return what the class of npcnn's that a user's class is made from gives."""
    if isinstance(x, KerasTensor):
        fix = "it is computed with numbers alone"
        raise DtypeError(message(f"{layer.label}.call(x)", "an array", "a symbolic tensor", fix))
    return through(layer, x, training)


def within_call(model: Any, x: Any, training: bool | None) -> Any:
    """Return what a model gives within a recorded `call`."""
    structure, found = taken(x, is_array)
    if not model.built:  # else nobody would know its weights, and so learn them
        with recording(None):
            model._prepare(filled(structure, [(None, *one.shape[1:]) for one in found]))
    if model.is_written:
        return _told(model, (x,), {}, training)
    values: list[Any] = [one if isinstance(one, Tensor) else Tensor(one) for one in found]
    for call in model.graph.calls:
        own = [values[value] for value in call.inputs]
        values.append(_call_within(call, own, training if call.held is None else call.held))
    return model.arranged([values[value] for value in model.graph.outputs])


def _call_within(call: Any, xs: list[Tensor], training: bool | None) -> Tensor:
    """Return what a call of a graph gives there; several outputs side by side, as in a step."""
    layer = call.layer
    if not layer.recorded:
        return within(layer, (xs if layer.merges else xs[0],), {}, training)
    args, kwargs = filled(call.given or one_call(len(xs)), xs)
    y = within(layer, args, kwargs, training)
    found = taken(y, is_array)[1]
    return packed(layer, found)
