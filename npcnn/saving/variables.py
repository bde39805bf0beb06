"""A model's variables in Keras's order: parameters, and the optimizer's state beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from npcnn import optimizers
from npcnn.layers.base import Layer
from npcnn.optimizers.options import keras_order
from npcnn.symbolic import leaves_of

if TYPE_CHECKING:
    from npcnn.model import Model

Array = np.ndarray
Shape = tuple[int, ...]


def kept_slots(optimizer: optimizers.Optimizer) -> tuple[str, ...]:
    """Return the slots that Keras keeps too, in its order; without momentum its SGD has none."""
    return tuple(slot for group in keras_order(optimizer) for slot, _ in group)


def trainable_parameters(model: Model) -> Iterator[tuple[Layer, str, Array, slice]]:
    """Yield (layer, name, value, place in the slots) for what the optimizer moves."""
    stop = 0
    for layer in model.leaves:
        if layer.trainable:
            for name, value, _ in layer.parameters():
                start, stop = stop, stop + value.size
                yield layer, name, value, slice(start, stop)


def optimizer_variables(
    model: Model, leaves: list[Layer] | None = None
) -> Iterator[tuple[str, Array]]:
    """Yield (Keras's name, value): iteration, learning rate, then the slots in Keras's order.

    The parameters' order is that of `leaves`, the layers of the model; None for the weights'.

    A learning rate that follows a schedule is no variable. An optimizer that has not stepped yet
    has what its slots start from, as Keras expects it.
    """
    optimizer = model.optimizer
    yield "iteration", optimizer.clock.copy()
    if not optimizer.scheduled:
        yield "learning_rate", np.array(optimizer.learning_rate, np.float32)
    found = list(trainable_parameters(model))
    size = found[-1][3].stop if found else 0
    _sort(found, leaves or leaves_of(model, by_weights=True))
    order = [
        (*slot, *parameter)
        for group in keras_order(optimizer)
        for parameter in found
        for slot in group
    ]
    names = Counter(layer.name for layer in model.leaves)
    for slot, written, layer, name, value, place in order:
        flat = optimizer.slots.get(slot)
        part = np.full(value.size, optimizer.start_of(slot), model.dtype)
        if flat is not None and flat.size == size:
            part = flat[place]
        # layers of models within the model may have one name
        mark = f"_{place.start}" if names[layer.name] > 1 else ""
        yield f"{model.name}_{layer.name}{mark}_{name}_{written}", part.reshape(value.shape)
    for k, number in enumerate(optimizer.keras_numbers):
        yield f"number_{k}", np.array(number, np.float32)


def set_slots(model: Model, values: dict[str, list[Array]]) -> None:
    """Give the optimizer its state: slot → one array a trainable parameter."""
    found = list(trainable_parameters(model))
    size = found[-1][3].stop if found else 0
    model.optimizer.lay_out(size, model.dtype, model.slot_weights)
    _sort(found, leaves_of(model, by_weights=True))
    for slot, arrays in values.items():
        for (*_, place), array in zip(found, arrays, strict=True):
            model.optimizer.slots[slot][place] = array.ravel()


def _sort(found: list[tuple[Layer, str, Array, slice]], leaves: list[Layer]) -> None:
    """Let parameters stand in the order of these layers."""
    rank = {id(layer): place for place, layer in enumerate(leaves)}
    found.sort(key=lambda own: rank[id(own[0])])
