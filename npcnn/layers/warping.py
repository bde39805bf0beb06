"""What layers share that turn, shift, zoom, flip, crop or resize pictures: one affine warp."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np

from npcnn.affine import Pair, Ranges
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_number, message, number, positive_int, shown
from npcnn.layers.base import Array, Shape
from npcnn.layers.drawing import Drawing
from npcnn.layers.windows import check_image_shape

FillMode = Literal["reflect", "wrap", "constant", "nearest"]
Interpolation = Literal["bilinear", "nearest"]
Size = tuple[int, int]


class Warp(NamedTuple):
    """One warp of a batch: what it is drawn from, and how places are read."""

    ranges: Ranges
    size: Size
    interpolation: str = "nearest"
    fill_mode: str = "constant"
    fill_value: float = 0.0


def spread(value: Any, where: str, low: float = -1.0, high: float = 1.0) -> Pair:
    """Return (from, to) of a factor: a number f stands for (−|f|, |f|); or raise ArgumentError.

    >>> spread(0.2, "RandomZoom(height_factor)"), spread((0.3, 0.1), "RandomZoom(height_factor)")
    ((-0.2, 0.2), (0.1, 0.3))
    """
    pair = value if isinstance(value, (tuple, list)) else None
    if pair is None and is_number(value):
        pair = (max(-abs(value), low), abs(value)) if value >= low else ()
    if pair is None or len(pair) != 2 or not all(is_number(f) and low <= f <= high for f in pair):
        expected = f"a number, or two, from {low:g} to {high:g}"
        raise ArgumentError(message(where, expected, shown(value), "0.1 stands for (-0.1, 0.1)"))
    first, last = sorted(float(f) for f in pair)
    return first, last


def _factor(value: Any, where: str) -> Any:
    spread(value, where)
    return tuple(value) if isinstance(value, list) else value


FillValue = Annotated[float, partial(number, most=1e30)]
Length = Annotated[int, partial(positive_int, most=1 << 14)]  # of a picture's side
Factor = Annotated[Any, _factor]  # in Keras's form, as files hold it
Spread = Annotated[Any, spread]


class OnPictures(Drawing):
    """Base of layers that change pictures in training, and when they are called by themselves."""

    acts_unasked = True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, which is that of pictures."""
        check_image_shape(self, input_shape)
        return input_shape


class Warping(OnPictures):
    """Base of layers that warp.

    A subclass says in `ranges` what is drawn from in training, or defines `warps`.
    """

    op = "warp"
    interpolation, fill_mode, fill_value = "nearest", "constant", 0.0

    def ranges(self, size: Size) -> Ranges:
        """Return what the warp of pictures of this size is drawn from."""
        raise NotImplementedError

    def warps(self, size: Size, training: bool) -> list[Warp]:
        """Return the warps, one after the other, of pictures of this size: one, in training."""
        if not training:
            return []
        how = self.interpolation, self.fill_mode, self.fill_value
        return [Warp(self.ranges(size), size, *how)]

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the warped pictures."""
        done = []
        for warp in self.warps(x.shape[1:3], training):
            clock = np.asarray(step, np.int64) if training else None
            key = self.key() if training else 0
            matrices = ops.random_affine(x, key, warp.ranges, warp.size, clock)
            done.append((matrices, x.shape[1:3], warp.interpolation, warp.fill_mode))
            x = ops.warp(x, matrices, *warp[1:])
        if keep:
            self._saved = tuple(done)
        return x

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: each goes to the pixels that were read."""
        if not need_grad_x:
            return None
        for warp in reversed(self.saved()):
            grad_y = ops.warp_backward(grad_y, *warp)
        return grad_y

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return f"{type(self).__name__}: each picture read at other places"


def crop(size: Size, start: Size, to: Size) -> Warp:
    """Return the warp that copies a part of each picture, from (row, column) on.

    >>> crop((5, 5), (1, 0), (3, 3)).ranges.shift
    ((0.0, 0.0), (-1.0, -1.0))
    """
    rows, columns = (s - (n - m) / 2 for s, n, m in zip(start, size, to, strict=True))
    return Warp(Ranges(shift=((rows, rows), (columns, columns))), to)


def resize(size: Size, to: Size, interpolation: str = "bilinear") -> Warp:
    """Return the warp that brings pictures to another size, pixels being squares with a middle.

    Source: keras.ops.image.resize without antialiasing.
    """
    rows, columns = (n / m for n, m in zip(size, to, strict=True))
    how = "nearest up" if interpolation == "nearest" else interpolation
    return Warp(Ranges(zoom=((rows, rows), (columns, columns))), to, how, "nearest")


def smart_resize(size: Size, to: Size, interpolation: str = "bilinear") -> list[Warp]:
    """Return the warps that cut out the largest part of the right proportions, and resize it."""
    part = proportioned(size, to)
    start = int((size[0] - part[0]) / 2), int((size[1] - part[1]) / 2)
    return [crop(size, start, part), resize(part, to, interpolation)]


def proportioned(size: Size, to: Size) -> Size:
    """Return the largest size within one that has another's proportions.

    >>> proportioned((340, 500), (200, 200))
    (340, 340)
    """
    rows = max(min(size[0], int(size[1] * to[0] / to[1])), 1)
    return rows, max(min(size[1], int(size[0] * to[1] / to[0])), 1)
