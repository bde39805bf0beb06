"""What the pictures ask of models and layers; no other file here knows how they are made."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

from npcnn.graph import ordered_nodes
from npcnn.plots import style

LINE = 21  # characters of a line under a layer's name
SAID = {  # arguments that are told in words of their own, or seen in the picture
    "activation", "dilation_rate", "filters", "kernel_size", "padding", "pool_size", "rate",
    "strides", "units",
}  # fmt: skip
UNTOLD = {"data_format", "dtype", "name", "trainable"}

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


def details(layer: Any) -> list[str]:
    """Return a layer's arguments as at most two short lines, defaults left out."""
    config, known = layer.get_config(), inspect.signature(type(layer).__init__).parameters
    own = {
        name: value
        for name, value in config.items()
        if name in known
        and name not in SAID | UNTOLD
        and isinstance(value, (bool, int, float, str))
        and value != known[name].default
    }
    return describe({**{name: config[name] for name in SAID & set(config)}, **own})


def describe(config: dict[str, Any]) -> list[str]:
    """Return arguments as at most two short lines.

    >>> describe({"pool_size": (2, 2), "strides": (1, 1), "padding": "same"})
    ['windows 2 × 2', 'step 1 × 1, same']
    >>> describe({"factor": 2.5})
    ['factor 2.5']
    """
    head, tail = [], []
    if "filters" in config:
        head.append(f"{config['filters']} filters {times(config['kernel_size'])}")
    if "pool_size" in config:
        head.append(f"windows {times(config['pool_size'])}")
    if "rate" in config:
        head.append(f"drops {config['rate']:.0%}")
    usual = config.get("pool_size", (1, 1))
    if config.get("strides", usual) != usual:
        tail.append(f"step {times(config['strides'])}")
    if config.get("dilation_rate", (1, 1)) != (1, 1):
        tail.append(f"spread {times(config['dilation_rate'])}")
    if config.get("padding") == "same":
        tail.append("same")
    if config.get("activation") not in (None, "linear"):
        tail.append(str(config["activation"]))
    for name in sorted(config.keys() - SAID):
        value = config[name]
        tail.append(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}")
    lines = [", ".join(head), ", ".join(tail)] if head and tail else [*filter(None, head + tail)]
    return [text if len(text) <= LINE else text[: LINE - 1] + "…" for text in lines[:2]]


def times(sizes: tuple[int, ...]) -> str:
    """Return sizes as a text.

    >>> times((3, 3))
    '3 × 3'
    """
    return " × ".join(map(str, sizes))
