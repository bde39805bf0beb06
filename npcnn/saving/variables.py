"""A model's variables in Keras's order: parameters, and the optimizer's state beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from npcnn import optimizers
from npcnn.layers.base import Layer

if TYPE_CHECKING:
    from npcnn.model import Sequential

Array = np.ndarray
Shape = tuple[int, ...]


def kept_slots(optimizer: optimizers.Optimizer) -> tuple[str, ...]:
    """Return the slots that Keras keeps too; without momentum its SGD has none."""
    return optimizer.slot_names[: len(keras_slots(optimizer))]


def keras_slots(optimizer: optimizers.Optimizer) -> tuple[str, ...]:
    """Return Keras's names of an optimizer's slots."""
    return optimizer.slot_names if optimizer.keras_slots is None else optimizer.keras_slots


def trainable_parameters(model: Sequential) -> Iterator[tuple[Layer, str, Array, slice]]:
    """Yield (layer, name, value, place in the slots) for what the optimizer moves."""
    stop = 0
    for layer in model.layers:
        if layer.trainable:
            for name, value, _ in layer.parameters():
                start, stop = stop, stop + value.size
                yield layer, name, value, slice(start, stop)


def optimizer_variables(model: Sequential) -> Iterator[tuple[str, Array]]:
    """Yield (Keras's name, value): iteration, learning rate, then the slots in Keras's order.

    An optimizer that has not stepped yet has what its slots start from, as Keras expects it.
    """
    optimizer = model.optimizer
    yield "iteration", np.array(optimizer.iterations, np.int64)
    yield "learning_rate", np.array(optimizer.learning_rate, np.float32)
    found = list(trainable_parameters(model))
    size = found[-1][3].stop if found else 0
    slots = list(zip(kept_slots(optimizer), keras_slots(optimizer), strict=True))
    order = [(slot, parameter) for parameter in found for slot in slots]
    if optimizer.slot_by_slot:
        order = [(slot, parameter) for slot in slots for parameter in found]
    for (slot, written), (layer, name, value, place) in order:
        flat = optimizer.slots.get(slot)
        part = np.full(value.size, optimizer.slot_start, model.dtype)
        if flat is not None and flat.size == size:
            part = flat[place]
        yield f"{model.name}_{layer.name}_{name}_{written}", part.reshape(value.shape)
    for k, number in enumerate(optimizer.keras_numbers):
        yield f"number_{k}", np.array(number, np.float32)


def set_slots(model: Sequential, values: dict[str, list[Array]]) -> None:
    """Give the optimizer its state: slot → one array a trainable parameter."""
    found = list(trainable_parameters(model))
    size = found[-1][3].stop if found else 0
    model.optimizer.build(size, model.dtype)
    for slot, arrays in values.items():
        for (*_, place), array in zip(found, arrays, strict=True):
            model.optimizer.slots[slot][place] = array.ravel()
