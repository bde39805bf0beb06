"""The leaky rectifier."""

from typing import Any

from npcnn.activations.base import ActivationFunction, Array, Size
from npcnn.arguments import checked
from npcnn.backend import ops

SLOPE = 0.2  # Keras's for the function; its layer LeakyReLU has 0.3


class LeakyRelu(ActivationFunction):
    """y = x above 0, 0.2 · x below. Source: Maas, Hannun, Ng, ICML 2013.

    >>> leaky_relu([-1.0, 2.0])
    array([-0.2,  2. ])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.relu(x, SLOPE, None, 0.0)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.relu_backward(grad_y, x, SLOPE, None, 0.0)

    def kinks(self, x: Array) -> int:
        """Return how many x are 0."""
        return int((x == 0).sum())

    @checked
    def __call__(self, x: Any, negative_slope: Size = SLOPE) -> Array:
        """Return the activation of any numbers, with any slope."""
        return ops.relu(self.floats(x), negative_slope, None, 0.0)


leaky_relu = LeakyRelu("leaky_relu")
