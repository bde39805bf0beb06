"""The layer that puts zeros around images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from npcnn.arguments import ChannelsLast, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_whole, message, shown
from npcnn.layers.base import Array, Layer, Shape
from npcnn.layers.windows import check_image_shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

Edges = tuple[tuple[int, int], tuple[int, int]]
MOST = 1 << 20  # rows or columns on one side: beyond it no memory would do


def _edges(value: Any, where: str) -> Edges:
    """Return ((above, below), (left, right)) of a number, of two, or of two pairs."""
    both = value if isinstance(value, (tuple, list)) else (value, value)
    sides = [tuple(v) if isinstance(v, (tuple, list)) else (v, v) for v in both]
    pairs = len(sides) == 2 and all(len(side) == 2 for side in sides)
    if not pairs or not all(is_whole(v) and 0 <= v <= MOST for side in sides for v in side):
        expected = "a whole number of 0 or more, two of them, or two pairs"
        fix = "such as 1, (rows, columns) or ((above, below), (left, right))"
        raise ArgumentError(message(where, expected, shown(value), fix))
    (above, below), (left, right) = sides
    return (int(above), int(below)), (int(left), int(right))


Around = Annotated[Any, _edges]


class ZeroPadding2D(Layer):
    """Rows and columns of zeros around each image.

    Args:
        padding: one number for all sides, (rows, columns), or ((above, below), (left, right)).
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, above + H + below, left + W + right, C).

    >>> layer = ZeroPadding2D(((1, 2), (3, 4)))
    >>> layer.build((None, 10, 10, 5))
    >>> layer.output_shape
    (None, 13, 17, 5)
    """

    op = "zero_padding2d"

    @checked
    def __init__(
        self,
        padding: Around = (1, 1),
        data_format: ChannelsLast = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:
        super().__init__(**kwargs)
        self.padding = padding

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, rows, columns, C)."""
        height, width, channels = check_image_shape(self, input_shape)
        rows, columns = (sum(side) for side in self.padding)
        return (input_shape[0], height + rows, width + columns, channels)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the larger images."""
        return ops.zero_padding2d(x, self.padding)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: that by y, without what lies around."""
        return ops.zero_padding2d_backward(grad_y, self.padding) if need_grad_x else None

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return "zeros around each image"
