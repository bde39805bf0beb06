"""A training step that refuses to learn from NaN or infinity, and says where they arose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import training
from npcnn.checks import NumericsError, message
from npcnn.inspection.spy import Spy, shadows

if TYPE_CHECKING:
    from npcnn.model import Sequential

Array = np.ndarray

FIX = "the weights are those from before this step: lower the learning rate or scale the input"


def checked_step(
    model: Sequential, x: Array, y: Array, weights: Array | None = None
) -> tuple[Array, Array]:
    """Take a training step as `training.train_step` does, unless a number of it is not finite.

    Loss, gradients and new parameters are looked at; only if one is bad, the pass is done again
    layer by layer to find where it arose. Parameters and optimizer are then as before the step.

    Raises:
        NumericsError: names the step, the pass, the layer and the array.
    """
    step = model.optimizer.iterations
    with np.errstate(all="ignore"):  # found and named here, not by NumPy's warnings
        layers = [*model.layers]  # called one by one: nothing is replayed where one looks closely
        losses, outputs = training.losses_and_gradients(model, layers, x, y, weights)
        segments = model.segments()
        sound = np.isfinite(losses).all() and all(_finite(grad) for _, _, grad in segments)
        if not sound:
            raise _error(step, *_first_bad(model, x, y, weights))
        before = [values.copy() for _, values, _ in segments]
        slots = {name: slot.copy() for name, slot in model.optimizer.slots.items()}
        model.optimizer.apply(segments)
        if not all(_finite(values) for _, values, _ in segments):
            bad = _bad_parameter(model)
            for (_, values, _), old in zip(segments, before, strict=True):
                values[...] = old
            for name, slot in slots.items():
                model.optimizer.slots[name][...] = slot
            model.optimizer.iterations = step
            raise _error(step, "update", *bad)
    return losses, outputs


def _finite(array: Array) -> bool:
    return bool(np.isfinite(array).all())


def _error(step: int, which_pass: str, layer: str, array: str, value: Array) -> NumericsError:
    bad = value[~np.isfinite(value)]
    got = f"{bad.flat[0]} in {array} ({bad.size} of {value.size} numbers are not finite)"
    where = f"step {step + 1}, {which_pass} pass, {layer}"
    return NumericsError(message(where, "finite numbers", got, FIX))


def _first_bad(
    model: Sequential, x: Array, y: Array, weights: Array | None
) -> tuple[str, str, str, Array]:
    """Return (pass, layer, array's name, array) of the first array that is not finite."""
    spies: list[Any] = [Spy(layer) for layer in shadows(model.layers)]
    for spy, layer in zip(spies, model.layers, strict=True):
        spy.layer.seed = layer.seed
    losses, _ = training.losses_and_gradients(model, spies, x, y, weights)
    for spy in spies:
        for name in (*spy.parameter_names, "pre_activation", "activation"):
            if name in spy.arrays and not _finite(spy.arrays[name]):
                return "forward", str(spy.layer.name), name, spy.arrays[name]
    if not _finite(losses):
        return "forward", model.loss.name, "the loss", losses
    for spy in reversed(spies):
        names = ("grad_activation", "grad_pre_activation", "grad_kernel", "grad_bias", "grad_input")
        for name in names:
            if name in spy.arrays and not _finite(spy.arrays[name]):
                return "backward", str(spy.layer.name), name, spy.arrays[name]
    return "backward", model.name, "a gradient", np.array([np.nan])


def _bad_parameter(model: Sequential) -> tuple[str, str, Array]:
    for layer in model.layers:
        for name, value, _ in layer.parameters():
            if not _finite(value):
                return str(layer.name), name, value.copy()
    return model.name, "a parameter", np.array([np.nan])
