"""The rectifier as a layer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, NamedTuple

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import non_negative
from npcnn.layers.base import Array, Layer

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


# float32 has these numbers
Bend = Annotated[float, partial(non_negative, fix="leave it out", most=1e30)]


class Saved(NamedTuple):
    """What backward needs: the input."""

    x: Array


class ReLU(Layer):
    """max(x, 0), with Keras's three refinements.

    y = x above `threshold` and at most `max_value`; below it negative_slope·(x − threshold).

    Args:
        max_value: the cap, or None for none.
        negative_slope: slope below the threshold.
        threshold: where x begins to pass.

    >>> import numpy as np
    >>> ReLU(max_value=6.0, negative_slope=0.5)(np.array([[-1.0, 3.0, 9.0]], "float32"))
    array([[-0.5,  3. ,  6. ]], dtype=float32)
    """

    bends = True

    @checked
    def __init__(
        self,
        max_value: Bend | None = None,
        negative_slope: Bend = 0.0,
        threshold: Bend = 0.0,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:
        super().__init__(**kwargs)
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the rectified x."""
        if keep:
            self._saved = Saved(x)
        return ops.relu(x, self.negative_slope, self.max_value, self.threshold)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x."""
        (x,) = self.saved()
        return ops.relu_backward(grad_y, x, self.negative_slope, self.max_value, self.threshold)

    def kinks(self, x: Array) -> int:
        """Return how many inputs are exactly at the threshold, or at max_value."""
        return int(((x == self.threshold) | (x == self.max_value)).sum())
