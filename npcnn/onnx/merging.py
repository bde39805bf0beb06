"""What layers become in ONNX that make one value of several."""

from __future__ import annotations

from typing import Any

from npcnn import layers
from npcnn.onnx.nodes import converts
from npcnn.onnx.writer import Value, Writer

_KINDS = {
    layers.Add: "Sum", layers.Subtract: "Sub", layers.Multiply: "Mul", layers.Average: "Mean",
    layers.Maximum: "Max", layers.Minimum: "Min",
}  # fmt: skip
_AXIS = {1: 2, 2: 3, 3: 1}  # of pictures as npcnn has them → channels first


def _aligned(writer: Writer, given: list[Value]) -> list[Value]:
    """Return values in one order of axes, channels first where that spares transpositions."""
    pictures = all(len(x.shape) == 4 for x in given)
    if pictures and any(x.first for x in given):
        return [writer.first(x) for x in given]
    return [writer.last(x) for x in given]


@converts(*_KINDS)
def _merged(writer: Writer, layer: Any, given: list[Value]) -> Value:
    """Element by element; what has fewer axes gets some of length 1 behind the batch's."""
    given = _aligned(writer, given)
    most = max(len(x.shape) for x in given)
    names = []
    for x in given:
        axes = list(range(1, 1 + most - len(x.shape)))
        more = [x.name, writer.integers(axes, "axes")]
        names.append(writer.node("Unsqueeze", more) if axes else x.name)
    kind = _KINDS[type(layer)]
    if kind != "Mul":
        return given[0]._replace(name=writer.node(kind, names))
    product = names[0]
    for name in names[1:]:
        product = writer.node("Mul", [product, name])
    return given[0]._replace(name=product)


@converts(layers.Concatenate)
def _concatenated(writer: Writer, layer: Any, given: list[Value]) -> Value:
    given = _aligned(writer, given)
    axis = layer.axis % len(given[0].shape)
    axis = _AXIS[axis] if given[0].first else axis
    return given[0]._replace(name=writer.node("Concat", [x.name for x in given], axis=axis))
