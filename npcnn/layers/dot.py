"""The layer that multiplies two inputs sample by sample, as vectors or matrices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_whole, message, shown
from npcnn.layers.base import MAX_AXES, Array, Layer, Shape
from npcnn.layers.unit_normalization import to_unit, to_unit_backward

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

LONGEST = 1e7  # Keras's 1 / epsilon


def _two_axes(value: Any, where: str) -> Any:
    given = value if isinstance(value, (list, tuple)) else [value, value]
    fits = len(given) == 2 and all(is_whole(axis) and 0 < abs(axis) <= MAX_AXES for axis in given)
    if not fits:
        fix = "such as 1, or (2, 1) for an axis of each input"
        raise ArgumentError(message(where, "an axis, or one of each input", shown(value), fix))
    return int(value) if given is not value else [int(axis) for axis in given]


class Saved(NamedTuple):
    """What backward needs: both inputs as (N, rows, K), what made them unit, their shapes."""

    x: list[Array]
    unit: list[Any]
    shapes: list[Shape]


class Dot(Layer):
    """y = Σₖ x₁[…, k, …] · x₂[…, k, …], each sample by itself: two vectors' product, two matrices'.

    Args:
        axes: along which axis it is summed; two of them where they are not the same.
        normalize: whether both are brought to length 1 along it first: cosine similarity.

    Shapes: a list of arrays (N, …), as long along the axes → y (N, x₁'s other axes, x₂'s other
    axes), (N, 1) if there are none.

    >>> import numpy as np
    >>> Dot(1)([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[11.]], dtype=float32)
    """

    op, merges = "batch_dot", True

    @checked
    def __init__(
        self,
        axes: Annotated[Any, _two_axes],
        normalize: bool = False,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:
        super().__init__(**kwargs)
        self.axes, self.normalize = axes, normalize

    def _axes(self, shapes: Any) -> list[int]:
        axes = self.axes if isinstance(self.axes, list) else [self.axes] * 2
        return [a + len(s) if a < 0 else a for a, s in zip(axes, shapes, strict=True)]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, x₁'s other axes, x₂'s other axes)."""
        fits = len(input_shape) == 2
        axes = self._axes(input_shape) if fits else []
        fits = fits and all(0 < a < len(s) for a, s in zip(axes, input_shape, strict=True))
        if not fits or input_shape[0][axes[0]] != input_shape[1][axes[1]]:
            expected = f"two inputs, as long along axes {self.axes} as each other"
            fix = "name an axis of each that fits the other's"
            raise ArgumentError(message(self.label, expected, str(input_shape), fix))
        rest = [self._others(shape, axis) for shape, axis in zip(input_shape, axes, strict=True)]
        if len(rest[0]) + len(rest[1]) + 1 > MAX_AXES:
            got, fix = str(input_shape), "bring them to fewer axes first"
            raise ArgumentError(message(self.label, f"at most {MAX_AXES} axes", got, fix))
        return (None, *rest[0], *rest[1]) if rest[0] or rest[1] else (None, 1)

    @staticmethod
    def _others(shape: Shape, axis: int) -> Shape:
        return tuple(size for k, size in enumerate(shape) if k not in (0, axis))

    def _rows(self, x: Array, axis: int) -> Array:
        """Return x as (N, rows, K), K being its length along the axis."""
        order = *(k for k in range(x.ndim) if k != axis), axis
        x = x if order == tuple(range(x.ndim)) else ops.transpose(x, order)
        rows = math.prod(x.shape[1:-1])
        return x if x.ndim == 3 else reshaped(x, (len(x), rows, x.shape[-1]))

    def _unrowed(self, x: Array, axis: int, shape: Shape) -> Array:
        """Undo it, for an input of this shape."""
        order = *(k for k in range(len(shape)) if k != axis), axis
        x = x if len(shape) == 3 else reshaped(x, tuple(shape[k] for k in order))
        if order == tuple(range(len(shape))):
            return x
        return ops.transpose(x, tuple(map(order.index, range(len(shape)))))

    def forward(self, x: Any, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the products."""
        shapes = [one.shape for one in x]
        axes = self._axes(shapes)
        rows = [self._rows(one, axis) for one, axis in zip(x, axes, strict=True)]
        unit: list[Any] = [None, None]
        if self.normalize:
            pairs = [to_unit(one, LONGEST) for one in rows]
            rows, unit = [y for y, _ in pairs], [saved for _, saved in pairs]
        y = ops.batch_dot(*rows)
        if keep:
            self._saved = Saved(rows, unit, shapes)
        rest = [self._others(shape, axis) for shape, axis in zip(shapes, axes, strict=True)]
        return reshaped(y, (len(y), *rest[0], *rest[1]) if rest[0] or rest[1] else (len(y), 1))

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Any:
        """Return the gradient by each input."""
        (x1, x2), unit, shapes = self.saved()
        grad_y = reshaped(grad_y, (len(grad_y), x1.shape[1], x2.shape[1]))
        turned = ops.transpose(grad_y, (0, 2, 1))
        grads = [
            ops.batch_dot(grad_y, ops.transpose(x2, (0, 2, 1))),
            ops.batch_dot(turned, ops.transpose(x1, (0, 2, 1))),
        ]
        if self.normalize:
            grads = [to_unit_backward(g, saved) for g, saved in zip(grads, unit, strict=True)]
        axes = self._axes(shapes)
        return [self._unrowed(*each) for each in zip(grads, axes, shapes, strict=True)]

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return "the cosines of two inputs" if self.normalize else "the products of two inputs"


def reshaped(x: Array, shape: Shape) -> Array:
    """Return an array of another shape with x's numbers in their order."""
    return x if x.shape == shape else ops.flatten_backward(ops.flatten(x), shape)


@checked
def dot(inputs: Any, axes: Annotated[Any, _two_axes] = -1, **kwargs: Unpack[LayerKeywords]) -> Any:
    """Return two inputs' product, sample by sample; `Dot` as a function.

    >>> import numpy as np
    >>> dot([np.ones((1, 2)), np.full((1, 2), 3.0)], axes=1)
    array([[6.]], dtype=float32)
    """
    return Dot(axes, **kwargs)(inputs)
