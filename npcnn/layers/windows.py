"""What layers of images share that slide a window over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from npcnn.checks import ArgumentError, message
from npcnn.shapes import output_size

if TYPE_CHECKING:
    from npcnn.layers.base import Layer

Shape = tuple[Any, ...]


class Window(NamedTuple):
    """What of its input an output of a layer of images sees: pairs (rows, columns)."""

    size: tuple[int, int]
    strides: tuple[int, int]
    padding: str
    dilation: tuple[int, int] = (1, 1)


def check_image_shape(layer: Layer, input_shape: Shape) -> tuple[int, int, int]:
    """Return (H, W, C) of an input of images, or raise ArgumentError."""
    if len(input_shape) != 4:
        expected = "images as (batch, rows, columns, channels)"
        fix = "reshape to four axes, (n, 28, 28, 1) for grey pictures"
        raise ArgumentError(message(layer.label, expected, str(input_shape), fix))
    return input_shape[1], input_shape[2], input_shape[3]


def check_steps(layer: Any) -> None:
    """Raise ArgumentError where a convolution has strides and a dilation rate."""
    if max(layer.strides) > 1 and max(layer.dilation_rate) > 1:
        got = f"strides={layer.strides}, dilation_rate={layer.dilation_rate}"
        expected, fix = "strides or dilation_rate to be 1", "leave one of them at 1"
        raise ArgumentError(message(type(layer).__name__, expected, got, fix))


def windows_of(layer: Layer, input_shape: Shape, size: str) -> tuple[int, int]:
    """Return how many windows fit along rows and columns, or raise ArgumentError if none does.

    Args:
        layer: one with a window.
        input_shape: of images.
        size: the name of the layer's argument that says how large a window is.
    """
    height, width, _ = check_image_shape(layer, input_shape)
    window = layer.window
    assert window is not None
    steps = zip((height, width), window.size, window.strides, window.dilation, strict=True)
    rows, columns = (output_size(n, w, s, window.padding, d) for n, w, s, d in steps)
    if min(rows, columns) < 1:
        got = f"{height}×{width} for {size}={window.size}"
        fix = f"use padding='same' or a smaller {size.split('_')[0].replace('pool', 'window')}"
        raise ArgumentError(message(layer.label, "images that hold one window", got, fix))
    return rows, columns
