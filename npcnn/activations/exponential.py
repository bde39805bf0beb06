"""The exponential function."""

from npcnn.activations.base import ActivationFunction, Array
from npcnn.backend import ops


class Exponential(ActivationFunction):
    """y = exp(x).

    >>> exponential([0.0, 1.0]).round(4)
    array([1.    , 2.7183])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.exponential(x)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.multiply(grad_y, y)


exponential = Exponential("exponential")
