"""The layer that gives each sample another shape."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_whole, message, shown
from npcnn.layers.base import Array, Layer, Shape
from npcnn.layers.shapes import MAX_AXES

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


def _target(value: Any, where: str) -> tuple[int, ...]:
    shape = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    whole = all(is_whole(v) and (v >= 1 or v == -1) for v in shape)
    if not whole or shape.count(-1) > 1 or len(shape) > MAX_AXES:
        expected = "positive integers, one of them -1 at most, without the batch"
        fix = "give one sample's shape, such as (28, 28, 1)"
        raise ArgumentError(message(where, expected, shown(value), fix))
    return tuple(int(v) for v in shape)


Target = Annotated[Any, _target]


class Saved(NamedTuple):
    """What backward needs: the shape to fold back to."""

    x_shape: tuple[int, ...]


class Reshape(Layer):
    """(N, …) → (N, *target_shape), each sample's numbers in C order of its axes.

    Args:
        target_shape: without the batch; one length may be -1, what is left over.

    >>> layer = Reshape((7, 7, -1))
    >>> layer.build((None, 490))
    >>> layer.output_shape
    (None, 7, 7, 10)
    """

    op = "flatten"

    @checked
    def __init__(self, target_shape: Target, **kwargs: Unpack[LayerKeywords]) -> None:
        super().__init__(**kwargs)
        self.target_shape = target_shape

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, *target_shape), -1 worked out."""
        size, given = math.prod(input_shape[1:]), self.target_shape
        known = math.prod(length for length in given if length > 0)
        shape = tuple(size // known if length < 0 else length for length in given)
        if math.prod(shape) != size:
            fix = "the lengths must multiply to as many numbers as a sample has"
            expected = f"samples that can have shape {given}"
            raise ArgumentError(message(self.label, expected, str(input_shape), fix))
        return (input_shape[0], *shape)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the samples in their new shape: flattened, and folded to it."""
        if keep:
            self._saved = Saved(x.shape)
        return ops.flatten_backward(ops.flatten(x), self.compute_output_shape(x.shape))

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Fold the gradient back to x's shape."""
        (x_shape,) = self.saved()
        return ops.flatten_backward(ops.flatten(grad_y), x_shape) if need_grad_x else None

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return "the same numbers in another shape"
