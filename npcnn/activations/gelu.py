"""The Gaussian error linear unit."""

from npcnn.activations.base import ActivationFunction, Array
from npcnn.backend import ops


class Gelu(ActivationFunction):
    """y = x · Φ(x), Φ the normal distribution function."""

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.gelu(x)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.gelu_backward(grad_y, x)


gelu = Gelu("gelu")
