"""What layers become in ONNX that crop pictures, or bring them to another size."""

from __future__ import annotations

from typing import Any

from npcnn import layers
from npcnn.checks import ArgumentError, message
from npcnn.layers.warping import proportioned
from npcnn.onnx.nodes import converts
from npcnn.onnx.writer import Value, Writer


@converts(layers.Resizing)
def _resizing(writer: Writer, layer: Any, x: Value) -> Value:
    to = (layer.height, layer.width)
    if not layer.warped:
        fix = "take bilinear or nearest, without padding and antialiasing"
        raise ArgumentError(message(f"export of {layer.label}", "a plain resizing", "others", fix))
    if layer.crop_to_aspect_ratio:
        return _largest_part(writer, x, to, layer.interpolation)
    return _resized(writer, x, to, layer.interpolation)


@converts(layers.CenterCrop)
def _center_crop(writer: Writer, layer: Any, x: Value) -> Value:
    to, size = (layer.height, layer.width), x.shape[1:3]
    if size[0] < to[0] or size[1] < to[1]:
        return _largest_part(writer, x, to, "bilinear")
    return sliced(writer, x, ((size[0] - to[0]) // 2, (size[1] - to[1]) // 2), to)


@converts(layers.RandomCrop)
def _random_crop(writer: Writer, layer: Any, x: Value) -> Value:
    return _largest_part(writer, x, (layer.height, layer.width), "bilinear")


def _largest_part(writer: Writer, x: Value, to: tuple[int, int], interpolation: str) -> Value:
    """Cut out the largest part of the right proportions, and resize it."""
    rows, columns = x.shape[1:3]
    part = proportioned((rows, columns), to)
    start = int((rows - part[0]) / 2), int((columns - part[1]) / 2)
    return _resized(writer, sliced(writer, x, start, part), to, interpolation)


def sliced(writer: Writer, x: Value, start: tuple[int, int], size: tuple[int, int]) -> Value:
    """Add the cut of a part of each picture, from (row, column) on."""
    x = writer.first(x)
    edges = [start, (start[0] + size[0], start[1] + size[1]), (2, 3)]
    names = ("starts", "ends", "axes")
    inputs = [writer.integers(edge, name) for edge, name in zip(edges, names, strict=True)]
    return x._replace(name=writer.node("Slice", [x.name, *inputs]))


def _resized(writer: Writer, x: Value, to: tuple[int, int], interpolation: str) -> Value:
    """Pixels are squares with a middle; the nearest one, or a mean of four."""
    x = writer.first(x)
    shape = writer.integers([*to], "sizes")
    whole = writer.node("Shape", [x.name], start=0, end=2)
    sizes = writer.node("Concat", [whole, shape], axis=0)
    linear = interpolation == "bilinear"
    settings = {"mode": "linear" if linear else "nearest"}
    settings |= {} if linear else {"nearest_mode": "round_prefer_ceil"}
    name = writer.node(
        "Resize", [x.name, "", "", sizes], coordinate_transformation_mode="half_pixel", **settings
    )
    return x._replace(name=name)
