"""The rectifier."""

from typing import Any

from npcnn.activations.base import ActivationFunction, Array, Size
from npcnn.arguments import checked
from npcnn.backend import ops


class Relu(ActivationFunction):
    """y = max(x, 0). Source: Nair, Hinton, ICML 2010.

    >>> relu([-1.0, 2.0])
    array([-0.,  2.])
    """

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

    @checked
    def __call__(
        self, x: Any, negative_slope: Size = 0.0, max_value: Size | None = None,
        threshold: Size = 0.0,
    ) -> Array:  # fmt: skip
        """Return the activation of any numbers: x above the threshold and up to max_value.

        Below the threshold it is negative_slope · (x − threshold).
        """
        return ops.relu(self.floats(x), negative_slope, max_value, threshold)


class Relu6(ActivationFunction):
    """y = x between 0 and 6.

    >>> relu6([-1.0, 2.0, 9.0])
    array([-0.,  2.,  6.])
    """

    def forward(self, x: Array) -> Array:
        """Return x between 0 and 6."""
        return ops.relu(x, 0.0, 6.0, 0.0)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return grad_y where x is between."""
        return ops.relu_backward(grad_y, x, 0.0, 6.0, 0.0)

    def kinks(self, x: Array) -> int:
        """Return how many x are 0 or 6."""
        return int(((x == 0) | (x == 6)).sum())


relu, relu6 = Relu("relu"), Relu6("relu6")
