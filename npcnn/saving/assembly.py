"""From an architecture that was read to a model: shapes first, arrays only when all is known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from npcnn import layers
from npcnn.checks import FormatError, NpcnnError, message
from npcnn.layers.base import Layer
from npcnn.model import Sequential
from npcnn.saving.budget import Budget
from npcnn.saving.keras_config import one_line, read_architecture

MAX_WEIGHTS = 2**33  # bytes of initial weights, whoever asks for them
WEIGHTS = 64 * 2**20  # bytes that initial weights may take, times a budget's argument


def parameter_shapes(
    made: list[Layer], where: str
) -> Iterator[tuple[Layer, list[tuple[str, tuple[int, ...]]]]]:
    """Yield each layer with the names and shapes its parameters would have; allocates nothing.

    Raises:
        FormatError: the layers do not fit one another.
    """
    shape: tuple[Any, ...] | None = None
    for layer in made:
        if layer.sample_shape is not None:
            shape = (None, *layer.sample_shape)
        if isinstance(layer, layers.InputLayer):
            continue
        if shape is None:
            fix = "build the model in Keras before saving it"
            raise FormatError(message(where, "a model with an input shape", "none", fix))
        found: list[tuple[str, tuple[int, ...]]] = []
        try:
            after = layer.compute_output_shape(shape)

            def note(
                name: str, size: Any, _: Any, trainable: bool = True, regularizer: Any = None,
                constraint: Any = None, layer: Layer = layer, found: Any = found,
            ) -> None:  # fmt: skip
                layer.regulate(name, size, regularizer, constraint)
                layer.declared = {**layer.declared, name: trainable}
                found.append((name, size))

            _watch(layer, note)
            layer.create_parameters(shape)
            found.sort(key=lambda own: not layer.declared[own[0]])  # state last, as in Keras
        except NpcnnError as error:
            raise FormatError(f"{where}: {one_line(error)}") from error
        finally:
            vars(layer).pop("add_parameter", None)
        shape = after
        yield layer, found


def fresh_model(config: Any, where: str, budget: Budget | None = None) -> Sequential:
    """Return a model of this architecture with new initial weights, if its input is known.

    Args:
        config: as Keras writes it.
        where: for the message.
        budget: of a text nobody vouches for; None for what the user's program says itself.

    Raises:
        FormatError: npcnn has nothing for a part of it, or it is too large.
    """
    arguments, made = read_architecture(config, where)
    if made[0].sample_shape is not None:
        own = [shape for _, found in parameter_shapes(made, where) for _, shape in found]
        total = sum(math.prod(shape) for shape in own) * np.dtype(arguments["dtype"]).itemsize
        most = MAX_WEIGHTS if budget is None else min(MAX_WEIGHTS, int(WEIGHTS * budget.times))
        if total > most:
            expected = f"at most {most} bytes of weights"
            fix = "make the model smaller"
            if most < MAX_WEIGHTS:
                fix = "if you trust it, raise the argument budget"
            raise FormatError(message(where, expected, f"{total:.3g}", fix))
    try:
        return Sequential(made, **arguments)
    except NpcnnError as error:
        raise FormatError(f"{where}: {one_line(error)}") from error


def assemble(
    arguments: dict[str, Any], made: list[Layer], arrays: dict[int, dict[str, np.ndarray]],
    where: str,
) -> Sequential:  # fmt: skip
    """Return the model with these layers and weights; no initial weights are drawn.

    Args:
        arguments: of Sequential.
        made: its layers, unbuilt.
        arrays: id of a layer → parameter name → value, shapes checked.
        where: the file, for the message.
    """
    try:
        model = Sequential(**arguments)
        for layer in made:
            given = arrays.get(id(layer), {})

            def adopt(
                name: str, shape: Any, _: Any, trainable: bool = True, regularizer: Any = None,
                constraint: Any = None, layer: Layer = layer, given: Any = given,
            ) -> None:  # fmt: skip
                layer.regulate(name, shape, regularizer, constraint)
                value = np.ascontiguousarray(given[name], layer.dtype)
                layer.adopt(name, value, trainable)

            _watch(layer, adopt)
            try:
                model.add(layer)
            finally:
                vars(layer).pop("add_parameter", None)
    except NpcnnError as error:
        raise FormatError(f"{where}: {one_line(error)}") from error
    return model


def _watch(layer: Layer, instead: Any) -> None:
    """Let this one layer hand its parameters to `instead` when it creates them."""
    vars(layer)["add_parameter"] = instead
