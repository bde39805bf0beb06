"""A graph of layers as Keras 3 writes it: each layer with its calls; Keras 2's form is read too."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from npcnn.checks import FormatError, message
from npcnn.graph import count_calls
from npcnn.layers.base import Layer
from npcnn.layers.given import Given, filled, is_symbolic_one, taken
from npcnn.layers.operation import Operated
from npcnn.network import Network, classes
from npcnn.saving.keras_layers import input_layer, one_line, short
from npcnn.saving.keras_operations import Awaited, operation_call
from npcnn.symbolic import KerasTensor, Node

if TYPE_CHECKING:
    from npcnn.model import Model

MAX_CALLS = 10_000
FIX = "the file is damaged or no Keras model"
Ref = tuple[str, int, int]  # layer, which of its calls, which output of that


# Writing --------------------------------------------------------------------------------------


def graph_config(model: Model, entry_of: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """Return a functional model's config.

    Args:
        model: any.
        entry_of: returns a layer's class and options.
    """
    nodes = {id(node): node for node in model.graph_nodes()}
    numbers: dict[int, int] = {}
    for layer in model.made_of():
        own = [node for node in layer._inbound_nodes if id(node) in nodes]
        numbers |= {id(node): number for number, node in enumerate(own)}

    def place(tensor: KerasTensor) -> list[Any]:
        return [tensor.name, numbers[id(tensor.node)], tensor.place]

    def end(tensor: KerasTensor) -> list[Any]:
        name, number, output = place(tensor)
        return [name, number + _first(tensor.node.operation), output]

    def argument(tensor: KerasTensor) -> dict[str, Any]:
        config = {"shape": list(tensor.shape), "dtype": tensor.dtype}
        config["keras_history"] = place(tensor)
        return {"class_name": "__keras_tensor__", "config": config}

    def call(node: Node) -> dict[str, Any]:
        if isinstance(node.operation, Operated):
            return operation_call(node, argument)
        given: list[Any] = [argument(tensor) for tensor in node.inputs]
        fixed = {} if node.training is None else {"training": node.training}
        if node.given is not None:
            args, kwargs = filled(_plain(node), given)
            return {"args": list(args), "kwargs": {**kwargs, **fixed}}
        if node.keys is not None:
            return {"args": [dict(zip(node.keys, given, strict=True))], "kwargs": fixed}
        listed = isinstance(node.operation, Layer) and node.operation.merges
        return {"args": [given] if listed or len(given) > 1 else given, "kwargs": fixed}

    listed = []
    for layer in model.made_of():
        own = [node for node in layer._inbound_nodes if id(node) in nodes and node.inputs]
        calls = [call(node) for node in own]
        listed.append({**entry_of(layer), "name": layer.name, "inbound_nodes": calls})
    config: dict[str, Any] = {"name": model.name, "trainable": model.trainable, "layers": listed}
    ends = zip(("input_layers", "output_layers"), model.ends, model.structure, strict=True)
    for key, tensors, packing in ends:
        config[key] = packing.pack([end(tensor) for tensor in tensors])
    return config


def _first(part: Any) -> int:
    """Return the number that Keras 3 gives a part's first call where it lists a model's ends.

    There, and not in calls, a functional model's own node is counted before it.
    """
    return int(getattr(part, "keras_class", None) == "Functional")


def _plain(node: Node) -> Given:
    """Return the arguments of a user's layer's call, if JSON can say them."""
    others = filled(node.given, [None] * len(node.inputs))
    try:
        json.dumps(others, allow_nan=False)
    except (TypeError, ValueError) as error:
        where, fix = f"a call of {node.operation.label}", "make it an argument of the layer's class"
        raise FormatError(message(where, "what JSON can say", one_line(error), fix)) from error
    return node.given


# Reading --------------------------------------------------------------------------------------


def read_graph(config: dict[str, Any], where: str, read: Callable[[Any], Any]) -> Model:
    """Return the model that a functional config describes.

    Args:
        config: what `graph_config` returned, here or in Keras.
        where: the file, for the message.
        read: returns the layer or model that an entry describes.

    Raises:
        FormatError: the graph is not whole, or npcnn has nothing for a part of it.
    """
    made: dict[str, Any] = {}
    calls: dict[str, list[Any]] = {}
    entries = config["layers"]
    for written in entries:
        layer = read(written)
        name = written.get("name", layer.name)
        if not isinstance(name, str) or name in made:
            raise FormatError(message(where, "a name a layer", short(name), FIX))
        if layer.made_up:  # a class whose config does not have it
            layer.name, layer.made_up = name, False
        made[name], calls[name] = layer, _calls(written.get("inbound_nodes"), where, layer)
    if sum(map(len, calls.values())) > MAX_CALLS:
        got = str(sum(map(len, calls.values())))
        raise FormatError(message(where, f"at most {MAX_CALLS} calls", got, FIX))
    whole = [one for one in made.values() if not isinstance(one, Awaited)]
    own = [one for one in whole if isinstance(one, Network) or not one.is_input]
    dtype = one_dtype(own, where)
    values: dict[Ref, KerasTensor] = {}
    for name, written in zip(made, entries, strict=True):
        if isinstance(made[name], Layer) and made[name].is_input:
            made[name] = input_layer(written["config"], dtype)
            made[name].name = name
            values[name, 0, 0] = made[name].output
    written_ends = [config.get(key) for key in ("input_layers", "output_layers")]
    first = {name: _first(part) for name, part in made.items()}
    if any(isinstance(node, list) for one in entries for node in one["inbound_nodes"]):
        first = _recounted(made, calls, written_ends, where)
    _connect(made, calls, values, where)
    ends = [_ends(written, values, first, where) for written in written_ends]
    name = config.get("name")
    model = classes["Functional"](ends[0], ends[1], name=name)
    total = count_calls(model)
    if total > MAX_CALLS:
        got = f"{total:.3g} in models within the model"
        raise FormatError(message(where, f"at most {MAX_CALLS} calls", got, FIX))
    if config.get("trainable") is False and not any(layer.trainable for layer in model.leaves):
        model.trainable = False
    return model


def one_dtype(layers: list[Any], where: str) -> Any:
    """Return the dtype that all layers have, None if none says one."""
    dtypes = {one.dtype for one in layers if one.dtype is not None}
    if len(dtypes) > 1:
        got = " and ".join(sorted(str(dtype) for dtype in dtypes))
        raise FormatError(message(where, "one dtype in all layers", got, "convert it in Keras"))
    return dtypes.pop() if dtypes else None


def _recounted(
    made: dict[str, Any], calls: dict[str, list[Any]], ends: list[Any], where: str
) -> dict[str, int]:
    """Count models' calls from 0 in calls as Keras 2 writes them; return what ends count from.

    Keras 2 counts from 1 wherever a model's own node comes before, from 0 where it has none. Some
    call or end uses the first.
    """
    used = [ref for own in calls.values() for refs, _, _ in own for ref in refs]
    for written in ends:
        used += [_ref(one, where) for one in taken(written, _is_end)[1]]
    first: dict[str, int] = {}
    for name, number, _ in used:
        if isinstance(made.get(name), Network):
            first[name] = min(number, first.get(name, number))
    for own in calls.values():
        for refs, _, _ in own:
            refs[:] = [(name, number - first.get(name, 0), place) for name, number, place in refs]
    return first


def _connect(
    made: dict[str, Any], calls: dict[str, list[Any]], values: dict[Ref, KerasTensor], where: str
) -> None:
    """Call the layers on one another, each as soon as what it is given is there."""
    waiting: dict[Ref, list[str]] = {}
    done = dict.fromkeys(made, 0)
    ready = list(reversed(made))
    while ready:
        name = ready.pop()
        layer = made[name]
        while done[name] < len(calls[name]):
            refs, *how = calls[name][done[name]]
            missing = next((ref for ref in refs if ref not in values), None)
            if missing is not None:
                waiting.setdefault(missing, []).append(name)
                break
            found = _called(layer, done[name], [values[ref] for ref in refs], how, where)
            for place, tensor in enumerate(taken(found, is_symbolic_one)[1]):
                ref = (name, done[name], place)
                values[ref] = tensor
                ready += waiting.pop(ref, [])
            done[name] += 1
    if waiting:
        ref, names = next(iter(waiting.items()))
        got = f"{short(names[0])} asks for output {ref[2]} of call {ref[1]} of {short(ref[0])}"
        raise FormatError(message(where, "a graph without gaps and circles", got, FIX))


def _called(layer: Any, number: int, given: list[KerasTensor], how: list[Any], where: str) -> Any:
    """Return what comes out of one call."""
    training, structure = how
    if structure is not None and isinstance(layer, Network):
        return layer.on_tensors(filled(structure.args[0], given), training)
    if structure is not None:
        return layer.on_tensors(given, training, structure)
    if isinstance(layer, Awaited):
        tensors = iter(given)  # in the order in which `_collect` met them
        return layer.on_values(number, lambda _: next(tensors))
    if isinstance(layer, Network) or layer.merges:
        return layer.on_tensors(given, training)
    if len(given) == 1:
        return layer.on_tensors(given[0], training)
    expected = f"one input of layer {short(layer.name)}"
    raise FormatError(message(where, expected, str(len(given)), FIX))


def _calls(written: Any, where: str, layer: Any) -> list[tuple[list[Ref], bool | None, Any]]:
    """Return each call of a layer: what it is given, whether as in training, and where to."""
    if not isinstance(written, list):
        raise FormatError(message(where, "inbound_nodes of a layer", short(written), FIX))
    calls = []
    for node in written:
        refs: list[Ref] = []
        structure = None
        if isinstance(node, dict) and (getattr(layer, "has_call", False) or _by_name(node, layer)):
            structure, refs = _given(node, where)
            options = node.get("kwargs")
        elif isinstance(node, dict):  # Keras 3
            options = node.get("kwargs")
            if isinstance(layer, Awaited):
                layer.note(node)
            _collect(node.get("args"), refs, where, isinstance(layer, Awaited))
        else:  # Keras 2: [[name, node, tensor, options], …]
            parts = node if isinstance(node, list) else []
            if parts and isinstance(parts[0], str):
                parts = [parts]
            refs = [_ref(part[:3] if isinstance(part, list) else part, where) for part in parts]
            options = parts[0][3] if parts and len(parts[0]) > 3 else {}
        if not refs:
            raise FormatError(message(where, "the inputs of a call", short(node), FIX))
        training = options.get("training") if isinstance(options, dict) else None
        calls.append((refs, training if isinstance(training, bool) else None, structure))
    return calls


def _by_name(node: dict[str, Any], layer: Any) -> bool:
    """Return whether a model is called on a dict."""
    args = node.get("args")
    if not isinstance(args, list) or len(args) != 1 or not isinstance(layer, Network):
        return False
    return isinstance(args[0], dict) and not _is_tensor(args[0])


def _given(node: dict[str, Any], where: str) -> tuple[Given, list[Ref]]:
    """Return the arguments of a user's layer's call, with places for tensors, and these."""
    args, kwargs = node.get("args"), node.get("kwargs") or {}
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise FormatError(message(where, "arguments of a call", short(node), FIX))
    kwargs = {key: value for key, value in kwargs.items() if key != "training"}
    structure, found = taken((args, kwargs), _is_tensor)
    refs: list[Ref] = []
    for one in found:
        _collect(one, refs, where, False)
    return Given(tuple(structure[0]), structure[1]), refs


def _is_tensor(written: Any) -> bool:
    return isinstance(written, dict) and written.get("class_name") == "__keras_tensor__"


def _collect(written: Any, refs: list[Ref], where: str, others: bool) -> None:
    """Add the tensors in Keras 3's arguments of a call, which may be in lists.

    `others` says whether there may be numbers, too.
    """
    todo = [written]
    while todo:
        one = todo.pop()
        if isinstance(one, list):
            todo += reversed(one)
        elif _is_tensor(one):
            inner = one.get("config")
            refs.append(_ref(inner.get("keras_history") if isinstance(inner, dict) else one, where))
        elif not others:
            fix = "build the model without it"
            raise FormatError(message(where, "calls on tensors alone", short(one), fix))


def _ref(written: Any, where: str) -> Ref:
    sound = isinstance(written, list) and len(written) == 3 and isinstance(written[0], str)
    if not sound or not all(type(part) is int and part >= 0 for part in written[1:]):
        raise FormatError(message(where, "a layer, a call and an output", short(written), FIX))
    return written[0], written[1], written[2]


def _is_end(written: Any) -> bool:
    """Return whether it is one of a model's inputs or outputs, and not several."""
    several = isinstance(written, list) and written and isinstance(written[0], (list, dict))
    return not several and not isinstance(written, dict)


def _ends(written: Any, values: dict[Ref, Any], first: dict[str, int], where: str) -> Any:
    """Return a model's inputs or outputs in the structure that they were given in."""
    structure, listed = taken(written, _is_end)
    found = []
    for one in listed:
        name, number, place = _ref(one, where)
        ref = name, max(number - first.get(name, 0), 0), place
        if ref not in values:
            raise FormatError(message(where, "outputs that the graph has", short(one), FIX))
        found.append(values[ref])
    return filled(structure, found)
