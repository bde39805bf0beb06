"""Layers made of layers: a class of the user's whose `call` says how its parts hang together.

Such a layer has no arithmetic of its own, so neither `forward` nor `backward`: its `call` is made
once, on symbolic tensors, and what its parts were called on is its graph. A model takes it apart.
"""

from __future__ import annotations

import functools
import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from npcnn.checks import ArgumentError, message
from npcnn.graph import operations_by_depth, ordered_nodes, read_graph
from npcnn.layers.given import Given, filled, is_symbolic_one, same, taken
from npcnn.layers.input_layer import InputLayer
from npcnn.layers.parts import Form
from npcnn.names import uncounted
from npcnn.nested import Within
from npcnn.ops.entry import Recording, recording
from npcnn.random import moment
from npcnn.symbolic import KerasTensor, Node, give_names, leaves_of, tensors

Ends = tuple[list[KerasTensor], list[KerasTensor]]


@uncounted()
def traced(
    call: Callable[..., Any], shapes: list[tuple[Any, ...]], dtype: Any, where: str,
    given: Given | None = None,
) -> tuple[Ends, Any]:  # fmt: skip
    """Return inputs and outputs of the graph that `call` makes, and its outputs as it gave them.

    Args:
        call: takes a symbolic tensor, or a list or dict of them, and calls layers on it.
        shapes: of the inputs, with None for the batch.
        dtype: of all.
        where: for the message.
        given: its arguments, with places for the inputs; None for one, or several in a list.

    Raises:
        DtypeError: it does something else with its input than calling layers.
        ArgumentError: it calls others in training, apart from those that do nothing otherwise.
    """
    if "training" not in inspect.signature(call).parameters:
        found = _traced(call, shapes, dtype, where, given)
        _hold(found[0], found[0])
        return found
    found = _traced(functools.partial(call, training=True), shapes, dtype, where, given)
    other, _ = _traced(functools.partial(call, training=False), shapes, dtype, where, given)
    ran, otherwise = _kinds(*found[0]), _kinds(*other)
    if ran != otherwise:
        fix = "let call() do the same whatever training is, apart from layers such as Dropout"
        expected = "the same layers in training and otherwise"
        raise ArgumentError(message(where, expected, f"{ran} and {otherwise}", fix))
    _hold(found[0], other)
    return found


def _hold(found: Ends, other: Ends) -> None:
    """Keep what calls are told of training that are told it in training and otherwise."""
    told = {number: node.training for number, node in _numbered(other)}
    for number, node in _numbered(found):
        node.training = node.training if told.get(number) is node.training else None
        node.held = node.training


def _numbered(ends: Ends) -> Iterator[tuple[tuple[int, int], Node]]:
    """Yield the calls of a graph with whose they are, and which of that layer's calls."""
    times: Counter[int] = Counter()
    for node in ordered_nodes(*ends):
        times[id(node.operation)] += 1
        yield (id(node.operation), times[id(node.operation)]), node


def _kinds(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> str:
    """Return the classes of the layers of a graph, but for those that only act in training."""
    every = (leaf for one in operations_by_depth(inputs, outputs) for leaf in leaves_of(one))
    return ", ".join(type(leaf).__name__ for leaf in every if not leaf.training_only)


def _traced(
    call: Callable[..., Any], shapes: list[tuple[Any, ...]], dtype: Any, where: str,
    given: Given | None,
) -> tuple[Ends, Any]:  # fmt: skip
    ins: list[KerasTensor] = [InputLayer(shape[1:], dtype=dtype).output for shape in shapes]
    args, kwargs = ((ins if len(ins) > 1 else ins[0],), {}) if given is None else filled(given, ins)
    owner = getattr(getattr(call, "func", call), "__self__", call)
    with recording(Recording(symbolic=True)), Within(owner, where):
        found = call(*args, **kwargs)
    listed = taken(found, is_symbolic_one)[1] or tensors(found, where)
    return (ins, listed), found


def called(layer: Any, arrays: list[Any], training: bool | None, given: Given) -> Any:
    """Return what the layers of a composed one make of arrays; the first call makes its graph."""
    with uncounted():
        ins = [InputLayer(one.shape[1:], dtype=layer.dtype).output for one in arrays]
    compose(layer, ins, None, given)
    graph = read_graph(*layer.ends)
    values: list[Any] = [one.astype(layer.dtype) for one in arrays]
    step = moment(layer.call_moments)
    for call in graph.calls:
        own = [values[value] for value in call.inputs]
        x, how = own if call.layer.merges else own[0], call.told(training)
        values.append(call.forward(x, how, step, False))
    return filled(layer._form.structure, [values[value] for value in graph.outputs])


def graph_of(layer: Any, given: Given, shapes: list[Any]) -> None:
    """Make a layer's graph: what its `call` calls for inputs of these shapes."""
    where = f"{layer.label}.call(x)"
    layer.ends, found = traced(layer.call, shapes, layer.dtype, where, given)
    give_names(layer.made_of(), set(), where)
    layer.input_shape = tuple(shapes) if len(shapes) > 1 else shapes[0]
    outputs = [tensor.shape for tensor in layer.ends[1]]
    layer.output_shape = tuple(outputs) if len(outputs) > 1 else outputs[0]
    vars(layer).update(_given=given, _form=Form(taken(found, is_symbolic_one)[0], outputs))
    if not layer.trainable:
        layer.trainable = False


def compose(layer: Any, found: list[KerasTensor], training: bool | None, given: Given) -> Any:
    """Note a call of a layer with a graph, made at the first, and return what comes out."""
    shapes = [tensor.shape for tensor in found]
    if layer.ends is None:
        layer.check_dtype(np.dtype(found[0].dtype))
        layer.dtype = np.dtype(found[0].dtype)
        graph_of(layer, given, shapes)
    wanted = [tensor.shape for tensor in layer.ends[0]]
    if shapes != wanted or not same(tuple(given), tuple(layer._given)):
        fix = "make a new layer for it"
        got = str(shapes) if shapes != wanted else "others"
        expected = str(wanted) if shapes != wanted else "the arguments of its first call"
        raise ArgumentError(message(layer.label, expected, got, fix))
    node = Node(layer, found, layer._form.shapes, layer.dtype, training, given)
    return filled(layer._form.structure, node.outputs)
