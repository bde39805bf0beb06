"""Softsign."""

from npcnn.activations.base import ActivationFunction, Array
from npcnn.backend import ops


class Softsign(ActivationFunction):
    """y = x / (1 + |x|).

    >>> softsign([-1.0, 3.0])
    array([-0.5 ,  0.75])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.softsign(x)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.softsign_backward(grad_y, x)


softsign = Softsign("softsign")
