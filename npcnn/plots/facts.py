"""What the pictures ask of models and layers; no other file here knows how they are made."""

from __future__ import annotations

from typing import Any, NamedTuple

from npcnn.figures import style
from npcnn.graph import ordered_nodes

Edges = list[tuple[int, int]]


class Step(NamedTuple):
    """A step of a model: an input (no operation), a layer's call or a model's, what it gives."""

    operation: Any
    shapes: list[tuple[Any, ...]]
    name: str
    given: list[tuple[Any, ...]]


def steps(model: Any, nested: bool = True) -> tuple[list[Step], Edges]:
    """Return a built model's inputs and calls in order, and which hands what it gives to which.

    Args:
        model: built.
        nested: whether models within it are taken apart into the calls of their layers.

    >>> from npcnn import Sequential, layers
    >>> steps(Sequential([layers.Flatten(input_shape=(2, 2)), layers.Dense(3)]))[1]
    [(0, 1), (1, 2)]
    """
    found = [Step(None, [tensor.shape], tensor.name, []) for tensor in model.inputs]
    if nested:
        graph = model.graph
        for call in graph.calls:
            given, shape = list(call.shapes[:-1]), call.shapes[-1]
            found.append(Step(call.layer, [shape], call.layer.name, given))
        return found, [(value, call.output) for call in graph.calls for value in call.inputs]
    places = {id(tensor): place for place, tensor in enumerate(model.inputs)}
    edges: Edges = []
    for node in ordered_nodes(*model.ends):
        edges += [(places[id(tensor)], len(found)) for tensor in node.inputs]
        places |= {id(tensor): len(found) for tensor in node.outputs}
        given, shapes = ([t.shape for t in ends] for ends in (node.inputs, node.outputs))
        found.append(Step(node.operation, shapes, node.operation.name, given))
    return found, edges


def window(layer: Any) -> tuple[int, int] | None:
    """Return rows and columns of the window that a layer looks through, or None."""
    config = layer.get_config()
    size = config.get("kernel_size") or config.get("pool_size")
    return tuple(size) if size else None


def drops(layer: Any) -> bool:
    """Whether a layer lets only some of its input through while it learns."""
    return "rate" in layer.get_config()


def folds(seen: Any) -> bool:
    """Whether a traced layer only passes its numbers on, or some of them: not worth a picture."""
    x, y = seen.input, seen.activation
    return "mask" in seen or (x.size == y.size and bool((x.ravel() == y.ravel()).all()))


def colour(layer: Any) -> str:
    """Return a layer's colour, by what it does: so that a user's own layers have theirs."""
    learns, looks = layer.count_params() > 0, window(layer) is not None
    if looks:
        return style.SKY if learns else style.ORANGE
    if learns:
        return style.GREEN
    return style.PURPLE if layer.input_shape == layer.output_shape else style.YELLOW
