"""The layer that puts the axes of each sample in another order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_whole, message, shown
from npcnn.layers.base import MAX_AXES, Array, Layer, Shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


def _order(value: Any, where: str) -> tuple[int, ...]:
    given = value if isinstance(value, (tuple, list)) and len(value) <= MAX_AXES else ()
    whole = len(given) > 0 and all(is_whole(axis) for axis in given)
    if not whole or sorted(given) != list(range(1, len(given) + 1)):
        expected = "each of a sample's axes once, counted from 1"
        raise ArgumentError(message(where, expected, shown(value), "such as (2, 1)"))
    return tuple(int(axis) for axis in given)


Dims = Annotated[Any, _order]


class Permute(Layer):
    """A sample's axes in another order.

    Args:
        dims: which axis of the input each axis of the output is, counted from 1, without the
            batch: (2, 1) swaps two.

    >>> layer = Permute((3, 1, 2))
    >>> layer.build((None, 10, 64, 3))
    >>> layer.output_shape
    (None, 3, 10, 64)
    """

    op = "transpose"

    @checked
    def __init__(self, dims: Dims, **kwargs: Unpack[LayerKeywords]) -> None:
        super().__init__(**kwargs)
        self.dims = dims

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, …), the lengths in the new order."""
        if len(input_shape) != len(self.dims) + 1:
            expected = f"samples of {len(self.dims)} axes, as dims {self.dims}"
            fix = "name each axis of a sample once"
            raise ArgumentError(message(self.label, expected, str(input_shape), fix))
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x, its axes in the new order."""
        return ops.transpose(x, (0, *self.dims))

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: that by y, its axes put back."""
        back = sorted(range(1, len(self.dims) + 1), key=lambda axis: self.dims[axis - 1])
        return ops.transpose(grad_y, (0, *back)) if need_grad_x else None

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return f"the axes in the order {self.dims}"
