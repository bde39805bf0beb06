"""The Gaussian error linear unit."""

import math
from typing import Any

from npcnn.activations.base import ActivationFunction, Array
from npcnn.arguments import checked
from npcnn.backend import ops


class Gelu(ActivationFunction):
    """y = x · Φ(x), Φ the normal distribution function.

    >>> gelu([-1.0, 2.0]).round(4)
    array([-0.1587,  1.9545])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.gelu(x)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.gelu_backward(grad_y, x)

    @checked
    def __call__(self, x: Any, approximate: bool = False) -> Array:
        """Return the activation of any numbers; approximately, by a hyperbolic tangent."""
        x = self.floats(x)
        if not approximate:
            return self.forward(x)
        cubed = ops.rescale(ops.multiply(x, ops.multiply(x, x)), 0.044715, 0.0, x.dtype)
        inner = ops.rescale(ops.add(x, cubed), math.sqrt(2 / math.pi), 0.0, x.dtype)
        return ops.multiply(x, ops.rescale(ops.tanh(inner), 0.5, 0.5, x.dtype))


gelu = Gelu("gelu")
