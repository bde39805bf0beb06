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

from npcnn.checks import ArgumentError, DtypeError, as_numbers, message, shown
from npcnn.graph import operations_by_depth, ordered_nodes, read_graph
from npcnn.layers.input_layer import InputLayer
from npcnn.symbolic import KerasTensor, Node, give_names, leaves_of, tensors

Ends = tuple[list[KerasTensor], list[KerasTensor]]


def traced(
    call: Callable[..., Any], shapes: list[tuple[Any, ...]], dtype: Any, listed: bool, where: str,
    keys: list[str] | None = None,
) -> tuple[Ends, Any]:  # fmt: skip
    """Return inputs and outputs of the graph that `call` makes, and its outputs as it gave them.

    Args:
        call: takes a symbolic tensor, or a list or dict of them, and calls layers on it.
        shapes: of the inputs, with None for the batch.
        dtype: of all.
        listed: whether it takes a list even if there is one.
        where: for the message.
        keys: of the inputs, where it takes a dict.

    Raises:
        DtypeError: it does something else with its input than calling layers.
        ArgumentError: it calls others in training, apart from those that do nothing otherwise.
    """
    if "training" not in inspect.signature(call).parameters:
        found = _traced(call, shapes, dtype, listed, where, keys)
        _hold(found[0], found[0])
        return found
    how = shapes, dtype, listed, where, keys
    found = _traced(functools.partial(call, training=True), *how)
    other, _ = _traced(functools.partial(call, training=False), *how)
    ran, otherwise = _kinds(*found[0]), _kinds(*other)
    if ran != otherwise:
        fix = "let call() do the same whatever training is, apart from layers such as Dropout"
        expected = "the same layers in training and otherwise"
        raise ArgumentError(message(where, expected, f"{ran} and {otherwise}", fix))
    _hold(found[0], other)
    return found


def _hold(found: Ends, other: Ends) -> None:
    """Keep the calls at inference that are told `training=False` in training, too."""
    told = {number: node.training for number, node in _numbered(other)}
    for number, node in _numbered(found):
        node.held = node.training is False and told.get(number) is False


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
    call: Callable[..., Any], shapes: list[tuple[Any, ...]], dtype: Any, listed: bool, where: str,
    keys: list[str] | None,
) -> tuple[Ends, Any]:  # fmt: skip
    ins: list[KerasTensor] = [InputLayer(shape[1:], dtype=dtype).output for shape in shapes]
    x: Any = ins if listed or len(ins) > 1 else ins[0]
    given = call(x if keys is None else dict(zip(keys, ins, strict=True)))
    listed_outputs = given if isinstance(given, (list, tuple, dict)) else [given]
    if not listed_outputs:
        fix = "return what layers gave for the input"
        raise DtypeError(message(where, "an output", shown(given), fix))
    return (ins, tensors(given, where)), given


def called(layer: Any, x: Any, training: bool) -> Any:
    """Return what the layers of a composed one make of arrays; the first call makes its graph."""
    where = f"{layer.label}(x)"
    given = [as_numbers(one, where) for one in (x if isinstance(x, (list, tuple)) else [x])]
    ins = [InputLayer(one.shape[1:], dtype=layer.dtype).output for one in given]
    compose(layer, ins, None)
    graph = read_graph(*layer.ends)
    values: list[Any] = [one.astype(layer.dtype) for one in given]
    for call in graph.calls:
        own = [values[value] for value in call.inputs]
        how = training and not call.held
        values.append(call.layer.forward(own if call.layer.merges else own[0], how, 0, False))
    outputs = [values[value] for value in graph.outputs]
    return outputs if len(outputs) > 1 else outputs[0]


def compose(layer: Any, given: list[KerasTensor], training: bool | None) -> Any:
    """Make a layer's graph, at its first call, and return what comes out for these tensors."""
    shapes = [tensor.shape for tensor in given]
    if layer.activity_regularizer is not None:
        fix = "give it to the last layer in it"
        expected, got = "no activity_regularizer on a layer made of layers", "one"
        raise ArgumentError(message(layer.label, expected, got, fix))
    if layer.ends is None:
        layer.check_dtype(np.dtype(given[0].dtype))
        layer.dtype = np.dtype(given[0].dtype)
        where = f"{layer.label}.call(x)"
        layer.ends, _ = traced(layer.call, shapes, layer.dtype, False, where)
        give_names(layer.parts(), set(), where)
        layer.input_shape = tuple(shapes) if len(shapes) > 1 else shapes[0]
        outputs = [tensor.shape for tensor in layer.ends[1]]
        layer.output_shape = tuple(outputs) if len(outputs) > 1 else outputs[0]
        layer.trainable = layer.trainable
    wanted = [tensor.shape for tensor in layer.ends[0]]
    if shapes != wanted:
        fix = "make a new layer for it"
        raise ArgumentError(message(layer.label, str(wanted), str(shapes), fix))
    out = [tensor.shape for tensor in layer.ends[1]]
    node = Node(layer, given, out, layer.dtype, training)
    return node.outputs if len(node.outputs) > 1 else node.outputs[0]
