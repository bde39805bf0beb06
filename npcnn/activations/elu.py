"""The exponential linear units: plain and scaled."""

from typing import Any

from npcnn.activations.base import ActivationFunction, Array, Shape, Size
from npcnn.arguments import checked
from npcnn.backend import ops

ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805


class Elu(ActivationFunction):
    """y = x above 0, exp(x) − 1 below. Source: Clevert et al., arXiv 1511.07289.

    >>> elu([-1.0, 2.0]).round(4)
    array([-0.6321,  2.    ])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.elu(x, 1.0)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.elu_backward(grad_y, x, 1.0)

    @checked
    def __call__(self, x: Any, alpha: Size = 1.0) -> Array:
        """Return the activation of any numbers, with any alpha."""
        return ops.elu(self.floats(x), alpha)


class Celu(Elu):
    """y = x above 0, alpha · (exp(x / alpha) − 1) below; as a layer's activation with alpha = 1.

    Source: Barron, arXiv 1704.07483.

    >>> celu([-1.0, 2.0], alpha=2.0).round(4)
    array([-0.7869,  2.    ])
    """

    @checked
    def __call__(self, x: Any, alpha: Shape = 1.0) -> Array:
        """Return the activation of any numbers, with any alpha."""
        x = self.floats(x)
        y = ops.elu(ops.rescale(x, 1 / alpha, 0.0, x.dtype), 1.0)
        return ops.rescale(y, alpha, 0.0, x.dtype)


class Selu(ActivationFunction):
    """y = SCALE · (x above 0, ALPHA · (exp(x) − 1) below).

    Source: Klambauer et al., "Self-normalizing neural networks", arXiv 1706.02515.

    >>> selu([-1.0, 2.0]).round(4)
    array([-1.1113,  2.1014])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.rescale(ops.elu(x, ALPHA), SCALE, 0.0, x.dtype)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.rescale(ops.elu_backward(grad_y, x, ALPHA), SCALE, 0.0, x.dtype)

    def kinks(self, x: Array) -> int:
        """Return how many x are 0, where the slope jumps."""
        return int((x == 0).sum())


elu, celu, selu = Elu("elu"), Celu("celu"), Selu("selu")
