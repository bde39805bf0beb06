"""The layer that flips pictures at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from npcnn import random
from npcnn.affine import Ranges
from npcnn.arguments import ChannelsLast, checked
from npcnn.layers.warping import Size, Warping

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

Mode = Literal["horizontal", "vertical", "horizontal_and_vertical"]


class RandomFlip(Warping):
    """In training, flips every second picture, drawn by (seed, layer, step, sample).

    Args:
        mode: 'horizontal' (left to right), 'vertical' (upside down), or 'horizontal_and_vertical':
            both at once or neither, as in Keras.
        seed: of this layer; None takes the model's.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, H, W, C).

    >>> import numpy as np
    >>> layer = RandomFlip("horizontal", seed=1)
    >>> layer(np.arange(4.0).reshape(2, 1, 2, 1), training=True)[:, 0, :, 0]
    array([[1., 0.],
           [3., 2.]], dtype=float32)
    """

    @checked
    def __init__(
        self, mode: Mode = "horizontal_and_vertical", seed: random.Seed | None = None,
        data_format: ChannelsLast = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.mode, self.seed = mode, seed

    def ranges(self, size: Size) -> Ranges:
        """Return the flip."""
        share = [0.5 if way in self.mode else 0.0 for way in ("vertical", "horizontal")]
        return Ranges(flip=(share[0], share[1]), one_flip=True)
