"""What layers share that change contrast and brightness at random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np

from npcnn.affine import Pair
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_number, message, shown
from npcnn.layers.base import Array
from npcnn.layers.warping import OnPictures


def _value_range(value: Any, where: str) -> Pair:
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    if not pair or not all(map(is_number, value)):
        fix = "give the least and the most, such as (0, 255)"
        raise ArgumentError(message(where, "two numbers", shown(value), fix))
    least, most = sorted(map(float, value))
    return least, most


ValueRange = Annotated[Any, _value_range]


class Coloring(OnPictures):
    """Base: a subclass has `value_range` and says what is drawn from in `colors`."""

    op = "random_color"
    value_range: Pair

    def colors(self) -> tuple[Pair, Pair]:
        """Return contrast and brightness, each from and to."""
        raise NotImplementedError

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the pictures, of other colours if training."""
        drawn = None
        if training:
            contrast, brightness = self.colors()
            ranges = (*contrast, *brightness, *self.value_range)
            drawn = (x, self.key(), ranges, np.asarray(step, np.int64))
        if keep:
            self._saved = (drawn,)
        return x if drawn is None else ops.random_color(*drawn)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: nothing where the result was clipped."""
        (drawn,) = self.saved()
        if drawn is None or not need_grad_x:
            return grad_y if need_grad_x else None
        return ops.random_color_backward(grad_y, *drawn)

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return f"{type(self).__name__}: other colours, in training"
