"""What layers share that make one number of each window of an image, or of the whole of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npcnn.arguments import ChannelsLast, Padding, Pair, checked
from npcnn.layers.base import Layer, Shape
from npcnn.layers.windows import Window, check_image_shape, windows_of

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class Pooling2D(Layer):
    """Base of max and average pooling; see there."""

    @checked
    def __init__(
        self,
        pool_size: Pair = (2, 2),
        strides: Pair | None = None,
        padding: Padding = "valid",
        data_format: ChannelsLast = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:
        super().__init__(**kwargs)
        self.pool_size, self.padding = pool_size, padding
        self.strides = pool_size if strides is None else strides

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, OH, OW, C)."""
        channels = check_image_shape(self, input_shape)[2]
        return (input_shape[0], *windows_of(self, input_shape, "pool_size"), channels)

    @property
    def window(self) -> Window:
        """What of the input an output sees."""
        return Window(self.pool_size, self.strides, self.padding)


class GlobalPooling2D(Layer):
    """Base of those whose window is the whole image; see there."""

    @checked
    def __init__(
        self,
        data_format: ChannelsLast = None,
        keepdims: bool = False,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:
        super().__init__(**kwargs)
        self.keepdims = keepdims

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, C), or (batch, 1, 1, C)."""
        channels = check_image_shape(self, input_shape)[2]
        return (input_shape[0], *((1, 1) if self.keepdims else ()), channels)
