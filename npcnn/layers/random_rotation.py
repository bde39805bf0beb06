"""The layer that turns pictures at random."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from npcnn import random
from npcnn.affine import Ranges
from npcnn.arguments import ChannelsLast, checked
from npcnn.layers.warping import FillMode, FillValue, Interpolation, Size, Spread, Warping

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class RandomRotation(Warping):
    """In training, turns each picture by an angle drawn by (seed, layer, step, sample).

    Args:
        factor: (from, to) as parts of a full turn, anticlockwise; a number f is (−f, f).
        fill_mode: what stands beyond the edge: 'reflect', 'wrap', 'constant' or 'nearest'.
        interpolation: 'bilinear' or 'nearest'.
        seed: of this layer; None takes the model's.
        fill_value: what 'constant' fills with.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, H, W, C).

    >>> import numpy as np
    >>> layer = RandomRotation((0.25, 0.25), interpolation="nearest")
    >>> layer(np.arange(4.0).reshape(1, 2, 2, 1), training=True)[0, :, :, 0]
    array([[1., 3.],
           [0., 2.]], dtype=float32)
    """

    @checked
    def __init__(
        self, factor: Spread, fill_mode: FillMode = "reflect",
        interpolation: Interpolation = "bilinear", seed: random.Seed | None = None,
        fill_value: FillValue = 0.0, data_format: ChannelsLast = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.factor, self.fill_mode, self.interpolation = factor, fill_mode, interpolation
        self.seed, self.fill_value = seed, fill_value

    def ranges(self, size: Size) -> Ranges:
        """Return the rotation."""
        return Ranges(rotation=(2 * math.pi * self.factor[0], 2 * math.pi * self.factor[1]))
