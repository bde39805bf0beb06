"""Probabilities from scores."""

from typing import Any

from npcnn.activations.base import ActivationFunction, Array, along
from npcnn.arguments import checked
from npcnn.backend import ops


class Softmax(ActivationFunction):
    """y = exp(x) / Σ exp(x), over the last axis.

    >>> softmax([1.0, 1.0, 2.0]).round(4)
    array([0.2119, 0.2119, 0.5761])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.softmax(x)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.softmax_backward(grad_y, y)

    @checked
    def __call__(self, x: Any, axis: int = -1) -> Array:
        """Return the activation of any numbers, along an axis."""
        return along(self.forward, self.floats(x), axis, f"activations.{self}(axis)")


softmax = Softmax("softmax")
