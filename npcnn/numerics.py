"""A training step that refuses to learn from NaN or infinity, and says where they arose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import training
from npcnn.checks import NumericsError, message
from npcnn.feeding.sources import parted
from npcnn.spy import Batch, shadow_graph, watched
from npcnn.tables import told_as

if TYPE_CHECKING:
    from npcnn.data import Batches
    from npcnn.feeding.sources import Stream
    from npcnn.model import Model

Array = np.ndarray

FIX = "the weights are those from before this step: lower the learning rate or scale the input"


class Checked:
    """A step that looks at its numbers, called as it is: nothing is replayed where one looks."""

    def __init__(self, model: Model, data: Batches | Stream) -> None:
        self.model, self.data = model, data

    def current(self) -> Any:
        """Return the step: (*samples, *ys, *weights) → *losses, *outputs."""
        return self.step

    def step(self, *arrays: Array) -> tuple[Array, ...]:
        """Take it."""
        batch = parted(arrays, self.data, len(self.model.graph.outputs))
        losses, outputs = checked_step(self.model, batch)
        return (*losses, *outputs)


def checked_step(model: Model, batch: Batch) -> tuple[list[Array], list[Array]]:
    """Take a training step as `training.train_step` does, unless a number of it is not finite.

    Loss, gradients and new parameters are looked at; only if one is bad, the pass is done again
    layer by layer to find where it arose. Parameters, state and optimizer are then as before the
    step.

    Raises:
        NumericsError: names the step, the pass, the layer and the array.
    """
    arrays = [*model.vectors(), *model.optimizer.arrays()]
    before, step = [array.copy() for array in arrays], int(model.optimizer.clock)
    with np.errstate(all="ignore"):  # found and named here, not by NumPy's warnings
        losses, outputs = training.train_step(model, *batch)
        segments = model.segments()
        good = all(map(_finite, losses)) and all(_finite(grad) for _, _, grad in segments)
        if good and all(_finite(values) for _, values, _ in segments):
            return losses, outputs
        bad = ("update", *_bad_parameter(model)) if good else None
        for array, old in zip(arrays, before, strict=True):
            array[...] = old
        raise _error(step, *(bad or _first_bad(model, batch)))


def _finite(array: Array) -> bool:
    return bool(np.isfinite(array).all())


def _error(step: int, which_pass: str, layer: str, array: str, value: Array) -> NumericsError:
    bad = value[~np.isfinite(value)]
    got = f"{bad.flat[0]} in {array} ({bad.size} of {value.size} numbers are not finite)"
    where = f"step {step + 1}, {which_pass} pass, {layer}"
    return NumericsError(message(where, "finite numbers", got, FIX))


def _first_bad(model: Model, batch: Batch) -> tuple[str, str, str, Array]:
    """Return (pass, layer, array's name, array) of the first array that is not finite."""
    twins = shadow_graph(model.graph)
    for twin, layer in zip(twins.layers, model.graph.layers, strict=True):
        vars(twin)["_model_seed"] = layer._model_seed
    graph, spies = watched(twins)
    now = model.optimizer.clock
    losses, _ = training.forward_and_back(graph, model.objective, batch, step=now)
    for spy in spies:
        for name in (*map(told_as, spy.parameter_names), "pre_activation", "activation"):
            if name in spy.arrays and not _finite(spy.arrays[name]):
                return "forward", str(spy.layer.name), name, spy.arrays[name]
    for loss, rows in zip(model.objective.losses, losses, strict=True):
        if not _finite(rows):
            return "forward", loss.name, "the loss", rows
    for spy in reversed(spies):
        own = (f"grad_{told_as(name)}" for name in spy.parameter_names)
        names = ("grad_activation", "grad_pre_activation", *own, "grad_input")
        for name in names:
            if name in spy.arrays and not _finite(spy.arrays[name]):
                return "backward", str(spy.layer.name), name, spy.arrays[name]
    return "backward", model.name, "a gradient", np.array([np.nan])


def _bad_parameter(model: Model) -> tuple[str, str, Array]:
    for layer in model.leaves:
        for name, value, _ in layer.parameters():
            if not _finite(value):
                return str(layer.name), name, value.copy()
    return model.name, "a parameter", np.array([np.nan])
