"""Layers whose `call` computes with numbers: it is recorded at each pass, and gone back through.

A user's class with a `call` is taken apart if that only calls other layers (`composed.py`).
Whatever else it does, with weights of its own, functions of `npcnn.ops`, `add_loss` or metrics, it
is called on numbers that remember where they came from; so are layers in it (`taped.py`).
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from npcnn.checks import ArgumentError, DtypeError, message, shown
from npcnn.layers.given import Given, Place, filled, taken
from npcnn.nested import Within
from npcnn.ops.entry import Recording, fixed, recording
from npcnn.ops.tape import FUNCTIONS, Tensor, gradients
from npcnn.symbolic import leaves_of
from npcnn.variables import Variable, read

Array = np.ndarray


def takes(call: Any, name: str) -> bool:
    """Return whether a function has an argument of this name."""
    return name in inspect.signature(call).parameters


def plain_call(layer: Any) -> Given:
    """Return what a call of a function is given: its tensors, several in a list."""
    return one_call(sum(one is None for one in layer.template))


def one_call(count: int) -> Given:
    """Return the arguments of a call with one tensor, or several in a list."""
    places = [Place(k) for k in range(count)]
    return Given((places if count > 1 else places[0],), {})


def size_of(shape: tuple[Any, ...]) -> int:
    """Return how many numbers a sample has."""
    return int(np.prod(shape[1:], dtype=int))


def called(
    layer: Any, given: Given, xs: list[Array], training: bool, step: Any, probing: bool = False
) -> tuple[Recording, list[Tensor], Any, list[Tensor]]:
    """Return the recording of a `call`, the inputs in it, and what it returns."""
    tensors = [Tensor(fixed(np.asarray(one))) for one in xs]
    own = Recording(training=training, step=step, probing=probing)
    args, kwargs = filled(given, tensors)
    with recording(own):
        y = told(layer, args, kwargs, training)
        structure, found = taken(y, lambda one: isinstance(one, (Variable, np.ndarray, Tensor)))
        found = [read(one) if isinstance(one, Variable) else one for one in found]
    if not found:
        fix = "return what npcnn.ops made of the input"
        raise DtypeError(message(f"{layer.label}.call(x)", "an array", shown(y), fix))
    return (
        own,
        tensors,
        structure,
        [one if isinstance(one, Tensor) else Tensor(one) for one in found],
    )


def told(layer: Any, args: Any, kwargs: Any, training: bool) -> Any:
    """Call `call`, which is told of training if it takes that."""
    how = {"training": training} if takes(layer.call, "training") else {}
    try:
        with Within(layer, f"{layer.label}.call(x)"):
            return layer.call(*args, **{**kwargs, **how})
    except Exception as error:
        note = f"in the call() of {layer.label}"
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)
        raise


def forward(layer: Any, x: Any, training: bool, step: Any, keep: bool) -> Array:
    """Return what a recorded layer gives; several outputs side by side, sample by sample."""
    given = plain_call(layer) if layer.is_operation else layer._given
    xs = x if layer.merges else [x]
    own, tensors, _, found = called(layer, given, xs, training, step)
    y = found[0] if layer.is_operation else packed(layer, found)
    if keep:
        layer._kept[0] = own, tensors, y
    vars(layer)["_added"] = tuple(float(loss.value.sum()) for loss in own.losses)
    return np.array(y.value, layer.dtype, order="C")


def packed(layer: Any, found: list[Tensor]) -> Tensor:
    """Return several outputs as one array, a row a sample; one as it is."""
    if len(found) != len(layer._form.shapes):
        expected, fix = f"{len(layer._form.shapes)} outputs", "return as many at each call"
        raise ArgumentError(message(f"{layer.label}.call(x)", expected, str(len(found)), fix))
    if len(found) == 1:
        return found[0]
    flat = [FUNCTIONS["reshape"](FUNCTIONS["cast"](y, layer.dtype), (len(y), -1)) for y in found]
    return FUNCTIONS["concatenate"](flat, axis=1)


def backward(layer: Any, grad_y: Array, need_grad_x: bool = True) -> Any:
    """Write the gradients by the weights; return that by the input, or by each of several."""
    own, given, y = layer.saved()
    ends = [
        (y, np.asarray(grad_y, y.dtype)),
        *((loss, np.ones_like(loss.value)) for loss in own.losses),
    ]
    wanted = [*own.weights.values(), *(given if need_grad_x else ())]
    found = gradients(ends, wanted)
    for leaf in leaves_of(layer):
        for name, _, gradient in leaf.parameters():
            tensor = own.weights.get((id(leaf), name))
            gradient[...] = 0 if tensor is None else found.get(tensor, 0)
    if not need_grad_x:
        return None
    back = [np.array(found.get(one, np.zeros(one.shape)), layer.dtype) for one in given]
    return back if layer.merges else back[0]
