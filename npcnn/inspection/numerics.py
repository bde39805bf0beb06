"""A training step that refuses to learn from NaN or infinity, and says where they arose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import training
from npcnn.checks import NumericsError, message
from npcnn.inspection.spy import Spy, shadows

if TYPE_CHECKING:
    from npcnn.data import Batches
    from npcnn.feeding.sources import Stream
    from npcnn.model import Sequential

Array = np.ndarray

FIX = "the weights are those from before this step: lower the learning rate or scale the input"


class _Checked:
    """A step that looks at its numbers, called as it is: nothing is replayed where one looks."""

    def __init__(self, model: Sequential, data: Batches | Stream) -> None:
        self.model, self.data = model, data

    def current(self) -> Any:
        """Return the step: (samples, y, weights) → losses, outputs."""
        return self.step

    def step(self, samples: Array, y: Array, weights: Array) -> tuple[Array, Array]:
        """Take it."""
        return checked_step(self.model, self.data.samples(samples), y, weights)


def checked_on(model: Sequential, data: Batches | Stream) -> _Checked:
    """Return what takes checked steps on a data set."""
    return _Checked(model, data)


def checked_step(
    model: Sequential, x: Array, y: Array, weights: Array
) -> tuple[Array, Array]:  # fmt: skip
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
        losses, outputs = training.train_step(model, x, y, weights)
        segments = model.segments()
        good = np.isfinite(losses).all() and all(_finite(grad) for _, _, grad in segments)
        if good and all(_finite(values) for _, values, _ in segments):
            return losses, outputs
        bad = ("update", *_bad_parameter(model)) if good else None
        for array, old in zip(arrays, before, strict=True):
            array[...] = old
        raise _error(step, *(bad or _first_bad(model, x, y, weights)))


def _finite(array: Array) -> bool:
    return bool(np.isfinite(array).all())


def _error(step: int, which_pass: str, layer: str, array: str, value: Array) -> NumericsError:
    bad = value[~np.isfinite(value)]
    got = f"{bad.flat[0]} in {array} ({bad.size} of {value.size} numbers are not finite)"
    where = f"step {step + 1}, {which_pass} pass, {layer}"
    return NumericsError(message(where, "finite numbers", got, FIX))


def _first_bad(
    model: Sequential, x: Array, y: Array, weights: Array
) -> tuple[str, str, str, Array]:
    """Return (pass, layer, array's name, array) of the first array that is not finite."""
    spies: list[Any] = [Spy(layer) for layer in shadows(model.layers)]
    for spy, layer in zip(spies, model.layers, strict=True):
        spy.layer.seed = layer.seed
    now = model.optimizer.clock
    losses, _ = training.forward_and_back(spies, model.loss, x, y, weights, step=now)
    for spy in spies:
        for name in (*spy.parameter_names, "pre_activation", "activation"):
            if name in spy.arrays and not _finite(spy.arrays[name]):
                return "forward", str(spy.layer.name), name, spy.arrays[name]
    if not _finite(losses):
        return "forward", model.loss.name, "the loss", losses
    for spy in reversed(spies):
        own = (f"grad_{name}" for name in spy.parameter_names)
        names = ("grad_activation", "grad_pre_activation", *own, "grad_input")
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
