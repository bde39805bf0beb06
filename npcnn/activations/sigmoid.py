"""The logistic function."""

from npcnn.activations.base import ActivationFunction, Array
from npcnn.backend import ops


class Sigmoid(ActivationFunction):
    """y = 1 / (1 + exp(−x)).

    >>> sigmoid([-1.0, 0.0]).round(4)
    array([0.2689, 0.5   ])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.sigmoid(x)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.sigmoid_backward(grad_y, y)


sigmoid = Sigmoid("sigmoid")
