"""The layer that crops pictures at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npcnn import random
from npcnn.affine import Ranges
from npcnn.arguments import ChannelsLast, checked
from npcnn.layers.base import Shape
from npcnn.layers.warping import (
    Length,
    Size,
    Warp,
    Warping,
    crop,
    proportioned,
    resize,
    smart_resize,
)
from npcnn.layers.windows import check_image_shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class RandomCrop(Warping):
    """In training, cuts a part out of each picture, at a place drawn by (seed, layer, step).

    All pictures of a batch are cut at the same place, as in Keras. Otherwise, and where pictures
    are not larger than the part, the largest part of its proportions is taken and resized.

    Args:
        height: rows of the part.
        width: its columns.
        seed: of this layer; None takes the model's.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, height, width, C).

    >>> import numpy as np
    >>> layer = RandomCrop(1, 2, seed=3)
    >>> layer(np.arange(12.0).reshape(1, 3, 4, 1), training=True).ravel()
    array([0., 1.], dtype=float32)
    """

    training_only = False

    @checked
    def __init__(
        self, height: Length, width: Length, seed: random.Seed | None = None,
        data_format: ChannelsLast = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.height, self.width, self.seed = height, width, seed

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, height, width, C)."""
        _, _, channels = check_image_shape(self, input_shape)
        return (input_shape[0], self.height, self.width, channels)

    def warps(self, size: Size, training: bool) -> list[Warp]:
        """Return the crop, or what stands for it."""
        to = (self.height, self.width)
        if not training:
            return smart_resize(size, to)
        if size[0] > self.height and size[1] > self.width:
            (ranges, *_) = crop(size, (0, 0), to)
            places = size[0] - self.height + 1, size[1] - self.width + 1
            return [Warp(Ranges(shift=ranges.shift, places=places), to)]
        part = proportioned(size, to)
        start = int((size[0] - part[0]) / 2), int((size[1] - part[1]) / 2)
        rest = min(size[0] - start[0], self.height), min(size[1] - start[1], self.width)
        return [crop(size, start, rest), resize(rest, to)]
