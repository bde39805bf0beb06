"""The layer that makes images larger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from npcnn.arguments import ChannelsLast, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, message, positive_pair, shown
from npcnn.layers.base import Array, Layer, Shape
from npcnn.layers.windows import check_image_shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

MOST = 1 << 10  # times as large on one side as nobody means


def _factors(value: Any, where: str) -> tuple[int, int]:
    rows, columns = positive_pair(value, where)
    if max(rows, columns) > MOST:
        raise ArgumentError(message(where, f"{MOST} at most", shown(value), "such as (2, 2)"))
    return rows, columns


Factors = Annotated[Any, _factors]


class UpSampling2D(Layer):
    """Images whose rows and columns are some times as many.

    Args:
        size: how many times, for rows and columns, or one number for both.
        data_format: None or 'channels_last'.
        interpolation: 'nearest' repeats rows and columns, 'bilinear' goes straight from the centre
            of a pixel to that of the next.

    Shapes: x (N, H, W, C) → y (N, size[0] · H, size[1] · W, C).

    >>> layer = UpSampling2D((2, 3))
    >>> layer.build((None, 7, 7, 5))
    >>> layer.output_shape
    (None, 14, 21, 5)
    """

    op = "upsampling2d"

    @checked
    def __init__(
        self, size: Factors = (2, 2), data_format: ChannelsLast = None,
        interpolation: Literal["nearest", "bilinear"] = "nearest",
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.size, self.interpolation = size, interpolation

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, rows, columns, C)."""
        height, width, channels = check_image_shape(self, input_shape)
        return (input_shape[0], height * self.size[0], width * self.size[1], channels)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the larger images."""
        return ops.upsampling2d(x, self.size, self.interpolation)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: each pixel's is what its copies get."""
        if not need_grad_x:
            return None
        return ops.upsampling2d_backward(grad_y, self.size, self.interpolation)

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return f"{self.size[0]}×{self.size[1]} times as large ({self.interpolation})"
