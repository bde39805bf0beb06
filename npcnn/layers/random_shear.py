"""The layer that shears pictures at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from npcnn import random
from npcnn.affine import Pair, Ranges
from npcnn.arguments import ChannelsLast, checked
from npcnn.checks import ArgumentError, is_number, message, shown
from npcnn.layers.warping import FillMode, FillValue, Interpolation, Size, Warping

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


def _range(factor: Any) -> Pair:
    return (-factor, factor) if is_number(factor) else (min(factor), max(factor))


def _factor(value: Any, where: str) -> Any:
    pair = value if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) == 2 and all(map(is_number, pair)):
        if pair[0] == -pair[1] and 0 <= pair[1] <= 1:  # as Keras writes one number
            return pair[1]
        if min(pair) >= 0 and max(pair) <= 1:
            return tuple(value) if isinstance(value, list) else value
    fix = "0.1 stands for (-0.1, 0.1)"
    raise ArgumentError(message(where, "a number, or two, from 0 to 1", shown(value), fix))


Factor = Annotated[Any, _factor]


class RandomShear(Warping):
    """In training, shears each picture about its corner, drawn by (seed, layer, step, sample).

    A pixel at (column, row) = (x, y) is read at (x + u·y, y + v·x); half of all times u and v are
    of the other sign.

    Args:
        x_factor: u from and to, between 0 and 1; a number f is (−f, f).
        y_factor: v likewise.
        interpolation: 'bilinear' or 'nearest'.
        fill_mode: what stands beyond the edge: 'reflect', 'wrap', 'constant' or 'nearest'.
        fill_value: what 'constant' fills with.
        data_format: None or 'channels_last'.
        seed: of this layer; None takes the model's.

    Shapes: x (N, H, W, C) → y (N, H, W, C).

    >>> import numpy as np
    >>> layer = RandomShear((1, 1), fill_mode="constant", seed=0)
    >>> layer(np.arange(4.0).reshape(1, 2, 2, 1), training=True)[0, :, :, 0]
    array([[0., 1.],
           [3., 0.]], dtype=float32)
    """

    @checked
    def __init__(
        self, x_factor: Factor = 0.0, y_factor: Factor = 0.0,
        interpolation: Interpolation = "bilinear", fill_mode: FillMode = "reflect",
        fill_value: FillValue = 0.0, data_format: ChannelsLast = None,
        seed: random.Seed | None = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.x_factor, self.y_factor = x_factor, y_factor
        self.fill_mode, self.interpolation = fill_mode, interpolation
        self.seed, self.fill_value = seed, fill_value

    def ranges(self, size: Size) -> Ranges:
        """Return the shear."""
        return Ranges(slant=(_range(self.x_factor), _range(self.y_factor)))
