"""A function of a program's own as an activation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from npcnn.activations.base import ActivationFunction, Array
from npcnn.checks import ArgumentError, message
from npcnn.ops.entry import plain
from npcnn.ops.tape import Tensor, gradients


class FunctionActivation(ActivationFunction):
    """What a function makes of an array, with the gradient that is found by going back.

    >>> from npcnn import ops
    >>> made = of_function(lambda x: ops.log(1 + ops.exp(x)))
    >>> made(np.zeros(1)).round(4), made.backward(np.ones(1), np.zeros(1), np.zeros(1))
    (array([0.6931]), array([0.5]))
    """

    function: Callable[..., Any]

    def forward(self, x: Array) -> Array:
        """Return what the function gives."""
        y = np.array(plain(self.function(x)), x.dtype)
        if y.shape != x.shape:
            fix = "put layers.Lambda behind the layer"
            got = f"{y.shape} for {x.shape}"
            raise ArgumentError(message(f"the activation {self}", "x's shape", got, fix))
        return y

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        start = Tensor(x)
        end = self.function(start)
        found = gradients([(end, grad_y)]) if isinstance(end, Tensor) else {}
        return np.array(found.get(start, np.zeros(x.shape)), x.dtype)

    def __call__(self, x: Any) -> Any:
        """Return what the function makes of numbers, or of tensors."""
        return self.function(x)


def of_function(function: Callable[..., Any]) -> FunctionActivation:
    """Return a function as an activation of its name."""
    made = FunctionActivation(getattr(function, "__name__", type(function).__name__))
    made.function = function
    return made
