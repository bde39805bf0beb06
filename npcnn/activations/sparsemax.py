"""Probabilities from scores, of which low ones become exactly 0."""

from typing import Any

from npcnn.activations.base import ActivationFunction, Array, along
from npcnn.arguments import checked
from npcnn.backend import ops


class Sparsemax(ActivationFunction):
    """y = max(x − τ, 0), with the τ for which each row of y adds up to 1, over the last axis.

    Source: Martins, Astudillo, "From softmax to sparsemax", ICML 2016.

    >>> sparsemax([1.0, 0.5, -1.0])
    array([0.75, 0.25, 0.  ])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.sparsemax(x)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.sparsemax_backward(grad_y, y)

    @checked
    def __call__(self, x: Any, axis: int = -1) -> Array:
        """Return the activation of any numbers, along an axis."""
        return along(self.forward, self.floats(x), axis, "activations.sparsemax(axis)")


sparsemax = Sparsemax("sparsemax")
