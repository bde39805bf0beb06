"""The softmax as a layer, over any axis."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from npcnn import activations
from npcnn.arguments import checked
from npcnn.checks import ArgumentError, is_whole, message, shown
from npcnn.layers.activated import Activated, Saved
from npcnn.layers.base import Array, Layer, Shape
from npcnn.layers.shapes import MAX_AXES


def _axis(value: Any, where: str) -> int:
    if not is_whole(value) or value == 0 or abs(value) > MAX_AXES:
        fix = "use -1 for the last axis"
        raise ArgumentError(message(where, "one axis other than the batch", shown(value), fix))
    return int(value)


class Softmax(Activated):
    """exp(x) / Σ exp(x) along one axis.

    Args:
        axis: the axis to normalise over, the last one by default.

    >>> Softmax()(np.zeros((1, 4), "float32"))
    array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
    """

    _activation = activations.softmax

    @checked
    def __init__(self, axis: Annotated[int, _axis] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if it has the axis."""
        if not -len(input_shape) < self.axis < len(input_shape):
            got = f"axis {self.axis} for an input {input_shape}"
            raise ArgumentError(message(self.label, "an axis of the input", got, "use -1"))
        return input_shape

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the softmax of x."""
        y = np.moveaxis(self.activation.forward(np.moveaxis(x, self.axis, -1)), -1, self.axis)
        if keep:
            self._saved = Saved(x, x, y)
        return y

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x."""
        moved = [np.moveaxis(array, self.axis, -1) for array in (grad_y, *self.saved()[1:])]
        return np.moveaxis(self.activation.backward(*moved), -1, self.axis)

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

    def get_config(self) -> dict[str, Any]:
        """Return the axis."""
        return {**Layer.get_config(self), "axis": self.axis}
