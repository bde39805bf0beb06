"""The rectifier."""

from npcnn.activations.base import ActivationFunction, Array
from npcnn.backend import ops


class Relu(ActivationFunction):
    """y = max(x, 0). Source: Nair, Hinton, ICML 2010."""

    fused = True

    def forward(self, x: Array) -> Array:
        """Return the larger of x and 0."""
        return ops.relu(x, 0.0, None, 0.0)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return grad_y where y > 0, which is exactly where x > 0."""
        return ops.relu_backward(grad_y, y, 0.0, None, 0.0)

    def kinks(self, x: Array) -> int:
        """Return how many x are 0."""
        return int((x == 0).sum())


relu = Relu("relu")
