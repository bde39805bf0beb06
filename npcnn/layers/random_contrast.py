"""The layer that changes contrast at random."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from npcnn import random
from npcnn.affine import Pair
from npcnn.arguments import ChannelsLast, checked
from npcnn.layers.coloring import Coloring, ValueRange
from npcnn.layers.warping import spread

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

Share = Annotated[Any, partial(spread, low=0.0)]


class RandomContrast(Coloring):
    """In training, (x − m)·f + m for each picture, m a channel's mean, clipped to `value_range`.

    f is drawn between 1 − factor[0] and 1 + factor[1] by (seed, layer, step, sample).

    Args:
        factor: two numbers from 0 to 1; a number f is (0, f), as in Keras 3.
        value_range: the least and the most that a pixel can be.
        seed: of this layer; None takes the model's.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, H, W, C).

    >>> import numpy as np
    >>> layer = RandomContrast((0.0, 1.0), seed=0)
    >>> y = layer(np.array([10.0, 20.0]).reshape(1, 1, 2, 1), training=True).ravel()
    >>> bool(10 < y[1] - y[0] < 20), float(y.mean())
    (True, 15.0)
    """

    @checked
    def __init__(
        self, factor: Share, value_range: ValueRange = (0, 255), seed: random.Seed | None = None,
        data_format: ChannelsLast = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.factor, self.value_range, self.seed = factor, value_range, seed

    def colors(self) -> tuple[Pair, Pair]:
        """Return contrast and brightness, each from and to."""
        return (1 - self.factor[0], 1 + self.factor[1]), (0.0, 0.0)
