"""The layer that brings pictures to another size."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from npcnn.arguments import ChannelsLast, checked
from npcnn.checks import ArgumentError, flag, message, shown
from npcnn.layers.base import Shape
from npcnn.layers.warping import (
    FillValue,
    Interpolation,
    Length,
    Size,
    Warp,
    Warping,
    resize,
    smart_resize,
)
from npcnn.layers.windows import check_image_shape


def _never(value: Any, where: str) -> bool:
    if value is not None and flag(value, where):
        raise ArgumentError(message(where, "False", shown(value), "npcnn has it in no other way"))
    return False


Never = Annotated[bool, _never]


class Resizing(Warping):
    """Pictures of another size, without antialiasing.

    Args:
        height: rows that come out.
        width: columns.
        interpolation: 'bilinear' or 'nearest'.
        crop_to_aspect_ratio: whether the largest part of the right proportions is resized, instead
            of the whole.
        pad_to_aspect_ratio, antialias: False.
        fill_mode: 'constant'; only padding would need it.
        fill_value: likewise.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, height, width, C).

    >>> import numpy as np
    >>> Resizing(1, 3)(np.arange(2.0).reshape(1, 1, 2, 1)).ravel()
    array([0. , 0.5, 1. ], dtype=float32)
    """

    training_only = acts_unasked = False
    pad_to_aspect_ratio = antialias = False

    @checked
    def __init__(
        self, height: Length, width: Length, interpolation: Interpolation = "bilinear",
        crop_to_aspect_ratio: bool = False, pad_to_aspect_ratio: Never = False,
        fill_mode: Literal["constant"] = "constant", fill_value: FillValue = 0.0,
        antialias: Never = False, data_format: ChannelsLast = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.height, self.width, self.interpolation = height, width, interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.fill_mode, self.fill_value = fill_mode, fill_value

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, height, width, C)."""
        _, _, channels = check_image_shape(self, input_shape)
        return (input_shape[0], self.height, self.width, channels)

    def warps(self, size: Size, training: bool) -> list[Warp]:
        """Return the resizing."""
        to = (self.height, self.width)
        if self.crop_to_aspect_ratio:
            return smart_resize(size, to, self.interpolation)
        return [resize(size, to, self.interpolation)]
