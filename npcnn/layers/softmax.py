"""The softmax as a layer, over any axis, or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npcnn import activations
from npcnn.arguments import checked
from npcnn.layers.activated import Activated, Saved
from npcnn.layers.axes import AxisOrAxes, apart, check_axes, together
from npcnn.layers.base import Array, Shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class Softmax(Activated):
    """exp(x) / Σ exp(x) along an axis, or over several together.

    Args:
        axis: the axis to normalise over, the last one by default; or a list of axes.

    >>> import numpy as np
    >>> Softmax()(np.zeros((1, 4), "float32"))
    array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
    """

    _activation = activations.softmax

    @checked
    def __init__(self, axis: AxisOrAxes = -1, **kwargs: Unpack[LayerKeywords]) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    @property
    def _axes(self) -> list[int]:
        return self.axis if isinstance(self.axis, list) else [self.axis]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if it has the axes."""
        check_axes(self, self._axes, input_shape)
        return input_shape

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the softmax of x."""
        y = self.activation.forward(together(x, self._axes))
        y = apart(y, self._axes, x.shape)
        if keep:
            self._saved = Saved(x, x, y)
        return y

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x."""
        turned = [together(array, self._axes) for array in (grad_y, *self.saved()[1:])]
        return apart(self.activation.backward(*turned), self._axes, grad_y.shape)

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
        last = logits is not None and self._axes in ([-1], [logits.ndim - 1])
        return logits if last else None
