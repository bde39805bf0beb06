"""The layer that puts arrays end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, message
from npcnn.layers.base import Array, Layer, Shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class Concatenate(Layer):
    """Its inputs one behind the other along an axis, such as the maps of parallel convolutions.

    Args:
        axis: along which; −1 is the channels', 0 the batch's and refused.

    Shapes: a list of arrays (N, …), alike but along the axis → y, along it as long as all together.

    >>> import numpy as np
    >>> Concatenate()([np.ones((1, 2)), np.zeros((1, 1))])
    array([[1., 1., 0.]], dtype=float32)
    """

    op = "concatenate"
    merges = True

    @checked
    def __init__(self, axis: int = -1, **kwargs: Unpack[LayerKeywords]) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the inputs' shape, as long along the axis as all of them together."""
        first = input_shape[0]
        axis = self._axis(len(first))
        rest = [(len(s), *s[:axis], *s[axis + 1 :]) for s in input_shape if len(s) > axis]
        if not 0 < axis < len(first) or len(set(rest)) > 1 or len(rest) < len(input_shape):
            expected = f"inputs alike but along axis {self.axis}"
            fix = "give an axis behind the batch's, and inputs that fit"
            raise ArgumentError(message(self.label, expected, str(input_shape), fix))
        return (*first[:axis], sum(s[axis] for s in input_shape), *first[axis + 1 :])

    def _axis(self, axes: int) -> int:
        return self.axis + axes if self.axis < 0 else self.axis

    def forward(self, x: Any, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return them end to end."""
        axis = self._axis(x[0].ndim)
        if keep:
            self._saved = tuple(one.shape[axis] for one in x)
        return ops.concatenate(list(x), axis)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Any:
        """Return each input's part of the gradient."""
        return list(ops.concatenate_backward(grad_y, self.saved(), self._axis(grad_y.ndim)))


@checked
def concatenate(inputs: Any, axis: int = -1, **kwargs: Unpack[LayerKeywords]) -> Any:
    """Return a list of inputs end to end; `Concatenate` as a function.

    >>> import numpy as np
    >>> concatenate([np.ones((1, 2)), np.zeros((1, 1))])
    array([[1., 1., 0.]], dtype=float32)
    """
    return Concatenate(axis, **kwargs)(inputs)
