"""The layer that divides by the root of the mean square."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from npcnn.arguments import Epsilon, checked
from npcnn.backend import ops
from npcnn.layers.axes import Axes, apart, check_axes, lengths, together
from npcnn.layers.base import Array, Layer, Shape
from npcnn.layers.layer_normalization import flat

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class Saved(NamedTuple):
    """What backward needs: what was normalised, and its rates."""

    x: Array
    rate: Array


class RMSNormalization(Layer):
    """y = scale · x / √(the mean of x² + ε), each sample by itself.

    Source: Zhang, Sennrich, "Root Mean Square Layer Normalization", arXiv 1910.07467.

    Args:
        axis: over which axis, or axes.
        epsilon: as above.

    Shapes: x (N, …) → y like x; scale has the lengths of the axes.

    >>> import numpy as np
    >>> RMSNormalization(epsilon=1e-12)(np.array([[1.0, 7.0]]))
    array([[0.2, 1.4]], dtype=float32)
    """

    op = "rms_normalization"
    scale: Array
    grad_scale: Array

    @checked
    def __init__(
        self, axis: Axes = -1, epsilon: Epsilon = 1e-6, **kwargs: Unpack[LayerKeywords]
    ) -> None:
        super().__init__(**kwargs)
        self.axis, self.epsilon = axis, epsilon

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if it has the axes, each named once."""
        check_axes(self, self.axis, input_shape)
        return input_shape

    def create_parameters(self, input_shape: Shape) -> None:
        """Create the scale."""
        self.add_parameter("scale", lengths(self.axis, input_shape), "ones")

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x, normalised."""
        own = together(x, self.axis)
        y, rate = ops.rms_normalization(own, flat(self.scale), self.epsilon)
        if keep:
            self._saved = Saved(own, rate)
        return apart(y, self.axis, x.shape)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Write the gradient by scale; return the one by x."""
        x, rate = self.saved()
        grad_x = ops.rms_normalization_backward(
            together(grad_y, self.axis), x, flat(self.scale), rate, flat(self.grad_scale)
        )
        return apart(grad_x, self.axis, grad_y.shape)
