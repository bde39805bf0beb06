"""The layer that brings each sample to length 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.layers.axes import Axes, apart, check_axes, together
from npcnn.layers.base import Array, Layer, Shape
from npcnn.layers.rms_normalization import Saved

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

LONGEST = 1e12  # what a length that is nearly 0 is at most multiplied by


class UnitNormalization(Layer):
    """y = x / √(Σ x²), over some axes of each sample; 0 stays 0.

    Args:
        axis: over which axis, or axes.

    Shapes: x (N, …) → y like x.

    >>> import numpy as np
    >>> UnitNormalization()(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """

    op = "rms_normalization"

    @checked
    def __init__(self, axis: Axes = -1, **kwargs: Unpack[LayerKeywords]) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if it has the axes, each named once."""
        check_axes(self, self.axis, input_shape)
        return input_shape

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x with length 1."""
        y, saved = to_unit(together(x, self.axis))
        if keep:
            self._saved = saved
        return apart(y, self.axis, x.shape)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x."""
        if not need_grad_x:
            return None
        grad_x = to_unit_backward(together(grad_y, self.axis), self.saved())
        return apart(grad_x, self.axis, grad_y.shape)

    def get_config(self) -> dict[str, Any]:
        """Return the axes, one as a number."""
        axis = self.axis if len(self.axis) > 1 else self.axis[0]
        return {**super().get_config(), "axis": axis}


def to_unit(x: Array, longest: float = LONGEST) -> tuple[Array, Saved]:
    """Return x / √(Σ x²) over the last axis, and what `to_unit_backward` needs.

    √(Σ x²) is √K times the root of the mean square, K numbers being added up.
    """
    count = max(1, x.shape[-1])
    y, rate = ops.rms_normalization(x, None, 1 / longest**2 / count)
    return ops.rescale(y, 1 / math.sqrt(count), 0.0, x.dtype), Saved(x, rate)


def to_unit_backward(grad_y: Array, saved: Saved) -> Array:
    """Return the gradient by x."""
    x, rate = saved
    grad_y = ops.rescale(grad_y, 1 / math.sqrt(max(1, x.shape[-1])), 0.0, x.dtype)
    return ops.rms_normalization_backward(grad_y, x, None, rate, None)
