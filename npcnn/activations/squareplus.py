"""Squareplus."""

from typing import Any

from npcnn.activations.base import ActivationFunction, Array, Shape
from npcnn.arguments import checked
from npcnn.backend import ops

B = 4.0


class Squareplus(ActivationFunction):
    """y = (x + √(x² + b)) / 2; as a layer's activation with b = 4.

    >>> squareplus([0.0, 2.0]).round(4)
    array([1.    , 2.4142])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.squareplus(x, B)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.squareplus_backward(grad_y, x, B)

    @checked
    def __call__(self, x: Any, b: Shape = B) -> Array:
        """Return the activation of any numbers."""
        return ops.squareplus(self.floats(x), b)


squareplus = Squareplus("squareplus")
