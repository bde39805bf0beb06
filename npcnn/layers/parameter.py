"""A layer's parameters as attributes: read as variables, and written into their arrays."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from npcnn.checks import ArgumentError, StateError, as_numbers, message, shown
from npcnn.symbolic import live
from npcnn.variables import Weight

Array = np.ndarray


_planning: ContextVar[bool] = ContextVar("planning", default=False)


@contextlib.contextmanager
def planned() -> Iterator[None]:
    """Let layers that are built within only note what parameters they would have.

    A file says what a model is before it has shown that it holds the model's weights.
    `Layer.fill_parameters` makes the parameters afterwards.
    """
    token = _planning.set(True)
    try:
        yield
    finally:
        _planning.reset(token)


def planning() -> bool:
    """Whether parameters are only noted now."""
    return _planning.get()


class Parameter:
    """An attribute that is a parameter, or its gradient: ``layer.kernel = array`` copies, checked.

    A parameter is read as the object that stands for it whatever array the layer has now: one that
    was read before training shows what was learnt.
    Another array in its place would be out of the model's vector: nothing would be learnt.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @staticmethod
    def declare(cls: type, name: str) -> None:
        """Let a class have the attribute, and the gradient beside it, once."""
        for own in (name, f"grad_{name}"):
            if not isinstance(inspect.getattr_static(cls, own, None), Parameter):
                setattr(cls, own, Parameter(own))

    def __get__(self, layer: Any, owner: Any = None) -> Any:
        if layer is None:
            return self
        if self.name in layer.declared:
            made = self.name in vars(layer)
            if made or live.get() is not None or (layer.is_prepared and layer.native is None):
                return layer.weight_of(self.name)
        if layer.has_call and self.name not in vars(layer):  # of another layer of its class
            text = f"{type(layer).__name__!r} object has no attribute {self.name!r}"
            raise AttributeError(text, name=self.name, obj=layer)
        return vars(layer).get(self.name)

    def __set__(self, layer: Any, value: Any) -> None:
        if isinstance(value, Weight) and value.layer is layer and value.key == self.name:
            return  # self.w = self.add_weight(name="w")
        if layer.has_call and self.name not in layer.declared:  # self.w = None, in __init__
            vars(layer)[self.name] = value
            return
        own = vars(layer).get(self.name)
        where = f"{layer.label}.{self.name} = …"
        if own is None:
            fix = "build the layer first, or use an initializer"
            raise StateError(message(where, "a layer that has this parameter", "none", fix))
        set_arrays(where, [(self.name, own)], [value])

    def __delete__(self, layer: Any) -> None:
        where, fix = f"del {layer.label}.{self.name}", "make another layer"
        raise StateError(message(where, "a parameter to stay", "none", fix))


def check_free(layer: Any, name: Any, taken: set[str]) -> None:
    """Raise ArgumentError unless a parameter may be called this.

    Args:
        layer: that is to have it.
        name: an attribute's.
        taken: names that every layer uses itself.
    """
    fits = isinstance(name, str) and name.isidentifier() and not name.startswith(("_", "grad_"))
    if not fits or len(name) > 200 or name in taken:
        expected = "an attribute's name that no layer has, no _ or grad_ in front"
        where, fix = f"{layer.label}.add_parameter(name)", "call it otherwise"
        raise ArgumentError(message(where, expected, shown(name), fix))


def set_arrays(where: str, own: list[tuple[str, Array]], given: list[Any]) -> None:
    """Copy the given arrays into the own ones, or raise before the first is touched."""
    if not isinstance(given, (list, tuple)) or len(given) != len(own):
        fix = "give one array a parameter, in get_weights()'s order"
        got = str(len(given)) if isinstance(given, (list, tuple)) else type(given).__name__
        raise ArgumentError(message(where, f"a list of {len(own)} arrays", got, fix))
    arrays = []
    for (name, value), array in zip(own, given, strict=True):
        single = value.ndim == 0 and np.ndim(array) == 0
        array = as_numbers([array] if single else array, f"{where}, {name}")
        array = array[0] if single else array
        if array.shape != value.shape:
            fix = "give arrays as get_weights() returns them"
            expected = f"{name} of shape {value.shape}"
            raise ArgumentError(message(where, expected, str(array.shape), fix))
        arrays.append(array)
    for (_, value), array in zip(own, arrays, strict=True):
        value[...] = array
