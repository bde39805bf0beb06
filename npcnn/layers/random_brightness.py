"""The layer that changes brightness at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npcnn import random
from npcnn.affine import Pair
from npcnn.arguments import ChannelsLast, checked
from npcnn.layers.coloring import Coloring, ValueRange
from npcnn.layers.warping import Spread

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class RandomBrightness(Coloring):
    """In training, x + b·(most − least) for each picture, clipped to `value_range`.

    b is drawn from `factor` by (seed, layer, step, sample).

    Args:
        factor: (from, to), between −1 and 1; a number f is (−f, f).
        value_range: the least and the most that a pixel can be.
        seed: of this layer; None takes the model's.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, H, W, C).

    >>> import numpy as np
    >>> layer = RandomBrightness((0.2, 0.2))
    >>> layer(np.array([10.0, 230.0]).reshape(1, 1, 2, 1), training=True).ravel()
    array([ 61., 255.], dtype=float32)
    """

    @checked
    def __init__(
        self, factor: Spread, value_range: ValueRange = (0, 255), seed: random.Seed | None = None,
        data_format: ChannelsLast = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.factor, self.value_range, self.seed = factor, value_range, seed

    def colors(self) -> tuple[Pair, Pair]:
        """Return contrast and brightness, each from and to."""
        wide = self.value_range[1] - self.value_range[0]
        return (1.0, 1.0), (self.factor[0] * wide, self.factor[1] * wide)
