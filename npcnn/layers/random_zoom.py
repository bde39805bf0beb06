"""The layer that zooms pictures at random."""

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


class RandomZoom(Warping):
    """In training, zooms each picture as drawn by (seed, layer, step, sample).

    Args:
        height_factor: (from, to): 0.1 shows a tenth more of the height, −0.1 a tenth less; a number
            f is (−f, f).
        width_factor: likewise of the width; None takes what was drawn for the height.
        fill_mode: what stands beyond the edge: 'reflect', 'wrap', 'constant' or 'nearest'.
        interpolation: 'bilinear' or 'nearest'.
        seed: of this layer; None takes the model's.
        fill_value: what 'constant' fills with.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, H, W, C).

    >>> import numpy as np
    >>> layer = RandomZoom((1.0, 1.0), 0, "constant")
    >>> layer(np.arange(4.0).reshape(1, 4, 1, 1), training=True).ravel()
    array([0. , 0.5, 2.5, 0. ], dtype=float32)
    """

    @checked
    def __init__(
        self, height_factor: Factor, width_factor: Factor | None = None,
        fill_mode: FillMode = "reflect", interpolation: Interpolation = "bilinear",
        seed: random.Seed | None = None, fill_value: FillValue = 0.0,
        data_format: ChannelsLast = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self.fill_mode, self.interpolation = fill_mode, interpolation
        self.seed, self.fill_value = seed, fill_value

    def ranges(self, size: Size) -> Ranges:
        """Return the zoom."""
        one = self.width_factor is None
        factors = (self.height_factor, self.height_factor if one else self.width_factor)
        rows, columns = (spread(factor, type(self).__name__) for factor in factors)
        zoom = (1 + rows[0], 1 + rows[1]), (1 + columns[0], 1 + columns[1])
        return Ranges(zoom=zoom, one_zoom=one)
