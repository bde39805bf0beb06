"""The layer that cuts edges off images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from npcnn.arguments import ChannelsLast, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, message
from npcnn.layers.base import Array, Layer, Shape
from npcnn.layers.windows import check_image_shape
from npcnn.layers.zero_padding2d import Around

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class Cropping2D(Layer):
    """Rows and columns cut off each image: what ZeroPadding2D puts around, taken away.

    Args:
        cropping: one number for all sides, (rows, columns), or ((above, below), (left, right)).
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, H − above − below, W − left − right, C).

    >>> layer = Cropping2D(((1, 2), (3, 4)))
    >>> layer.build((None, 10, 10, 5))
    >>> layer.output_shape
    (None, 7, 3, 5)
    """

    op = "zero_padding2d_backward"

    @checked
    def __init__(
        self,
        cropping: Around = ((0, 0), (0, 0)),
        data_format: ChannelsLast = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:
        super().__init__(**kwargs)
        self.cropping = cropping

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, rows, columns, C); ArgumentError if nothing is left."""
        height, width, channels = check_image_shape(self, input_shape)
        rows, columns = (sum(side) for side in self.cropping)
        if rows >= height or columns >= width:
            expected = f"more than {rows} rows and {columns} columns, which are cut off"
            fix = "crop less, or give larger images"
            raise ArgumentError(message(self.label, expected, f"{height}×{width}", fix))
        return (input_shape[0], height - rows, width - columns, channels)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the smaller images."""
        return ops.zero_padding2d_backward(x, self.cropping)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: that by y, zeros around it."""
        return ops.zero_padding2d(grad_y, self.cropping) if need_grad_x else None

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return "the edges of each image cut off"
