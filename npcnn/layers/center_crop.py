"""The layer that takes the middle of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npcnn.arguments import ChannelsLast, checked
from npcnn.layers.base import Shape
from npcnn.layers.warping import Length, Size, Warp, Warping, crop, smart_resize
from npcnn.layers.windows import check_image_shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class CenterCrop(Warping):
    """The middle of each picture; of one that is smaller, its largest part, resized.

    Args:
        height: rows of the middle.
        width: its columns.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, height, width, C).

    >>> import numpy as np
    >>> CenterCrop(1, 2)(np.arange(12.0).reshape(1, 3, 4, 1)).ravel()
    array([5., 6.], dtype=float32)
    """

    training_only = acts_unasked = False

    @checked
    def __init__(
        self, height: Length, width: Length, data_format: ChannelsLast = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.height, self.width = height, width

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, height, width, C)."""
        _, _, channels = check_image_shape(self, input_shape)
        return (input_shape[0], self.height, self.width, channels)

    def warps(self, size: Size, training: bool) -> list[Warp]:
        """Return the crop, or what stands for it."""
        to = (self.height, self.width)
        if size[0] < self.height or size[1] < self.width:
            return smart_resize(size, to)
        return [crop(size, ((size[0] - to[0]) // 2, (size[1] - to[1]) // 2), to)]
