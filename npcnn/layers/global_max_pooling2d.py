"""The layer that takes the largest value of whole images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from npcnn.backend import ops
from npcnn.layers.base import Array
from npcnn.layers.pooling2d import GlobalPooling2D


class Saved(NamedTuple):
    """What backward needs: input and output, to find the winners."""

    x: Array
    y: Array


class GlobalMaxPooling2D(GlobalPooling2D):
    """Each channel's largest value over all rows and columns: max pooling with one window.

    Args:
        data_format: None or 'channels_last'.
        keepdims: whether rows and columns remain, of length 1.

    Shapes: x (N, H, W, C) → y (N, C), or with keepdims (N, 1, 1, C).

    >>> layer = GlobalMaxPooling2D()
    >>> layer.build((None, 7, 7, 10))
    >>> layer.output_shape
    (None, 10)
    """

    op = "max_pooling2d"

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the maxima."""
        y = ops.max_pooling2d(x, x.shape[1:3], x.shape[1:3], "valid")
        if keep:
            self._saved = Saved(x, y)
        return y if self.keepdims else y[:, 0, 0]

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: each channel's goes to its first maximum."""
        x, y = self.saved()
        if not need_grad_x:
            return None
        grad = grad_y if self.keepdims else grad_y[:, None, None]
        return ops.max_pooling2d_backward(grad, x, y, x.shape[1:3], x.shape[1:3], "valid")

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return "each channel's largest value over the whole image"

    def kinks(self, x: Array) -> int:
        """Return how many channels hold their maximum more than once."""
        largest = x.max(axis=(1, 2), keepdims=True)
        return int(((x == largest).sum(axis=(1, 2)) > 1).sum())
