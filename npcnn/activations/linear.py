"""No activation at all."""

from npcnn.activations.base import ActivationFunction, Array


class Linear(ActivationFunction):
    """y = x.

    >>> linear([-1.0, 2.0])
    array([-1.,  2.])
    """

    fused = True

    def forward(self, x: Array) -> Array:
        """Return x."""
        return x

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return grad_y."""
        return grad_y


linear = Linear("linear")
