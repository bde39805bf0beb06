"""The layer that brings pictures to another size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from npcnn.arguments import ChannelsLast, checked
from npcnn.checks import ArgumentError, message
from npcnn.layers.base import Array, Shape
from npcnn.layers.warping import FillValue, Length, Size, Warp, Warping, resize, smart_resize
from npcnn.layers.windows import check_image_shape
from npcnn.ops import image
from npcnn.ops.tape import Tensor, gradients

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

Interpolation = Literal["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"]


class Resizing(Warping):
    """Pictures of another size.

    Args:
        height: rows that come out.
        width: columns.
        interpolation: 'bilinear', 'nearest', 'bicubic', 'lanczos3' or 'lanczos5'.
        crop_to_aspect_ratio: whether the largest part of the right proportions is resized, instead
            of the whole.
        pad_to_aspect_ratio: whether what is too short or narrow is filled up before.
        fill_mode: 'constant'; what is filled up is `fill_value`.
        fill_value: as above.
        antialias: whether a smaller picture's pixels are means of all that they cover.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, height, width, C).

    >>> import numpy as np
    >>> Resizing(1, 3)(np.arange(2.0).reshape(1, 1, 2, 1)).ravel()
    array([0. , 0.5, 1. ], dtype=float32)
    """

    training_only = acts_unasked = False

    @checked
    def __init__(
        self, height: Length, width: Length, interpolation: Interpolation = "bilinear",
        crop_to_aspect_ratio: bool = False, pad_to_aspect_ratio: bool = False,
        fill_mode: Literal["constant"] = "constant", fill_value: FillValue = 0.0,
        antialias: bool = False, data_format: ChannelsLast = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.height, self.width, self.interpolation = height, width, interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio, self.antialias = pad_to_aspect_ratio, antialias
        self.fill_mode, self.fill_value = fill_mode, fill_value
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            where = "Resizing(crop_to_aspect_ratio, pad_to_aspect_ratio)"
            raise ArgumentError(message(where, "one of them", "both", "leave one out"))
        if not self.warped:
            self.replays = False

    @property
    def warped(self) -> bool:
        """Whether it is a warp; what else there is comes from `ops.image.resize`."""
        plain = self.interpolation in ("bilinear", "nearest")
        return plain and not (self.pad_to_aspect_ratio or self.antialias)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the pictures of another size."""
        if self.warped:
            return super().forward(x, training, step, keep)
        given = Tensor(x)
        y = image.resize(
            given, (self.height, self.width), self.interpolation, self.antialias,
            self.crop_to_aspect_ratio, self.pad_to_aspect_ratio, self.fill_mode, self.fill_value,
        )  # fmt: skip
        if keep:
            self._saved = given, y
        return np.ascontiguousarray(y.value)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x."""
        if self.warped or not need_grad_x:
            return super().backward(grad_y, need_grad_x)
        given, y = self.saved()
        return np.ascontiguousarray(gradients([(y, grad_y)])[given])

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
