"""The max-pooling layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from npcnn import shapes
from npcnn.arguments import ChannelsLast, Padding, Pair, checked
from npcnn.backend import ops
from npcnn.layers.base import Array, Layer, Shape
from npcnn.layers.windows import Window, check_image_shape, windows_of


class Saved(NamedTuple):
    """What backward needs: input and output, to find the winners."""

    x: Array
    y: Array


class MaxPooling2D(Layer):
    """The largest value of each window, channel by channel.

    Args:
        pool_size: rows and columns of a window, or one number for both.
        strides: from one window to the next; None is pool_size, less makes windows overlap.
        padding: 'valid' or 'same'; padding never wins.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, OH, OW, C).

    >>> layer = MaxPooling2D()
    >>> layer.build((None, 28, 28, 5))
    >>> layer.output_shape
    (None, 14, 14, 5)
    """

    op, combines = "max_pooling2d", "maximum"

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
        """Return the maxima."""
        y = ops.max_pooling2d(x, self.pool_size, self.strides, self.padding)
        if keep:
            self._saved = Saved(x, y)
        return y

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: each window's goes to its first maximum."""
        x, y = self.saved()
        if not need_grad_x:
            return None
        return ops.max_pooling2d_backward(grad_y, x, y, self.pool_size, self.strides, self.padding)

    @property
    def window(self) -> Window:
        """What of the input an output sees."""
        return Window(self.pool_size, self.strides, self.padding)

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return f"the largest of each {self.pool_size[0]}×{self.pool_size[1]} window"

    def kinks(self, x: Array) -> int:
        """Return how many windows hold their maximum more than once."""
        edges = [
            shapes.padding_before_after(size, window, stride, self.padding)
            for size, window, stride in zip(x.shape[1:3], self.pool_size, self.strides, strict=True)
        ]
        padded = np.pad(x, ((0, 0), *edges, (0, 0)), constant_values=-np.inf)
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.pool_size, axis=(1, 2))
        windows = windows[:, :: self.strides[0], :: self.strides[1]]
        largest = windows == windows.max(axis=(-2, -1), keepdims=True)
        return int((largest.sum(axis=(-2, -1)) > 1).sum())

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": "channels_last",
        }
