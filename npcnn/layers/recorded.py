"""Layers whose `call` computes with numbers: it is recorded at each pass, and gone back through.

A user's class with a `call` and weights of its own (`add_weight`), or with functions of
`npcnn.ops` in it, is such a layer; one that only calls other layers is taken apart
(`layers/composed.py`).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from npcnn import config
from npcnn.checks import ArgumentError, DtypeError, message, shown
from npcnn.layers.parameter import planned
from npcnn.ops.entry import Recording, fixed, read, recording
from npcnn.ops.tape import Tensor, gradients
from npcnn.symbolic import KerasTensor, Operation
from npcnn.variables import Variable

Array = np.ndarray
PROBE = 2  # samples that a layer is called on to see what shape comes out


def inner_layers(layer: Any) -> list[Any]:
    """Return the layers and models that a layer's attributes hold."""
    return [one for name, value in vars(layer).items() if name[0] != "_" for one in _in(value)]


def _in(value: Any) -> Iterator[Any]:
    if isinstance(value, Operation):
        yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _in(one)
    elif isinstance(value, dict):
        yield from _in(list(value.values()))


def takes(call: Any, name: str) -> bool:
    """Return whether a function has an argument of this name."""
    return name in inspect.signature(call).parameters


def prepare(layer: Any, shape: Any, dtype: Any) -> None:
    """Let a user's layer make its weights: its `build` is called, once."""
    if layer.prepared:
        return
    layer.dtype = config.float_dtype(layer.dtype or dtype, f"{layer.label}(dtype)")
    layer.prepared = True
    try:
        type(layer).build(layer, shape)
    except BaseException:
        layer.prepared = False
        raise
    if not inner_layers(layer):
        own = layer.declared or takes(layer.call, "training")
        layer.recorded = bool(own) or not _only_calls_layers(layer, shape)
    elif layer.declared:
        fix = "put the weights into a layer of their own, and call it in call()"
        got = ", ".join(layer.declared)
        raise ArgumentError(message(layer.label, "no weights beside layers", got, fix))
    if layer.recorded:
        layer.replays = False
        layer.merges = isinstance(shape[0], (tuple, list))
        layer.output_shape = layer.infer_output_shape(shape)
        layer.input_shape = shape


def prepare_for(layer: Any, x: Any, dtype: Any) -> None:
    """Let a user's layer make its weights for what it is called on."""
    several = isinstance(x, (list, tuple))
    shapes = tuple(
        (None, *np.shape(one)[1:]) if not isinstance(one, KerasTensor) else one.shape
        for one in (x if several else [x])
    )
    prepare(layer, shapes if several else shapes[0], dtype)


def within(layer: Any, x: Tensor, training: bool) -> Tensor:
    """Return what a layer without weights gives for numbers that can be gone back through."""
    if layer.has_call:
        prepare_for(layer, x.value, None)
    layer.build((None, *x.shape[1:]), x.dtype)
    if layer.declared or layer.composed:
        fix = "make it in __init__ and keep it as an attribute"
        raise ArgumentError(message(layer.label, "a layer without weights in call()", "one", fix))
    y = layer.forward(x.value, training)

    def back(g: Array) -> tuple[Any]:
        layer.forward(x.value, training)
        return (layer.backward(np.asarray(g)),)

    return Tensor(y, (x,), back)


def _only_calls_layers(layer: Any, shape: Any) -> bool:
    """Return whether `call` is layers and plain arithmetic, which have kernels."""
    from npcnn.layers.composed import traced
    from npcnn.layers.operation import plainly

    shapes = list(shape) if isinstance(shape[0], tuple) else [shape]
    before = dict(vars(layer))
    try:
        with plainly(), planned():
            traced(layer.call, shapes, layer.dtype, False, layer.label)
        return True
    except Exception:  # whatever it does with an array, it is given one
        vars(layer).clear()
        vars(layer).update(before)
        return False


def called(layer: Any, x: Any, training: bool) -> tuple[Recording, list[Tensor], Tensor]:
    """Return what `call` makes of arrays, with what it was made from."""
    several = isinstance(x, (list, tuple))
    given = [Tensor(fixed(np.asarray(one))) for one in (x if several else [x])]
    how = {"training": training} if takes(layer.call, "training") else {}
    with recording() as own:
        y = layer.call(list(given) if several else given[0], **how)
        y = read(y) if isinstance(y, Variable) else y
    if not isinstance(y, Tensor) and isinstance(y, np.ndarray):
        y = Tensor(y)
    if not isinstance(y, Tensor):
        fix = "return one array, made from the input by npcnn.ops"
        raise DtypeError(message(f"{layer.label}.call(x)", "an array", shown(y), fix))
    return own, given, y


def forward(layer: Any, x: Any, training: bool, keep: bool) -> Array:
    """Return what a recorded layer gives."""
    own, given, y = called(layer, x, training)
    if keep:
        layer._saved = own, given, y
    layer.added = tuple(float(loss.value.sum()) for loss in own.losses)
    return np.array(y.value, layer.dtype, order="C")


def backward(layer: Any, grad_y: Array) -> Any:
    """Write the gradients by the weights; return that by the input, or by each of several."""
    own, given, y = layer.saved()
    ends = [
        (y, np.asarray(grad_y, y.dtype)),
        *((loss, np.ones_like(loss.value)) for loss in own.losses),
    ]
    found = gradients(ends)
    for name, _, gradient in layer.parameters():
        tensor = own.weights.get((id(layer), name))
        gradient[...] = 0 if tensor is None else found.get(tensor, 0)
    back = [np.array(found.get(one, np.zeros(one.shape)), layer.dtype) for one in given]
    return back if layer.merges else back[0]


def output_shape(layer: Any, input_shape: Any) -> tuple[Any, ...]:
    """Return the shape of what comes out for two samples of this shape."""
    several = isinstance(input_shape[0], (tuple, list))
    shapes = input_shape if several else [input_shape]
    probes = [np.full((PROBE, *shape[1:]), 0.5, layer.dtype) for shape in shapes]
    before = {name: vars(layer)[name].copy() for name in layer.declared if name in vars(layer)}
    with np.errstate(all="ignore"):
        y = called(layer, probes if several else probes[0], False)[2]
    for name, value in before.items():  # what call() assigns, it assigns to numbers of its user
        vars(layer)[name][...] = value
    if not y.ndim or y.shape[0] != PROBE:
        fix = "keep the first axis, the samples'"
        got = f"{y.shape} for {PROBE} samples"
        raise ArgumentError(message(f"{layer.label}.call(x)", "a row a sample", got, fix))
    return (None, *y.shape[1:])
