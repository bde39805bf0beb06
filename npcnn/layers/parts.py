"""What a user's layer, or model, holds as attributes; and what its `call` returns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from npcnn.chance import SeedGenerator
from npcnn.names import snake_case
from npcnn.symbolic import Operation, leaves_of


class Form(NamedTuple):
    """What a `call` returns, with places for tensors, and their shapes."""

    structure: Any
    shapes: list[tuple[Any, ...]]


def inner_layers(holder: Any) -> list[Any]:
    """Return the layers and models that an object's attributes hold."""
    return [one for one in held(holder) if isinstance(one, Operation)]


def in_order(first: list[Any], layers: list[Any]) -> list[Any]:
    """Return the layers that a `call` calls in Keras's order, which weights go by.

    Inputs come first; then those that attributes hold (`first`), in the order in which they were
    set, whatever is called first; then the others, as they are called. Without attributes the order
    is what it was.
    """
    if not first:
        return layers
    place: dict[int, int] = {}
    todo = first[::-1]
    while todo:
        one = todo.pop()
        if id(one) not in place:
            place[id(one)] = len(place)
            written = getattr(one, "has_call", False)  # whose made_of() would ask for this again
            todo += (inner_layers(one) if written else one.made_of() or [])[::-1]
    inputs = [one for one in layers if getattr(one, "is_input", False)]
    others = [one for one in layers if one not in inputs]
    return inputs + sorted(others, key=lambda one: place.get(id(one), len(place)))


def learnt(layer: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield (name, value, gradient) of all that a layer learns, with the layers in it.

    A frozen one learns nothing: no training step reads what its `backward` writes.
    """
    for front, one in fronts(layer):
        for name, value, gradient in one.parameters() if one.trainable else ():
            yield front + name, value, gradient


def fronts(layer: Any) -> Iterator[tuple[str, Any]]:
    """Yield ('', layer) and ('name/', layer in it), each name once: dense/, dense[1]/."""
    times: Counter[str] = Counter()
    for one in leaves_of(layer, by_weights=True):
        again = f"[{times[one.name]}]" if times[one.name] else ""
        times[one.name] += one is not layer
        yield "" if one is layer else f"{one.name}{again}/", one


def every(layers: list[Any]) -> list[Any]:
    """Return layers and models, and all that they are made of."""
    found: dict[int, Any] = {}
    todo = list(layers)
    while todo:
        one = todo.pop()
        if id(one) not in found:
            found[id(one)] = one
            todo += one.made_of() or []
    return list(found.values())


def unlearnt(holder: Any, owners: list[Any]) -> Iterator[Any]:
    """Yield the layers with weights to learn that attributes hold, and that are no owners."""
    known = {id(one) for one in owners}
    for one in every(inner_layers(holder)):
        if getattr(one, "parameter_names", ()) and one.trainable and id(one) not in known:
            yield one  # a model has no weights beside its layers'


def in_dtype(layer: Any, dtype: Any) -> None:
    """Let a layer, with the layers in it, compute in another dtype."""
    for one in every([layer]):
        one.dtype = dtype
        for name, trainable in one.declared.items():
            value = np.array(vars(one)[name], dtype, order="C")
            one.bind(name, value, np.zeros_like(value) if trainable else None)


def is_metric(value: Any) -> bool:
    """Return whether a value counts batches up, as metrics do."""
    return hasattr(value, "update_state") and hasattr(value, "reset_state")


def counting(layers: list[Any]) -> list[tuple[Any, Any]]:
    """Return the metrics and seed generators that recorded layers hold, each with its state."""
    found: dict[int, Any] = {}
    for one in layers:
        holder = one.model if one.is_body else one
        for thing in held(holder) if getattr(one, "has_call", False) else ():
            if is_metric(thing) or isinstance(thing, SeedGenerator):
                found[id(thing)] = thing
    return [(thing, thing.get_state()) for thing in found.values()]


def seeds(model: Any) -> list[SeedGenerator]:
    """Return the seed generators that a model's layers hold, in their order."""
    return [one for one, _ in counting(model.leaves) if isinstance(one, SeedGenerator)]


def held(holder: Any) -> Iterator[Any]:
    """Yield what a user's attributes of a layer or a model hold, each once."""
    seen = {id(holder)}
    for name, value in vars(holder).items():
        if name not in holder.begun and name not in _OURS:
            for one in _in(value):
                if id(one) not in seen:
                    seen.add(id(one))
                    yield one


def attributes(holder: Any) -> Iterator[tuple[str, Any]]:
    """Yield (path, layer) for the layers that attributes hold, by name as Keras walks through them.

    One in a list is called by its class, and the number among those of that class. A model's list
    `layers` is among its attributes, and whatever comes behind it by name is found there first.
    """
    values = dict(vars(holder))
    if hasattr(holder, "layers") and "layers" not in values:
        values["layers"] = holder.layers
    for name in sorted(values, key=lambda name: f"~{name}" if name[0] == "_" else name):
        value = values[name]
        if name in holder.begun or name in _OURS:
            continue
        if isinstance(value, Operation):
            yield name, value
        elif isinstance(value, (list, tuple, dict)):
            counts: Counter[str] = Counter()
            for one in _in(value):
                if isinstance(one, Operation):
                    kind = snake_case(one.file_class)
                    yield f"{name}/{kind}_{counts[kind]}" if counts[kind] else f"{name}/{kind}", one
                    counts[kind] += 1


_OURS = {"_arguments", "_trainable", "held_layers", "ends", "_given", "_form"}


def _in(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from _in(one)
    elif isinstance(value, dict):
        yield from _in(list(value.values()))
    else:
        yield value
