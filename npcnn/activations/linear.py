"""No activation at all."""

from npcnn.activations.base import ActivationFunction, Array


class Linear(ActivationFunction):
    """y = x."""

    fused = True

    def forward(self, x: Array) -> Array:
        """Return x."""
        return x

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return grad_y."""
        return grad_y


linear = Linear("linear")
