"""What nodes become that add, multiply or compare: with known numbers, or several values."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn import layers
from npcnn.onnx.read_nodes import AXIS, reads
from npcnn.onnx.reader import Reader, Step

_MERGES: dict[str, Any] = {
    "Add": layers.Add, "Sum": layers.Add, "Sub": layers.Subtract, "Mul": layers.Multiply,
    "Mean": layers.Average, "Max": layers.Maximum, "Min": layers.Minimum,
}  # fmt: skip


@reads("Sum", "Mean", "Max")
def _merged(reader: Reader, step: Step) -> None:
    """Several values, element by element."""
    tensors = _aligned(reader, step)
    if len({len(tensor.shape) for tensor in tensors}) > 1:
        got = ", ".join(str(tensor.shape) for tensor in tensors)
        raise reader.error(f"{step.kind} of values with equally many axes", got)
    if len(tensors) > 1:
        reader.merge(_MERGES[step.kind](), tensors)


@reads("Concat")
def _concatenated(reader: Reader, step: Step) -> None:
    tensors = _aligned(reader, step)
    axis = step.attributes["axis"] % len(reader.shape)
    if len(tensors) > 1:
        reader.merge(layers.Concatenate(AXIS[axis] if reader.first else axis), tensors)


def _aligned(reader: Reader, step: Step) -> list[Any]:
    """Return all values a step is given, in one order of axes."""
    given = reader.given(step)
    if len(given) != len(step.inputs):
        raise reader.error(f"{step.kind} of computed values", "known numbers among them")
    tensors, alike = [], len({value.first for value in given}) == 1
    for value in given:
        reader.tensor, reader.first = value
        if not alike:
            reader.need(first=False)
        tensors.append(reader.tensor)
    return tensors


@reads("Min")
def _min(reader: Reader, step: Step) -> None:
    if len(reader.given(step)) == len(step.inputs):
        _merged(reader, step)
        return
    most = float(reader.constant(step, 1))
    reader.add(layers.ReLU(max_value=most, negative_slope=1.0))


@reads("Neg")
def _negative(reader: Reader, step: Step) -> None:
    reader.add(layers.Rescaling(-1.0))


@reads("Add", "Sub", "Mul", "Div")
def _rescaling(reader: Reader, step: Step) -> None:
    """X + c, x − c, x · c, x / c, with a number or one for each channel."""
    if len(reader.given(step)) == 2 and step.kind != "Div":
        _merged(reader, step)
        return
    place = 1 if step.inputs[0] not in reader.constants else 0
    if place == 0 and step.kind in ("Sub", "Div"):
        raise reader.error(f"{step.kind} of a known number", "from a known number")
    number = np.asarray(reader.constant(step, place), np.float64)
    if number.size > 1:
        spread = np.moveaxis(number, -3, -1) if reader.first and number.ndim > 2 else number
        if spread.shape[-1] != number.size or (reader.first and number.ndim < 3):
            raise reader.error("one number for each channel", f"an array {number.shape}")
    values = number.ravel().tolist()
    if step.kind in ("Sub", "Div"):
        values = [-v if step.kind == "Sub" else 1 / v for v in values]
    given: Any = tuple(values) if len(values) > 1 else values[0]
    reader.add(layers.Rescaling(given) if step.kind in ("Mul", "Div") else
               layers.Rescaling(1.0, given))  # fmt: skip
