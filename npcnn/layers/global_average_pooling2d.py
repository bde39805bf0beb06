"""The layer that averages over whole images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from npcnn.backend import ops
from npcnn.layers.base import Array
from npcnn.layers.pooling2d import GlobalPooling2D


class Saved(NamedTuple):
    """What backward needs: the input, for its shape."""

    x: Array


class GlobalAveragePooling2D(GlobalPooling2D):
    """Each channel's mean over all rows and columns.

    Args:
        data_format: None or 'channels_last'.
        keepdims: whether rows and columns remain, of length 1.

    Shapes: x (N, H, W, C) → y (N, C), or with keepdims (N, 1, 1, C).

    >>> layer = GlobalAveragePooling2D()
    >>> layer.build((None, 7, 7, 10))
    >>> layer.output_shape
    (None, 10)
    """

    op, combines = "global_average_pooling2d", "mean"

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the means."""
        if keep:
            self._saved = Saved(x)
        y = ops.global_average_pooling2d(x)
        return y[:, None, None] if self.keepdims else y

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: each channel's in equal shares."""
        (x,) = self.saved()
        if not need_grad_x:
            return None
        grad = grad_y[:, 0, 0] if self.keepdims else grad_y
        return ops.global_average_pooling2d_backward(grad, x)

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return "each channel's mean over the whole image"
