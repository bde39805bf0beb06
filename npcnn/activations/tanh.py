"""The hyperbolic tangent."""

from npcnn.activations.base import ActivationFunction, Array
from npcnn.backend import ops


class Tanh(ActivationFunction):
    """y = tanh(x).

    >>> tanh([-1.0, 0.0]).round(4)
    array([-0.7616,  0.    ])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.tanh(x)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.tanh_backward(grad_y, y)


tanh = Tanh("tanh")
