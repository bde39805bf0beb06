"""Odd functions made of two rectifiers: one for x, and one, with a minus, for −x."""

from typing import Any

from npcnn.activations.base import ActivationFunction, Array, Size
from npcnn.activations.softplus import negative
from npcnn.arguments import checked
from npcnn.backend import ops

BETWEEN = 0.5  # Keras's, for a layer's activation


class Odd(ActivationFunction):
    """y = r(x) − r(−x), r the rectifier with a cap or a threshold; with `shift`, of x − shift."""

    cap: float | None = None

    def bends(self, between: float) -> tuple[float, float]:
        """Return the rectifier's threshold, and the shift."""
        return between, 0.0

    def _sides(self, x: Array, shift: float) -> tuple[Array, Array]:
        if not shift:
            return x, negative(x)
        return ops.rescale(x, 1.0, -shift, x.dtype), ops.rescale(x, -1.0, -shift, x.dtype)

    def of(self, x: Array, between: float) -> Array:
        """Return y, for a threshold or shift."""
        threshold, shift = self.bends(between)
        above, below = self._sides(x, shift)
        return ops.subtract(
            ops.relu(above, 0.0, self.cap, threshold), ops.relu(below, 0.0, self.cap, threshold)
        )

    def forward(self, x: Array) -> Array:
        """Return y."""
        return self.of(x, BETWEEN)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x."""
        threshold, shift = self.bends(BETWEEN)
        above, below = self._sides(x, shift)
        return ops.add(
            ops.relu_backward(grad_y, above, 0.0, self.cap, threshold),
            ops.relu_backward(grad_y, below, 0.0, self.cap, threshold),
        )

    def kinks(self, x: Array) -> int:
        """Return how many x are where a line ends."""
        threshold, shift = self.bends(BETWEEN)
        return int((abs(x) == (self.cap or threshold + shift)).sum())


class HardShrink(Odd):
    """y = x, but 0 where |x| ≤ threshold; as a layer's activation with 0.5.

    >>> hard_shrink([-1.0, 0.25, 2.0])
    array([-1.,  0.,  2.])
    """

    @checked
    def __call__(self, x: Any, threshold: Size = BETWEEN) -> Array:
        """Return the activation of any numbers."""
        return self.of(self.floats(x), threshold)


class SoftShrink(HardShrink):
    """y = x brought nearer to 0 by the threshold, but not beyond; as an activation by 0.5.

    >>> soft_shrink([-1.0, 0.25, 2.0])
    array([-0.5,  0. ,  1.5])
    """

    def bends(self, between: float) -> tuple[float, float]:
        """Return the rectifier's threshold, and the shift."""
        return 0.0, between


class HardTanh(Odd):
    """y = x, between −1 and 1.

    >>> hard_tanh([-3.0, 0.25, 2.0])
    array([-1.  ,  0.25,  1.  ])
    """

    cap = 1.0

    def bends(self, between: float) -> tuple[float, float]:
        """Return the rectifier's threshold, and the shift."""
        return 0.0, 0.0

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return grad_y between, also at 0, where neither rectifier passes anything."""
        return ops.relu_backward(grad_y, ops.rescale(x, 1.0, 1.0, x.dtype), 0.0, 2.0, 0.0)


class TanhShrink(ActivationFunction):
    """y = x − tanh(x).

    >>> tanh_shrink([-1.0, 2.0]).round(4)
    array([-0.2384,  1.036 ])
    """

    def forward(self, x: Array) -> Array:
        """Return y."""
        return ops.subtract(x, ops.tanh(x))

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x: grad_y · tanh(x)²."""
        t = ops.tanh(x)
        return ops.multiply(grad_y, ops.multiply(t, t))


class SparsePlus(ActivationFunction):
    """y = 0 up to −1, x from 1 on, and (x + 1)² / 4 between.

    >>> sparse_plus([-2.0, 0.0, 2.0])
    array([0.  , 0.25, 2.  ])
    """

    def _root(self, x: Array) -> Array:
        """Return (x + 1) / 2 between 0 and 1."""
        return ops.relu(ops.rescale(x, 0.5, 0.5, x.dtype), 0.0, 1.0, 0.0)

    def forward(self, x: Array) -> Array:
        """Return y."""
        root = self._root(x)
        beyond = ops.relu(ops.rescale(x, 1.0, -1.0, x.dtype), 0.0, None, 0.0)
        return ops.add(ops.multiply(root, root), beyond)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x, which rises from 0 at −1 to 1 at 1."""
        return ops.multiply(grad_y, self._root(x))


hard_shrink, soft_shrink = HardShrink("hard_shrink"), SoftShrink("soft_shrink")
hard_tanh, tanh_shrink = HardTanh("hard_tanh"), TanhShrink("tanh_shrink")
sparse_plus = SparsePlus("sparse_plus")
