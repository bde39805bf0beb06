"""Softplus, and the logarithm of the sigmoid, which is its mirror image."""

from npcnn.activations.base import ActivationFunction, Array
from npcnn.backend import ops


def negative(x: Array) -> Array:
    """Return −x."""
    return ops.rescale(x, -1.0, 0.0, x.dtype)


class Softplus(ActivationFunction):
    """y = log(1 + exp(x)).

    >>> softplus([-1.0, 2.0]).round(4)
    array([0.3133, 2.1269])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.softplus(x)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.multiply(grad_y, ops.sigmoid(x))


class LogSigmoid(ActivationFunction):
    """y = log(sigmoid(x)) = −softplus(−x).

    >>> log_sigmoid([-1.0, 2.0]).round(4)
    array([-1.3133, -0.1269])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return negative(ops.softplus(negative(x)))

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        return ops.multiply(grad_y, ops.sigmoid(negative(x)))


softplus, log_sigmoid = Softplus("softplus"), LogSigmoid("log_sigmoid")
