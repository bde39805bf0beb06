"""The layer that brings numbers to another scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_number, message, shown
from npcnn.layers.base import Array, Layer, Shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

MOST = 1e30  # float32 has it


def _factor(value: Any, where: str) -> float | tuple[float, ...]:
    """Return a number, or one for each channel as a tuple."""
    given = value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
    several = isinstance(given, (list, tuple))
    listed = list(given) if isinstance(given, (list, tuple)) else [given]
    if not listed or not all(is_number(n) and abs(n) <= MOST for n in listed):
        fix = "such as 1 / 255, or one number a channel"
        raise ArgumentError(message(where, "a number, or a list of them", shown(value), fix))
    return tuple(float(n) for n in listed) if several else float(listed[0])


Factor = Annotated[Any, _factor]


class Rescaling(Layer):
    """y = x · scale + offset.

    Args:
        scale: a number, or one for each channel.
        offset: likewise.

    Rescaling(1 / 255) brings pixels to 0 … 1, Rescaling(1 / 127.5, -1) to -1 … 1.

    >>> import numpy as np
    >>> Rescaling(1 / 127.5, offset=-1)(np.array([[0.0, 255.0]]))
    array([[-1.,  1.]], dtype=float32)
    """

    op = "rescale"

    @checked
    def __init__(
        self, scale: Factor, offset: Factor = 0.0, **kwargs: Unpack[LayerKeywords]
    ) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if its channels are as many as scale and offset say."""
        for given in (self.scale, self.offset):
            channels = input_shape[-1:] if len(input_shape) > 1 else (1,)
            if isinstance(given, tuple) and (len(given),) not in ((1,), channels):
                fix = "give a number, or one a channel"
                expected = f"{len(given)} channels, as many as numbers given"
                raise ArgumentError(message(self.label, expected, str(input_shape), fix))
        return input_shape

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x, rescaled."""
        if not isinstance(self.scale, tuple) and not isinstance(self.offset, tuple):
            return ops.rescale(x, self.scale, self.offset, x.dtype)
        return ops.add(ops.multiply(x, self._like(x, self.scale)), self._like(x, self.offset))

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: that by y, times scale."""
        if not need_grad_x:
            return None
        if not isinstance(self.scale, tuple):
            return ops.rescale(grad_y, self.scale, 0.0, grad_y.dtype)
        return ops.multiply(grad_y, self._like(grad_y, self.scale))

    @staticmethod
    def _like(x: Array, numbers: float | tuple[float, ...]) -> Array:
        """Return the numbers as an array of x's shape, one a channel."""
        several = numbers if isinstance(numbers, tuple) else (numbers,)
        shape = (*(1,) * (x.ndim - 1), len(several))
        return ops.broadcast_to(ops.constant(x, several, shape), x.shape)

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return "brought to another scale, channel by channel"

    def get_config(self) -> dict[str, Any]:
        """Return scale and offset."""
        scale, offset = (
            list(given) if isinstance(given, tuple) else given
            for given in (self.scale, self.offset)
        )
        return {**super().get_config(), "scale": scale, "offset": offset}
