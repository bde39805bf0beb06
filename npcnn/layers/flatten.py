"""The layer that turns each sample into a vector."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from npcnn.arguments import ChannelsLast, checked
from npcnn.backend import ops
from npcnn.layers.base import Array, Layer, Shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class Saved(NamedTuple):
    """What backward needs: the shape to fold back to."""

    x_shape: tuple[int, ...]


class Flatten(Layer):
    """(N, H, W, C) → (N, H·W·C), each sample's numbers in C order of its axes; (N,) → (N, 1).

    Args:
        data_format: None or 'channels_last'.

    >>> layer = Flatten()
    >>> layer.build((None, 7, 7, 10))
    >>> layer.output_shape
    (None, 490)
    """

    op, flattens = "flatten", True

    @checked
    def __init__(self, data_format: ChannelsLast = None, **kwargs: Unpack[LayerKeywords]) -> None:
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, product of the other axes)."""
        return (input_shape[0], math.prod(input_shape[1:]))

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the vectors."""
        if keep:
            self._saved = Saved(x.shape)
        return ops.flatten(x)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Fold the gradient back to x's shape."""
        (x_shape,) = self.saved()
        return ops.flatten_backward(grad_y, x_shape)

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return "each sample's numbers in one row"
