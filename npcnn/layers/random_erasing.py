"""The layer that erases rectangles of pictures at random."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from npcnn import random
from npcnn.arguments import ChannelsLast, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_number, message, shown
from npcnn.layers.base import Array, Shape
from npcnn.layers.coloring import ValueRange
from npcnn.layers.warping import OnPictures, spread

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

Share = Annotated[Any, partial(spread, low=0.0)]
NOISE = 1  # of the layer's draws, those that the rectangles are filled with


def _fill(value: Any, where: str) -> Any:
    several = list(value) if isinstance(value, (tuple, list)) else [value, 0, 0]
    if value is None or (len(several) == 3 and all(is_number(v) for v in several)):
        return value
    raise ArgumentError(message(where, "None, a number or three", shown(value), "None is noise"))


class RandomErasing(OnPictures):
    """In training, puts noise or a number in place of a rectangle of each picture.

    Where it lies and how large it is, is drawn by (seed, layer, step, sample). Source: Zhong et
    al., "Random Erasing Data Augmentation", 2017.

    Args:
        factor: the chance of a picture, itself drawn: from and to; a number f is (0, f).
        scale: the square of the share of the height, and of the width; likewise.
        fill_value: a number, or one for each of three channels; None for normal noise times the
            largest of value_range. It is clipped to value_range.
        value_range: the least and the most that a pixel can be.
        seed: of this layer; None takes the model's.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, H, W, C).

    >>> layer = RandomErasing((1, 1), (0.25, 0.25), fill_value=0.0, seed=0)
    >>> int(layer(np.ones((1, 4, 4, 1)), training=True).sum())
    12
    """

    op = "erase"

    @checked
    def __init__(
        self, factor: Share = 1.0, scale: Share = (0.02, 0.33),
        fill_value: Annotated[Any, _fill] = None, value_range: ValueRange = (0, 255),
        seed: random.Seed | None = None, data_format: ChannelsLast = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.factor, self.scale, self.fill_value = factor, scale, fill_value
        self.value_range, self.seed = value_range, seed

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if there is a number to fill each channel with."""
        several = isinstance(self.fill_value, (tuple, list))
        shape = super().compute_output_shape(input_shape)
        if several and shape[-1] != 3:
            fix = "give one number, or None for noise"
            raise ArgumentError(message(self.label, "three channels", str(input_shape), fix))
        return shape

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the pictures, without a rectangle each if training."""
        if not training:
            if keep:
                self._saved = (None,)
            return x
        key, clock, limits = self.key(), np.asarray(step, np.int64), self.value_range
        drawn, noise = (key, self.factor, self.scale), None
        value: float | tuple[float, ...] = 0.0
        if self.fill_value is None:
            own = random.dropout_key(seed=key, layer=NOISE)
            noise = ops.random_normal(x, 0.0, limits[1], own, clock)
        else:
            values = tuple(float(v) for v in np.clip(np.ravel(self.fill_value), *limits))
            value = values if len(values) > 1 else values[0]
        if keep:
            self._saved = ((*drawn, clock),)
        return ops.erase(x, *drawn, value, clock, None, noise, limits)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: nothing where the picture was erased."""
        (drawn,) = self.saved()
        if drawn is None or not need_grad_x:
            return grad_y if need_grad_x else None
        return ops.erase_backward(grad_y, *drawn)

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return f"{type(self).__name__}: a rectangle of each picture erased, in training"
