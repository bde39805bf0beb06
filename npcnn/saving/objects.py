"""Keras's `serialize_keras_object` and its way back, for objects of all of npcnn's modules."""

from __future__ import annotations

from typing import Any

from npcnn import (
    activations,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    registry,
    regularizers,
)  # fmt: skip
from npcnn.arguments import Anything, checked
from npcnn.checks import ArgumentError, message, shown
from npcnn.registry import Objects
from npcnn.saving.keras_config import read_model

_ROOMS: dict[str, tuple[Any, Any]] = {
    "layers": (layers, layers.Layer), "losses": (losses, losses.Loss),
    "metrics": (metrics, metrics.Metric), "optimizers": (optimizers, optimizers.Optimizer),
    "initializers": (initializers, initializers.Initializer),
    "regularizers": (regularizers, regularizers.Regularizer),
    "constraints": (constraints, constraints.Constraint),
    "activations": (activations, activations.ActivationFunction),
}  # fmt: skip


@checked
def serialize_keras_object(obj: Anything) -> Any:
    """Return a layer, loss, metric … as Keras writes it; plain values as they are.

    >>> serialize_keras_object(losses.Huber(2.0))["config"]["delta"]
    2.0
    """
    for room, base in _ROOMS.values():
        if isinstance(obj, base):
            return room.serialize(obj)
    return activations.serialize(obj) if callable(obj) else obj


@checked
def deserialize_keras_object(
    config: Anything, custom_objects: Objects | None = None, safe_mode: bool = True
) -> Any:
    """Return the object that `serialize_keras_object` wrote.

    Args:
        config: {'module': …, 'class_name': …, 'config': {…}}; plain values are returned.
        custom_objects: name → class or function of your own, besides what is registered.
        safe_mode: taken; npcnn never runs code that a file holds.

    >>> deserialize_keras_object(serialize_keras_object(layers.Dense(3))).units
    3
    """
    if not isinstance(config, dict) or "class_name" not in config:
        return config
    with registry.custom_object_scope(custom_objects):
        own = registry.custom(config["class_name"], config.get("registered_name"))
        name = str(config.get("module")).rpartition(".")[2]
        for key, (room, base) in _ROOMS.items():
            if key == name or (isinstance(own, type) and issubclass(own, base)):
                return room.deserialize(config)
        if config["class_name"] in ("Sequential", "Functional", "Model"):
            return read_model(config, "deserialize_keras_object(config)")
        function = registry.custom(config.get("config"), config.get("registered_name"))
    if config["class_name"] == "function" and callable(function):
        return function
    where, fix = "deserialize_keras_object(config)", "register it, or give it in custom_objects"
    raise ArgumentError(message(where, "what serialize_keras_object wrote", shown(config), fix))
