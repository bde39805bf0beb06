"""The average-pooling layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from npcnn.backend import ops
from npcnn.layers.base import Array
from npcnn.layers.pooling2d import Pooling2D


class Saved(NamedTuple):
    """What backward needs: the input, for its shape."""

    x: Array


class AveragePooling2D(Pooling2D):
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

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return f"the mean of each {self.pool_size[0]}×{self.pool_size[1]} window"
