"""What was drawn, how often, and what of npcnn's never was: a table by kind."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator
from typing import Any

import npcnn
from npcnn import constraints, initializers, layers, losses, metrics, optimizers, regularizers

Drawn = tuple[str, str]  # kind, name
MODULES: dict[str, Any] = {
    "layers": layers, "losses": losses, "metrics": metrics, "optimizers": optimizers,
    "schedules": optimizers.schedules, "regularizers": regularizers, "constraints": constraints,
    "initializers": initializers,
}  # fmt: skip
# How the names of options end that may be the names of objects.
ENDS = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}
# What is the base of others, stands in front of all networks, is npcnn's alone or is for no fit.
BASES = {"Layer", "Loss", "Metric", "Optimizer", "Regularizer", "Constraint", "Initializer",
         "LearningRateSchedule", "Variable", "InputLayer", "InputSpec", "OneCycle",
         "Mean", "Sum", "Lambda"}  # fmt: skip

# Keras's sparsemax adds up running sums, so that what it gives is no share of one; its Activation
# says that glu keeps the shape, so that no layer fits behind it.
UNLIKE = {"sparsemax", "glu"}


def table(descriptions: Iterable[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Return kind → name → in how many networks it was drawn; 0 for what npcnn has beside it."""
    found: dict[str, collections.Counter[str]] = {kind: collections.Counter() for kind in MODULES}
    for described in descriptions:
        for kind, name in set(drawn(described)):
            found.setdefault(kind, collections.Counter())[name] += 1
    for kind, module in MODULES.items():
        found[kind].update(dict.fromkeys(classes(module), 0))
    found["activations"].update(dict.fromkeys(set(npcnn.activations.known()) - UNLIKE, 0))
    return {kind: dict(sorted(counted.items())) for kind, counted in found.items()}


def classes(module: Any) -> set[str]:
    """Return the classes that a module offers."""
    own = [getattr(module, name) for name in module.__all__]
    return {one.__name__ for one in own if isinstance(one, type)} - BASES


def show(found: dict[str, dict[str, int]]) -> None:
    """Print the table, and what was never drawn."""
    for kind, counted in found.items():
        print(f"{kind}: " + ", ".join(f"{name} {times}" for name, times in counted.items()))
    missing = never(found)
    print("never drawn:", ", ".join(missing) or "nothing")


def never(found: dict[str, dict[str, int]]) -> list[str]:
    """Return what npcnn has and no network had."""
    return [f"{kind}.{name}" for kind, own in found.items() for name, n in own.items() if not n]


def drawn(described: dict[str, Any]) -> Iterator[Drawn]:
    """Yield what a network has in it."""
    yield "dtype", described["dtype"]
    yield "network", described["kind"]
    yield from ways(described)
    yield from within(described["layers"])
    learning = described["compile"]
    yield from within(learning)
    for key in learning:
        if key != "optimizer":
            named = isinstance(learning[key], dict) and not {"make", "take"} & set(learning[key])
            yield "compile", f"{key} by name" if named else key
    for name in spoken(learning["loss"]):
        yield "losses", losses.known()[name].__name__
    for name in spoken([learning.get(key) for key in ("metrics", "weighted_metrics")]):
        kind = type(metrics.get(name)).__name__
        yield "metrics", "accuracy" if kind not in metrics.__all__ else kind
    for option, value in learning["optimizer"]["with"].items():
        if value not in (None, False):
            yield "optimizer options", option
    for option in described["fit"]:
        yield "fit", option


def ways(described: dict[str, Any]) -> Iterator[Drawn]:
    """Yield how a network hangs together, and how it is fed."""
    times = collections.Counter(call["layer"] for call in described["calls"])
    inner = [one for one in described["layers"].values() if "calls" in one]
    borrowed = any("same" in part for one in inner for part in one["layers"].values())
    said = {
        "shared layer": max(times.values()) > 1, "nested model": bool(inner),
        "nested Sequential": any(one["sequential"] for one in inner),
        "nested model of two inputs": any(len(one["inputs"]) > 1 for one in inner),
        "nested model of two outputs": any(len(one["outputs"]) > 1 for one in inner),
        "layer of two models": borrowed,
        "several inputs": len(described["inputs"]) > 1,
        "several outputs": len(described["outputs"]) > 1,
        "call as in inference": any(call["inference"] for call in described["calls"]),
        "names left to the library": described["unnamed"],
        "InputLayer in front": described["sequential"] and described["layered"],
        "sample weights": described["weigh"], "inputs by name": "x" in described["fed"],
        "targets by name": "y" in described["fed"], "not trained": not described["trains"],
        "frozen layer": any(one.get("with", {}).get("trainable") is False
                            for one in described["layers"].values()),
    }  # fmt: skip
    yield from (("ways", name) for name, true in said.items() if true)


def within(part: Any) -> Iterator[Drawn]:
    """Yield the objects, and the names of objects, in a part of a description."""
    if isinstance(part, list):
        for one in part:
            yield from within(one)
    if not isinstance(part, dict):
        return
    for key, value in part.items():
        if isinstance(value, str):
            end = key.rpartition("_")[2]
            if key == "activation":
                yield "activations", value
            elif end in ENDS:
                yield f"{end}s", type(ENDS[end].get(value, key)).__name__
        yield from within(value)
    path = part.get("make", part.get("take"))
    if path is not None:
        *_, kind, name = path.split(".")
        made = getattr(MODULES[kind], name)
        yield kind, made.__name__ if isinstance(made, type) else f"{name}()"


def spoken(part: Any) -> Iterator[str]:
    """Yield the texts in lists and dicts, those of objects apart."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, list):
        for one in part:
            yield from spoken(one)
    elif isinstance(part, dict) and "make" not in part and "take" not in part:
        for one in part.values():
            yield from spoken(one)
