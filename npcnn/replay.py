"""The same step again, without Python between its ops: when a step may be replayed, and how.

A pass through a model is recorded when it comes with the same shapes for the second time, and
replayed from the third on (`npcnn/kernels/tape.py`). Whatever the pass depends on besides numbers
in arrays is part of the key it is remembered by: shapes, layers and their settings, the loss. A
layer, or a loss, that npcnn does not know is never replayed, nor is anything on the NumPy backend.
"""

from __future__ import annotations

import operator
import threading
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

# Passes remembered for one model: a whole batch and a short last one, in training, validation and
# prediction.
REMEMBERED = 6
# Bytes a pass may keep for itself. In steps that need more, Python's share is nothing.
LARGEST = 1 << 26


def _methods(names: tuple[str, ...], classes: list[Any]) -> dict[type, tuple[Any, Any]]:
    """Return class → (what looks its methods up, what it finds now)."""
    table = {}
    for cls in classes:
        look = operator.attrgetter(*(name for name in names if hasattr(cls, name)))
        table[cls] = look, look(cls)
    return table


# What a pass calls of a layer and of a loss, as npcnn has it.
_OF_LAYER = ("forward", "backward", "linear", "backward_logits", "logits", "fused", "key")
_OF_LOSS = ("losses_and_gradient", "prepared", "from_rows", "targets", "rows")
_LAYERS = [cls for cls in vars(known).values() if isinstance(cls, type) and issubclass(cls, Layer)]
_KNOWN = _methods(_OF_LAYER, _LAYERS)
_KNOWN |= _methods(_OF_LOSS, list(losses.CLASSES.values()))
_METHODS = frozenset(_OF_LAYER + _OF_LOSS)


class _Passes(threading.local):
    """What a model has done so far in this Python thread; a copied model has done nothing yet."""

    def __init__(self) -> None:
        self.known: dict[Any, Any] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return _Passes, ()


class _Replay:
    """A recorded pass: fixed arrays for what goes in and comes out, and the tape between them."""

    def __init__(self, model: Sequential, recording: Any, run: Pass, inputs: Arrays, step: int):
        self.inputs, self.busy = inputs, False
        before = [layer._saved for layer in model.layers]
        self.dropouts = [
            (layer, layer.key(step)) for layer in model.layers if isinstance(layer, Dropout)
        ]
        self.outputs, self.tape = recording.record(lambda: run(*inputs))
        self.kept = [
            (layer, layer._saved)
            for layer, old in zip(model.layers, before, strict=True)
            if layer._saved is not old
        ]
        size = self.tape.bytes + sum(array.nbytes for array in inputs)
        self.good = self.tape.complete and size <= LARGEST

    def run(self, arrays: Arrays, step: int) -> Arrays:
        """Make the pass again; the layers have kept what they keep in any pass.

        The results are in arrays that the next replay leaves alone.
        """
        self.busy = True
        try:
            for own, array in zip(self.inputs, arrays, strict=True):
                own[...] = array
            keys = {}
            for dropout, noted in self.dropouts:
                keys[dropout] = dropout.key(step)
                self.tape.set_key(noted, keys[dropout])
            self.tape.play()
            for layer, kept in self.kept:
                if layer in keys and kept is not None and kept[0] is not None:
                    kept = ((keys[layer], kept[0][1]),)
                layer._saved = kept
            return self.results()
        finally:
            self.busy = False

    def results(self) -> Arrays:
        """Return what came out, in arrays that the next replay leaves alone."""
        return tuple(output.copy(order="K") for output in self.outputs)


def can_replay(model: Sequential) -> bool:
    """Return whether all that the model's passes do is known to be kernel calls.

    It is not where a layer or the loss is of another class than npcnn's own, or has another method
    in a method's place.
    """
    things: list[Any] = [*model.layers, model.loss] if model.compiled else model.layers
    for kind in set(map(type, things)):
        look, own = _KNOWN.get(kind, (None, None))
        if look is None or look(kind) != own:
            return False
    return recorder() is not None and all(_METHODS.isdisjoint(vars(thing)) for thing in things)


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
    if "_passes" not in vars(model):
        vars(model)["_passes"] = _Passes()
    passes = vars(model)["_passes"].known
    found = passes.pop(key, None)
    if isinstance(found, _Replay):
        passes[key] = found  # the last to be forgotten
        if found.busy:  # a signal handler came in between
            return run(*arrays)
        return found.run(arrays, step)
    while len(passes) >= REMEMBERED:
        del passes[next(iter(passes))]
    passes[key] = "plain" if found == "plain" else "seen"
    recording = recorder()
    if found != "seen":
        return run(*(recording.in_order(array) for array in arrays))
    inputs = tuple(map(recording.own_copy, arrays))
    replay = _Replay(model, recording, run, inputs, step)
    passes[key] = replay if replay.good else "plain"
    return replay.results()
