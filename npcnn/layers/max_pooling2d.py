"""The max-pooling layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from npcnn import shapes
from npcnn.backend import ops
from npcnn.layers.base import Array
from npcnn.layers.pooling2d import Pooling2D


class Saved(NamedTuple):
    """What backward needs: input and output, to find the winners."""

    x: Array
    y: Array


class MaxPooling2D(Pooling2D):
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
