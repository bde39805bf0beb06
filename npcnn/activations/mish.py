"""Mish."""

from npcnn.activations.base import ActivationFunction, Array
from npcnn.backend import ops


class Mish(ActivationFunction):
    """y = x · tanh(softplus(x)). Source: Misra, arXiv 1908.08681.

    >>> mish([-1.0, 2.0]).round(4)
    array([-0.3034,  1.944 ])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.mish(x)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.mish_backward(grad_y, x)


mish = Mish("mish")
