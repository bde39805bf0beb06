"""The layer that shifts pictures at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npcnn import random
from npcnn.affine import Ranges
from npcnn.arguments import ChannelsLast, checked
from npcnn.layers.warping import (
    Factor,
    FillMode,
    FillValue,
    Interpolation,
    Size,
    Warping,
    spread,
)

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class RandomTranslation(Warping):
    """In training, shifts each picture as drawn by (seed, layer, step, sample).

    Args:
        height_factor: (from, to) downwards, as parts of the height; a number f is (−f, f).
        width_factor: likewise to the right.
        fill_mode: what stands beyond the edge: 'reflect', 'wrap', 'constant' or 'nearest'.
        interpolation: 'bilinear' or 'nearest'.
        seed: of this layer; None takes the model's.
        fill_value: what 'constant' fills with.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, H, W, C).

    >>> import numpy as np
    >>> layer = RandomTranslation(0, (0.5, 0.5), "constant")
    >>> layer(np.arange(4.0).reshape(1, 2, 2, 1), training=True)[0, :, :, 0]
    array([[0., 0.],
           [0., 2.]], dtype=float32)
    """

    @checked
    def __init__(
        self, height_factor: Factor, width_factor: Factor, fill_mode: FillMode = "reflect",
        interpolation: Interpolation = "bilinear", seed: random.Seed | None = None,
        fill_value: FillValue = 0.0, data_format: ChannelsLast = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self.fill_mode, self.interpolation = fill_mode, interpolation
        self.seed, self.fill_value = seed, fill_value

    def ranges(self, size: Size) -> Ranges:
        """Return the shift."""
        down, right = (
            tuple(-part * length for part in spread(factor, type(self).__name__))
            for factor, length in zip((self.height_factor, self.width_factor), size, strict=True)
        )
        return Ranges(shift=((down[0], down[1]), (right[0], right[1])))
