"""The layer that does nothing."""

from __future__ import annotations

from collections.abc import Mapping

from npcnn.layers.base import Array, Layer


class Identity(Layer):
    """y = x: what stands where there may be another layer.

    >>> import numpy as np
    >>> Identity()(np.ones((1, 2)))
    array([[1., 1.]], dtype=float32)
    """

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x."""
        return x

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return grad_y."""
        return grad_y

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return "its input as it is"
