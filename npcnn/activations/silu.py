"""The sigmoid linear unit."""

from npcnn.activations.base import ActivationFunction, Array
from npcnn.backend import ops


class Silu(ActivationFunction):
    """y = x · sigmoid(x), also called swish.

    >>> silu([-1.0, 2.0]).round(4)
    array([-0.2689,  1.7616])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.silu(x)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.silu_backward(grad_y, x)


silu = Silu("silu")
