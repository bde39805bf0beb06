"""What an activation is: a name, a forward and a backward."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import numpy as np

from npcnn.checks import ArgumentError, as_numbers, message, non_negative, positive, shown
from npcnn.ops.tape import FUNCTIONS, Tensor
from npcnn.subclasses import TEXTS, Open, missing, settle
from npcnn.symbolic import KerasTensor, operators

Array = np.ndarray
# float32 has these numbers
Size = Annotated[float, partial(non_negative, fix="leave it out", most=1e30)]


def _shape(value: Any, where: str) -> float:
    """Return a number that one may divide by in float32, or raise ArgumentError."""
    fix = "leave it out"
    if positive(value, where, fix) < 1e-30:
        raise ArgumentError(message(where, "a number from 1e-30", shown(value), fix))
    return float(value)


Shape = Annotated[float, _shape]


def _also_symbolic(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call that gives the next symbolic tensor for one, by a layer of its own."""

    @functools.wraps(call)
    def both(self: Any, x: Any, *options: Any, **named: Any) -> Any:
        if isinstance(x, Tensor):
            return _recorded(self, x, dict(named) if not options else {"axis": options[0]})
        if not isinstance(x, KerasTensor):
            return call(self, x, *options, **named)
        given = inspect.signature(call).bind(self, x, *options, **named).arguments
        return operators["activation"](self, x, dict(list(given.items())[2:]))

    return both


def _recorded(activation: Any, x: Tensor, options: dict[str, Any]) -> Any:
    """Return the activation of numbers that can be gone back through."""
    if options:
        return FUNCTIONS[str(activation)](x, **options)
    y = activation.forward(x.value)
    return Tensor(y, (x,), lambda g: (activation.backward(np.asarray(g), x.value, y),))


class ActivationFunction(Open, str):
    """Base of all activations; one is its name, a text, and can be called on an array.

    A subclass defines `forward`, with `backward` directly under it, and the name:

    >>> class Square(ActivationFunction):
    ...     def forward(self, x):
    ...         return x * x
    ...     def backward(self, grad_y, x, y):
    ...         return grad_y * 2 * x
    >>> square = Square("square")
    >>> square(np.array([3.0])), square == "square"
    (array([9.]), True)

    Attributes:
        fused: whether `ops.conv2d` and `ops.dense` apply it themselves, on the way.
        keeps_shape: whether y has the shape of x.
    """

    overridable = ("forward", "backward")
    __name__ = property(str)
    fused = False
    keeps_shape = True

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__call__" in vars(cls):
            cls.__call__ = _also_symbolic(vars(cls)["__call__"])  # type: ignore[method-assign]

    def forward(self, x: Array) -> Array:
        """Return y for x (N, …), in the same dtype."""
        raise missing(self, "forward")

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x, from the one by y."""
        raise missing(self, "backward")

    def output_shape(self, shape: tuple[Any, ...], where: str) -> tuple[Any, ...]:
        """Return the shape of y for one of x: nearly always the same."""
        return shape

    def written(self, dtype: Any) -> Any:
        """Return what stands for it in a layer's config."""
        return self

    def kinks(self, x: Array) -> int:
        """Return how many x are exactly where no derivative exists."""
        return 0

    def __call__(self, x: Any) -> Array:
        """Return the activation of any numbers, integers as float32, or of a symbolic tensor."""
        return self.forward(self.floats(x))

    def floats(self, x: Any) -> Array:
        """Return any numbers as an array; integers become float32."""
        x = as_numbers(x, f"activations.{self}(x)")
        return x if x.dtype.kind == "f" else x.astype("float32")


def along(forward: Callable[[Array], Array], x: Array, axis: int, where: str) -> Array:
    """Return what a function of the last axis makes of another, or raise ArgumentError."""
    if not -x.ndim <= axis < x.ndim:
        got = f"axis {axis} of an array {x.shape}"
        raise ArgumentError(message(where, "an axis of x", got, "-1 is the last"))
    return np.moveaxis(forward(np.moveaxis(x, axis, -1)), -1, axis)


settle(ActivationFunction, ActivationFunction("x"), overridable=TEXTS)
ActivationFunction.__call__ = _also_symbolic(ActivationFunction.__call__)  # type: ignore[method-assign]
