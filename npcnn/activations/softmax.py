"""Probabilities from scores."""

from npcnn.activations.base import ActivationFunction, Array
from npcnn.backend import ops


class Softmax(ActivationFunction):
    """y = exp(x) / Σ exp(x), over the last axis."""

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.softmax(x)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.softmax_backward(grad_y, y)


softmax = Softmax("softmax")
