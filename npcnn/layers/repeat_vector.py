"""The layer that repeats a vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, message, positive_int, shown
from npcnn.layers.base import Array, Layer, Shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

MOST = 1 << 20  # as often as nobody means


def _times(value: Any, where: str) -> int:
    number = positive_int(value, where)
    if number > MOST:
        raise ArgumentError(message(where, f"{MOST} at most", shown(value), "repeat less"))
    return number


Times = Annotated[int, _times]


class RepeatVector(Layer):
    """(N, F) → (N, n, F), each vector n times.

    Args:
        n: how often.

    >>> layer = RepeatVector(3)
    >>> layer.build((None, 32))
    >>> layer.output_shape
    (None, 3, 32)
    """

    op = "broadcast_to"

    @checked
    def __init__(self, n: Times, **kwargs: Unpack[LayerKeywords]) -> None:
        super().__init__(**kwargs)
        self.n = n

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, n, F)."""
        if len(input_shape) != 2:
            fix = "put Flatten in front"
            raise ArgumentError(message(self.label, "vectors (N, F)", str(input_shape), fix))
        return (input_shape[0], self.n, input_shape[1])

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return each vector n times."""
        return ops.broadcast_to(x[:, None], (len(x), self.n, x.shape[1]))

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: the sum of its repetitions'."""
        if not need_grad_x:
            return None
        return ops.sum_to(grad_y, (len(grad_y), 1, grad_y.shape[2]))[:, 0]

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return f"each vector {self.n} times"
