"""Dropout of whole channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from npcnn import random
from npcnn.arguments import ChannelsLast, checked
from npcnn.layers.base import Shape
from npcnn.layers.dropout import Dropout, Rate
from npcnn.layers.windows import check_image_shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class SpatialDropout2D(Dropout):
    """In training, a share `rate` of each image's channels becomes 0, the rest times 1/(1 − rate).

    Neighbouring pixels of a channel say much the same; dropped alone, the others tell of them.
    Source: Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015.

    Args:
        rate: the share to drop, 0 ≤ rate < 1.
        data_format: None or 'channels_last'.
        seed: of this layer; None takes the model's.

    >>> layer = SpatialDropout2D(0.5, seed=0)
    >>> layer.build((None, 2, 2, 3))
    >>> import numpy as np
    >>> y = layer.forward(np.ones((1, 2, 2, 3), "float32"), training=True)
    >>> y[0, 0, 0].tolist() == y[0, 1, 1].tolist()
    True
    """

    unwritten = ("trainable",)
    kept_as: ClassVar = {"noise_shape": None}

    @checked
    def __init__(
        self, rate: Rate, data_format: ChannelsLast = None, seed: random.Seed | None = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(rate, (None, 1, 1, None), seed, **kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        check_image_shape(self, input_shape)
        return input_shape
