"""The same step again, without Python between its ops: when a step may be replayed, and how.

A pass through a model is recorded when it comes with the same shapes for the second time, and
replayed from the third on (`npcnn/kernels/tape.py`). Whatever the pass depends on besides numbers
in arrays is part of the key it is remembered by: shapes, layers and their settings, the loss. A
layer, or a loss, that npcnn does not know is never replayed, nor is anything on the NumPy backend.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import layers as known
from npcnn import losses
from npcnn.backend import recorder
from npcnn.layers import Dropout
from npcnn.layers.base import Layer
from npcnn.threads import get_num_threads

if TYPE_CHECKING:
    from npcnn.model import Sequential

Array = np.ndarray
Arrays = tuple[Array, ...]
Pass = Callable[..., Arrays]

# Passes remembered for one model: a whole batch and a short last one, in training and validation.
REMEMBERED = 6
# Bytes a tape may keep for itself. In steps that need more, Python's share is nothing.
LARGEST = 1 << 26

_LAYERS = {
    value: (value.forward, value.backward)
    for value in vars(known).values()
    if isinstance(value, type) and issubclass(value, Layer)
}
_LOSSES = set(losses.CLASSES.values())


class _Remembered(threading.local):
    """What each model has done so far, in this Python thread."""

    def __init__(self) -> None:
        self.models: weakref.WeakKeyDictionary[Sequential, dict[Any, Any]]
        self.models = weakref.WeakKeyDictionary()


_remembered = _Remembered()


class _Replay:
    """A recorded pass: fixed arrays for what goes in and comes out, and the tape between them."""

    def __init__(self, model: Sequential, recording: Any, run: Pass, arrays: Arrays, step: int):
        self.inputs = tuple(map(recording.empty_like, arrays))
        self.dropouts = [
            (layer, layer.key(step)) for layer in model.layers if isinstance(layer, Dropout)
        ]
        self.fill(arrays)
        self.outputs, self.tape = recording.record(lambda: run(*self.inputs))
        self.kept = [(layer, layer._saved) for layer in model.layers]
        self.good = self.tape.complete and self.tape.bytes <= LARGEST

    def fill(self, arrays: Arrays) -> None:
        """Copy what goes in to where the tape expects it."""
        for own, array in zip(self.inputs, arrays, strict=True):
            own[...] = array

    def run(self, arrays: Arrays, step: int) -> None:
        """Make the pass again; the layers have kept what they keep in any pass."""
        self.fill(arrays)
        for dropout, noted in self.dropouts:
            self.tape.set_key(noted, dropout.key(step))
        self.tape.play()
        for layer, kept in self.kept:
            layer._saved = kept

    def results(self) -> Arrays:
        """Return what came out, in arrays that the next replay leaves alone."""
        return tuple(output.copy(order="K") for output in self.outputs)


def can_replay(model: Sequential) -> bool:
    """Return whether all that the model's passes do is known to be kernel calls."""
    return (
        recorder() is not None
        and all(map(_as_it_came, model.layers))
        and (not model.compiled or type(model.loss) in _LOSSES)
    )


def _as_it_came(layer: Layer) -> bool:
    """Return whether a layer is npcnn's own, and nobody has put another method in its place."""
    forward, backward = _LAYERS.get(type(layer), (None, None))
    return (
        getattr(layer.forward, "__func__", None) is forward is not None
        and getattr(layer.backward, "__func__", None) is backward
    )


def replayed(model: Sequential, name: str, run: Pass, arrays: Arrays, step: int = 0) -> Arrays:
    """Return run(*arrays), from a tape if the model has made that pass before.

    Args:
        model: built, and one of which `can_replay` says so.
        name: which pass it is; two passes of one name do the same.
        run: takes and returns arrays, and calls nothing but ops, dropout included.
        arrays: what goes in: images, targets, weights.
        step: the number of the training step, for dropout's masks.
    """
    loss = model.loss if model.compiled else None
    versions = tuple(layer.version for layer in model.layers)
    layout = tuple((array.shape, array.dtype) for array in arrays)
    key = (name, versions, loss, loss and loss.from_logits, layout, get_num_threads())
    passes = _remembered.models.setdefault(model, {})
    if key not in passes:
        while len(passes) >= REMEMBERED:
            del passes[next(iter(passes))]
        passes[key] = "seen"
        return run(*arrays)
    found = passes[key]
    if found == "seen":
        found = _Replay(model, recorder(), run, arrays, step)
        passes[key] = found if found.good else "plain"
        return found.results()
    if found == "plain":
        return run(*arrays)
    found.run(arrays, step)
    return found.results()
