"""The max-pooling layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn import shapes
from npcnn.arguments import ChannelsLast, Padding, Pair, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, message
from npcnn.layers.base import Array, Layer, Shape, check_image_shape


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
        height, width, channels = check_image_shape(self, input_shape)
        sizes = [
            shapes.output_size(size, window, stride, self.padding)
            for size, window, stride in zip(
                (height, width), self.pool_size, self.strides, strict=True
            )
        ]
        if min(sizes) < 1:
            got = f"{height}×{width} for pool_size={self.pool_size}"
            fix = "use padding='same' or a smaller window"
            raise ArgumentError(message(self.label, "images that hold one window", got, fix))
        return (input_shape[0], *sizes, channels)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the maxima."""
        y = ops.max_pooling2d(x, self.pool_size, self.strides, self.padding)
        if keep:
            self._saved = x, y
        return y

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: each window's goes to its first maximum."""
        x, y = self.saved()
        if not need_grad_x:
            return None
        return ops.max_pooling2d_backward(grad_y, x, y, self.pool_size, self.strides, self.padding)

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
