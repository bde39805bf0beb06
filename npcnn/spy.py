"""Layers that are looked on: stand-ins which hand every call to the real layer and note it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import data, random
from npcnn.checks import StateError, message
from npcnn.layers import Layer
from npcnn.layers.parts import in_dtype, learnt
from npcnn.layers.seen import activation_of
from npcnn.symbolic import leaves_of
from npcnn.tables import input_names, told_as
from npcnn.training import Batch, crossing_back
from npcnn.written import Written

if TYPE_CHECKING:
    from npcnn.graph import Call, Graph
    from npcnn.model import Model

Array = np.ndarray


def shadows(layers: list[Layer], dtype: Any = None) -> list[Layer]:
    """Return shallow copies of layers, with parameters and gradients of their own.

    Whatever is done with them, the layers they were made from stay as they are. What they compute
    is the same to the bit, unless another dtype is asked for.

    Args:
        layers: built.
        dtype: of the copies; None keeps each layer's.

    >>> from npcnn.layers import Dense
    >>> layer = Dense(2)
    >>> layer.build((None, 3))
    >>> twin = shadows([layer])[0]
    >>> twin.bias += 1.0
    >>> layer.bias.tolist(), twin.bias.tolist()
    ([0.0, 0.0], [1.0, 1.0])
    """
    seed = random.current_seed()
    memo: dict[int, Any] = {}
    for layer in sorted(layers, key=lambda one: one.recorded):  # plain ones may be within others
        twin = copy.deepcopy(layer, memo) if layer.recorded else copy.copy(layer)
        memo[id(layer)] = twin
        vars(twin)["_model_seed"], twin.place = seed, None
        twin.dtype = layer.dtype if dtype is None else np.dtype(dtype)
        for name in layer.declared:
            value = vars(layer)[name]
            gradient = vars(layer).get(f"grad_{name}")
            if gradient is not None:
                gradient = np.array(gradient, twin.dtype, order="C")
            twin.bind(name, np.array(value, twin.dtype, order="C"), gradient)
        if layer.recorded:
            in_dtype(twin, twin.dtype)
    return [memo[id(layer)] for layer in layers]


def shadow_graph(graph: Graph, dtype: Any = None) -> Graph:
    """Return a graph of shadows of its layers."""
    twins = zip(graph.layers, shadows(graph.layers, dtype), strict=True)
    of = {id(layer): twin for layer, twin in twins}
    return graph.of([of[id(call.layer)] for call in graph.calls])


def watched(graph: Graph, strict: bool = False) -> tuple[Graph, list[Any]]:
    """Return a graph of spies, one a call, and these.

    Args:
        graph: of shadows.
        strict: whether a user's `backward` that does not write its gradients raises an error, as
            in training.
    """
    spies: list[Any] = [
        Spy(call, strict and call.strange and not call.layer.recorded) for call in graph.calls
    ]
    return graph.of(spies), spies


class Spy:
    """Stands in for a layer in `training.forward` and `training.backward`, and notes what passes.

    Args:
        call: of the real one; best a shadow's, since its gradients are written.
        strict: whether its `backward` must write them (`npcnn/written.py`).

    Attributes:
        arrays: name → copy of an array, C-contiguous: input, pre_activation, activation and the
            gradients by each of them, the parameters and theirs.
        visited: whether the backward pass came by.
    """

    def __init__(self, call: Call, strict: bool = False) -> None:
        self.call, self.layer, self.strict = call, call.layer, strict
        self.arrays: dict[str, Array] = {}
        self.visited = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.layer, name)

    def forward(self, x: Array, training: bool = False, step: Any = 0, keep: bool = True) -> Array:
        """Go forward through the layer."""
        if "given" in vars(self):
            vars(self.layer)["_given"] = self.given
        self._note_several("", list(x) if self.layer.merges else [x])
        y = self.layer.forward(x, training, step, keep)
        self.note("activation", y)
        for name, array in self.layer.look(x, y).items():
            self.note(name, array)
        for name, value in self.layer.arrays():
            self.note(told_as(name), value)
        return y

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Go back through the layer from the gradient by its output."""
        self.note("grad_activation", grad_y)
        grad_x = self._back(self.layer.backward, grad_y, need_grad_x)
        for name, array in self.layer.look_back(grad_y, grad_x).items():
            self.note(name, array)
        return grad_x

    def backward_logits(self, grad_z: Array, need_grad_x: bool = True) -> Array | None:
        """Go back through the layer from the gradient by what its activation started from."""
        self.note("grad_pre_activation", grad_z)
        return self._back(self.layer.backward_logits, grad_z, need_grad_x)

    def _back(self, call: Any, gradient: Array, need_grad_x: bool) -> Array:
        """Call as training does; where it leaves out the gradient by the input, call once more.

        Here it is asked for, of a first layer too, and has to be what any other's must be.
        """
        self.visited = True
        looked = Written(leaves_of(self.layer)).around(call, len(gradient)) if self.strict else call
        grad_x = looked(gradient, need_grad_x)
        for name, _, grad in learnt(self.layer):
            self.note(f"grad_{told_as(name)}", grad)
        if grad_x is None:
            grad_x = call(gradient, True)
        self._note_several("grad_", crossing_back(self.call, grad_x, len(gradient)))
        return grad_x

    def _note_several(self, front: str, arrays: Sequence[Array]) -> None:
        """Keep a layer's input, or all of them, or the gradients by them."""
        for own, array in zip(input_names(len(arrays)), arrays, strict=True):
            self.note(front + own, array)

    def note(self, name: str, array: Array | None) -> None:
        """Keep a copy of an array."""
        if array is not None:
            self.arrays[name] = np.array(array, order="C")


def rectifies(layer: Any) -> bool:
    """Whether a layer's output is a plain ReLU's: 0 where its input is negative."""
    return activation_of(layer) == "relu"


def require_ready(model: Model, where: str) -> None:
    """Raise StateError unless a model is built and compiled."""
    for there, what, fix in (
        (model.built, "built", "give the first layer input_shape=… or call build(input_shape)"),
        (model.compiled, "compiled", "call compile(loss='categorical_crossentropy') first"),
    ):
        if not there:
            got = f"one that is not {what}"
            raise StateError(message(f"{where}(model)", "a model built and compiled", got, fix))


def one_batch(model: Model, x: Any, y: Any, sample_weight: Any, where: str) -> Batch:
    """Return (xs, ys, weights) of one batch as training would get them, or raise an error.

    Raises:
        StateError: the model is not built or not compiled.
        ArgumentError, DtypeError: the data do not fit the model.
    """
    require_ready(model, where)
    batches = data.prepare(x, y, sample_weight, 1, model, where)
    batches.batch_size = len(batches)
    return batches.batch(0)
