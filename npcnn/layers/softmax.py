"""The softmax as a layer, over any axis."""

from __future__ import annotations

from typing import Any

from npcnn import activations
from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.layers.activated import Activated, Saved
from npcnn.layers.axes import Axis, check_axes, order_of
from npcnn.layers.base import Array, Shape


class Softmax(Activated):
    """exp(x) / Σ exp(x) along one axis.

    Args:
        axis: the axis to normalise over, the last one by default.

    >>> import numpy as np
    >>> Softmax()(np.zeros((1, 4), "float32"))
    array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
    """

    _activation = activations.softmax

    @checked
    def __init__(self, axis: Axis = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if it has the axis."""
        check_axes(self, [self.axis], input_shape)
        return input_shape

    def _turned(self, x: Array, back: bool = False) -> Array:
        """Return x with the axis last, or with that undone."""
        order = order_of([self.axis], x.ndim)[0]
        if order == tuple(range(x.ndim)):
            return x
        return ops.transpose(x, tuple(map(order.index, range(x.ndim))) if back else order)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the softmax of x."""
        y = self._turned(self.activation.forward(self._turned(x)), back=True)
        if keep:
            self._saved = Saved(x, x, y)
        return y

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x."""
        turned = [self._turned(array) for array in (grad_y, *self.saved()[1:])]
        return self._turned(self.activation.backward(*turned), back=True)

    def backward_logits(self, grad_z: Array, need_grad_x: bool = True) -> Array | None:
        """Return grad_z: z is x."""
        return grad_z

    def before(self, x: Array) -> Array:
        """Return x: the activation is all there is."""
        return x

    def look_back(self, grad_y: Array, grad_x: Array) -> dict[str, Array]:
        """Return the gradient by x."""
        return {"grad_pre_activation": grad_x}

    def logits_of(self, names: tuple[str, ...]) -> Array | None:
        """Return x, where the classes are its last axis."""
        logits = super().logits_of(names)
        return None if logits is None or self.axis not in (-1, logits.ndim - 1) else logits
