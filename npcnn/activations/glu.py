"""The gated linear unit: one half of the channels, as far as the other lets it through."""

from typing import Any

from npcnn.activations.base import ActivationFunction, Array, along
from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, message


class Glu(ActivationFunction):
    """y = a · sigmoid(b), x being a and b side by side along the last axis.

    Source: Dauphin et al., "Language modeling with gated convolutional networks", arXiv 1612.08083.

    >>> glu([[1.0, 2.0, 0.0, 0.0]])
    array([[0.5, 1. ]])
    """

    keeps_shape = False

    def output_shape(self, shape: tuple[Any, ...], where: str) -> tuple[Any, ...]:
        """Return the shape with half the last axis."""
        if len(shape) < 1 or shape[-1] is None or shape[-1] % 2:
            fix = "give 2, 4, 6, … channels"
            raise ArgumentError(message(where, "an even last axis", str(shape), fix))
        return (*shape[:-1], shape[-1] // 2)

    def _halves(self, x: Array) -> tuple[Array, Array]:
        half = self.output_shape(x.shape, "activations.glu(x)")[-1]
        a, b = ops.concatenate_backward(x, (half, half), x.ndim - 1)
        return a, ops.sigmoid(b)

    def forward(self, x: Array) -> Array:
        """Return y, of half the last axis."""
        return ops.multiply(*self._halves(x))

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        a, gate = self._halves(x)
        by_gate = ops.sigmoid_backward(ops.multiply(grad_y, a), gate)
        return ops.concatenate([ops.multiply(grad_y, gate), by_gate], x.ndim - 1)

    @checked
    def __call__(self, x: Any, axis: int = -1) -> Array:
        """Return the activation of any numbers, halved along an axis."""
        return along(self.forward, self.floats(x), axis, "activations.glu(axis)")


glu = Glu("glu")
