"""Functions of `npcnn.ops` on symbolic tensors: each call is a layer without weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from npcnn.checks import DtypeError, message
from npcnn.layers import recorded, settling
from npcnn.layers.base import Array, Layer, Shape
from npcnn.ops.tape import FUNCTIONS
from npcnn.symbolic import KerasTensor, operators
from npcnn.variables import Variable

_plainly: ContextVar[bool] = ContextVar("plainly", default=False)
_classes: dict[str, type[Operated]] = {}


@contextmanager
def plainly() -> Iterator[None]:
    """Let no function of `npcnn.ops` become a layer within."""
    token = _plainly.set(True)
    try:
        yield
    finally:
        _plainly.reset(token)


class Operated(Layer):
    """One call of a function: what of its arguments are tensors, the layer is called on.

    Args:
        function: of `npcnn.ops`.
        given: its first arguments; None where a tensor stands.
        how: the others, by name.
        listed: whether it takes the first ones in a list.
    """

    is_operation, in_layers = True, False
    replays = False

    def __init__(
        self, function: Callable[..., Any], given: list[Any], how: dict[str, Any], listed: bool,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.function, self.template, self.how, self.listed = function, given, how, listed
        self.merges = sum(one is None for one in given) > 1

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return what the function makes of numbers."""
        numbers = iter(inputs if self.merges else [inputs])
        given = [next(numbers) if one is None else one for one in self.template]
        return (
            self.function(given, **self.how) if self.listed else self.function(*given, **self.how)
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of what comes out."""
        return settling.operation_shape(self, input_shape)

    def build(self, input_shape: Any, dtype: Any = None) -> None:
        """Take the dtype, which the shape is found with."""
        self.dtype = np.dtype(self.dtype or dtype or "float32")
        super().build(input_shape, dtype)

    def forward(self, x: Any, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return what the function gives."""
        return recorded.forward(self, x, training, step, keep)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Any:
        """Return the gradient by each tensor."""
        return recorded.backward(self, grad_y, need_grad_x)

    def __reduce__(self) -> Any:
        state = {key: value for key, value in self.__getstate__().items() if key != "function"}
        return _made, (self.function.__name__,), state

    def get_config(self) -> dict[str, Any]:
        """Return what makes a copy; files have Keras's form (saving/keras_operations.py)."""
        own = {"function": self.function, "given": self.template, "how": self.how}
        return {**own, "listed": self.listed, "name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Operated:
        """Return the same call of the same function."""
        return cls(**config)


def _class_of(name: str) -> type[Operated]:
    """Return the class of a function's calls: Exp, GetItem."""
    kind = "".join(part.capitalize() for part in name.strip("_").split("_"))
    if kind not in _classes:
        _classes[kind] = type(kind, (Operated,), {"__module__": __name__})
    return _classes[kind]


def _made(name: str) -> Operated:
    """Return a copy's beginning: what is left of a call when its arguments are taken away."""
    cls = _class_of(name)
    layer = cls.__new__(cls)
    layer.function = FUNCTIONS[name]
    return layer


def symbolic(function: Any, given: list[Any], how: dict[str, Any], listed: bool) -> KerasTensor:
    """Return what comes out of a function of symbolic tensors: the next one."""
    name = function.__name__
    if _plainly.get():
        raise DtypeError(message(f"ops.{name}", "an array", "a symbolic tensor", "give numbers"))
    tensors = [one for one in given if isinstance(one, KerasTensor)]
    dtype = tensors[0].dtype
    template: list[Any] = [None if isinstance(one, KerasTensor) else one for one in given]
    if any(isinstance(one, Variable) for one in template):
        fix = "put the weight and what is computed with it into a layer of their own"
        raise DtypeError(message(f"ops.{name}", "tensors and numbers", "a layer's weight", fix))
    how = {key: _sizes(value) for key, value in how.items()}
    layer = _class_of(name)(function, template, how, listed, dtype=dtype)
    return layer(tensors if len(tensors) > 1 else tensors[0])


operators["function"] = symbolic


def _sizes(value: Any) -> Any:
    """Return a shape with the batch's place left open: None is what reshaping finds itself."""
    if isinstance(value, (list, tuple)):
        return type(value)(-1 if one is None else one for one in value)
    return value
