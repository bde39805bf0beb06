"""Sigmoids of straight lines, and what is made of them."""

from npcnn.activations.base import ActivationFunction, Array
from npcnn.backend import ops


class Ramp(ActivationFunction):
    """y = scale · x + 1/2, between 0 and 1.

    >>> hard_sigmoid([-4.0, 0.0, 1.5])
    array([-0.  ,  0.5 ,  0.75])
    """

    scale = 1 / 6

    def _line(self, x: Array) -> Array:
        return ops.rescale(x, self.scale, 0.5, x.dtype)

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.relu(self._line(x), 0.0, 1.0, 0.0)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        grad = ops.relu_backward(grad_y, self._line(x), 0.0, 1.0, 0.0)
        return ops.rescale(grad, self.scale, 0.0, x.dtype)

    def kinks(self, x: Array) -> int:
        """Return how many x are where a line ends."""
        line = self._line(x)
        return int(((line == 0) | (line == 1)).sum())


class SparseSigmoid(Ramp):
    """y = (x + 1) / 2, between 0 and 1.

    >>> sparse_sigmoid([-4.0, 0.0, 0.5])
    array([-0.  ,  0.5 ,  0.75])
    """

    scale = 1 / 2


class HardSilu(Ramp):
    """y = x · hard_sigmoid(x). Source: Howard et al., "Searching for MobileNetV3", ICCV 2019.

    >>> hard_silu([-4.0, 1.5, 4.0])
    array([0.   , 1.125, 4.   ])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.multiply(x, super().forward(x))

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        by_share = super().backward(ops.multiply(grad_y, x), x, y)
        return ops.add(ops.multiply(grad_y, super().forward(x)), by_share)


hard_sigmoid, sparse_sigmoid = Ramp("hard_sigmoid"), SparseSigmoid("sparse_sigmoid")
hard_silu = HardSilu("hard_silu")
