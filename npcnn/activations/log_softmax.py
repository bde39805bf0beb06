"""Logarithms of probabilities, from scores."""

from typing import Any

from npcnn.activations.base import ActivationFunction, Array, along
from npcnn.arguments import checked
from npcnn.backend import ops


class LogSoftmax(ActivationFunction):
    """y = x − log Σ exp(x), over the last axis.

    >>> log_softmax([0.0, 0.0]).round(4)
    array([-0.6931, -0.6931])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.log_softmax(x)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.log_softmax_backward(grad_y, y)

    @checked
    def __call__(self, x: Any, axis: int = -1) -> Array:
        """Return the activation of any numbers, along an axis."""
        return along(self.forward, self.floats(x), axis, f"activations.{self}(axis)")


log_softmax = LogSoftmax("log_softmax")
