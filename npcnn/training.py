"""One training step: forward through the layers, the loss, back through the layers, the update.

`train_step` is the whole of learning. `npcnn/running.py` says on which samples, and how often.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import interrupts, watched
from npcnn.checks import ArgumentError, DtypeError, message
from npcnn.layers.base import Layer
from npcnn.layers.regulated import charged, constrain
from npcnn.repeated import Repeated
from npcnn.watched import Watched

if TYPE_CHECKING:
    from npcnn.data import Batches
    from npcnn.feeding.sources import Stream
    from npcnn.losses import Loss
    from npcnn.model import Sequential

Array = np.ndarray
Arrays = tuple[Array, ...]


def train_step(model: Sequential, x: Array, y: Array, weights: Array) -> tuple[Array, Array]:
    """Learn from one batch; return each row's loss and the outputs, as before the step.

    Args:
        model: built and compiled.
        x: (N, …) in the model's dtype.
        y: targets, checked by the loss.
        weights: one a row of outputs.
    """
    outputs = forward(model.layers, x, training=True, step=model.optimizer.clock)
    losses, gradient, by_logits = model.loss.score(y, outputs, weights, model.layers[-1])
    backward(model.layers, gradient, by_logits)
    losses = charged(model.layers, losses, learning=True)
    update(model)
    return losses, outputs


def update(model: Sequential) -> None:
    """Move the parameters by their gradients, and hold them to their constraints."""
    if not any(layer.constraints for layer in model.layers):
        model.optimizer.apply(model.segments())
        return
    with interrupts.Deferred():
        model.optimizer.apply(model.segments())
        constrain(model.layers)


def forward(
    layers: list[Layer], x: Array, training: bool = False, step: Any = 0, keep: bool = True
) -> Array:
    """Return the output of the last layer."""
    for layer in layers:
        x = crossing(layer, "forward", layer.forward(x, training, step, keep), len(x))
        layer.remember(x)
    return x


def backward(
    layers: list[Layer], gradient: Array, by_logits: bool = False, penalties: bool = True
) -> None:
    """Write every layer's parameter gradients, from the loss's gradient back to the first.

    Args:
        layers: after a forward pass.
        gradient: by the outputs, or by the logits that the last layer made them from.
        by_logits: which of the two.
        penalties: whether layers add the gradients of the penalties on their outputs.
    """
    first = next((i for i, layer in enumerate(layers) if layer.parameter_names), len(layers))
    for i in range(len(layers) - 1, first - 1, -1):
        layer = layers[i]
        gradient = layer.push(gradient) if penalties else gradient
        step_back = layer.backward_logits if by_logits and layer is layers[-1] else layer.backward
        grad_x = step_back(gradient, i > first)
        if i > first:
            gradient = crossing(layer, "backward", grad_x, len(gradient))


def forward_and_back(
    layers: list[Any], loss: Loss, x: Array, y: Array, weights: Array, training: bool = True,
    step: Any = 0,
) -> tuple[Array, Array]:  # fmt: skip
    """Go forward and back once, without an update; return each row's loss and the outputs.

    Penalties are left out: what a layer's gradients are held against is the layer alone.
    For tools that look on (npcnn.inspection): `layers` may stand in for a model's own.
    """
    outputs = forward(layers, x, training, step)
    losses, gradient, by_logits = loss.score(y, outputs, weights, layers[-1])
    backward(layers, gradient, by_logits, penalties=False)
    return losses, outputs


def crossing(layer: Layer, which: str, array: Any, n: int) -> Array:
    """Return what a layer gave, if it is what its neighbour may be handed; or raise an error.

    Args:
        layer: any, of npcnn's own or not.
        which: 'forward' or 'backward'.
        array: what came back from it.
        n: the batch's size.

    Raises:
        DtypeError: it is no plain array, or of another dtype than the layer.
        ArgumentError: its shape is not that of the layer's output, or input.
    """
    shape: Any = layer.output_shape if which == "forward" else layer.input_shape
    plain = type(array) is np.ndarray
    if plain and array.dtype == layer.dtype and array.shape == (n, *shape[1:]):
        return array
    where, wanted = f"{layer.label}.{which}()", f"{layer.dtype} of shape {(n, *shape[1:])}"
    fix = f"return {'the output' if which == 'forward' else 'the gradient by x'} in that form"
    if type(array) is Watched:  # while a step with a user's class is written down
        unwatched = crossing(layer, which, watched.plain(array), n)
        return array if watched.listening() else unwatched
    if not plain:
        raise DtypeError(message(where, f"an array, {wanted}", type(array).__name__, fix))
    kind = ArgumentError if array.dtype == layer.dtype else DtypeError
    raise kind(message(where, wanted, f"{array.dtype} of shape {array.shape}", fix))


def train_on(model: Sequential, data: Batches | Stream) -> Repeated:
    """Return a step that learns from a data set: (samples, y, weights) → losses, outputs."""

    def step(samples: Array, y: Array, weights: Array) -> Arrays:
        return train_step(model, data.samples(samples), y, weights)

    return Repeated(model, step, learns=True, known=data.known)


def score_on(model: Sequential, data: Batches | Stream) -> Repeated:
    """Return a step that only scores them: (samples, y, weights) → losses, outputs."""

    def step(samples: Array, y: Array, weights: Array) -> Arrays:
        x = forward(model.layers[:-1], data.samples(samples), keep=False)
        outputs = forward(model.layers[-1:], x)  # keeps what its activation started from
        losses = model.loss.score(y, outputs, weights, model.layers[-1])[0]
        return charged(model.layers, losses), outputs

    return Repeated(model, step, known=data.known)


def infer_on(model: Sequential, data: Batches | Stream) -> Repeated:
    """Return a step that gives their outputs: (samples) → outputs."""

    def step(samples: Array) -> Arrays:
        return (forward(model.layers, data.samples(samples), keep=False),)

    return Repeated(model, step, known=data.known)
