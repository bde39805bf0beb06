"""The average-pooling layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from npcnn.arguments import ChannelsLast, Padding, Pair, checked
from npcnn.backend import ops
from npcnn.layers.base import Array, Layer, Shape
from npcnn.layers.windows import Window, check_image_shape, windows_of


class Saved(NamedTuple):
    """What backward needs: the input, for its shape."""

    x: Array


class AveragePooling2D(Layer):
    """The mean of each window, channel by channel; padding does not count.

    Args:
        pool_size: rows and columns of a window, or one number for both.
        strides: from one window to the next; None is pool_size, less makes windows overlap.
        padding: 'valid' or 'same'.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, OH, OW, C).

    >>> layer = AveragePooling2D()
    >>> layer.build((None, 28, 28, 5))
    >>> layer.output_shape
    (None, 14, 14, 5)
    """

    op, combines = "average_pooling2d", "mean"

    @checked
    def __init__(
        self,
        pool_size: Pair = (2, 2),
        strides: Pair | None = None,
        padding: Padding = "valid",
        data_format: ChannelsLast = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pool_size, self.padding = pool_size, padding
        self.strides = pool_size if strides is None else strides

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, OH, OW, C)."""
        channels = check_image_shape(self, input_shape)[2]
        return (input_shape[0], *windows_of(self, input_shape, "pool_size"), channels)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the means."""
        if keep:
            self._saved = Saved(x)
        return ops.average_pooling2d(x, self.pool_size, self.strides, self.padding)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: each window's in equal shares."""
        (x,) = self.saved()
        options = self.pool_size, self.strides, self.padding
        return ops.average_pooling2d_backward(grad_y, x, *options) if need_grad_x else None

    @property
    def window(self) -> Window:
        """What of the input an output sees."""
        return Window(self.pool_size, self.strides, self.padding)

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return f"the mean of each {self.pool_size[0]}×{self.pool_size[1]} window"

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": "channels_last",
        }
