"""An ONNX graph read into a model, node by node.

Only the nodes of a table are known; nothing in a file decides what code runs, and no layer is made
before the file has shown that it holds the layer's weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from npcnn.checks import FileError, FormatError, NpcnnError, message
from npcnn.files import open_regular
from npcnn.onnx.writer import Array, library
from npcnn.sequential import Sequential

MOST_NODES = 4000  # a thousand layers with all that belongs to them
# What leaves every number at its place, so that it says nothing of the order of axes.
_ANY_ORDER = {
    "Abs", "Add", "Celu", "Clip", "Div", "Dropout", "Elu", "Exp", "Gelu", "HardSigmoid",
    "HardSwish", "Identity", "LeakyRelu", "Min", "Mul", "Relu", "Selu", "Sigmoid", "Silu",
    "Softplus", "Softsign", "Sub", "Tanh",
}  # fmt: skip
_OF_PICTURES = {
    "AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "GlobalAveragePool",
    "GlobalMaxPool", "MaxPool", "Resize",
}  # fmt: skip


class Step:
    """A node: its kind, inputs and attributes; several nodes of the file may have become one."""

    def __init__(self, kind: str, inputs: list[str], output: str, attributes: Any) -> None:
        self.kind, self.inputs, self.output, self.attributes = kind, inputs, output, attributes


class Reader:
    """A graph as it becomes a model: what is read so far, and in which order its axes are.

    Attributes:
        model: the layers so far.
        first: whether the value at the model's end is channels first in the graph.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.onnx = library("load_onnx()")
        proto = self._parsed()
        graph = proto.graph
        if len(graph.node) > MOST_NODES:
            raise self.error(f"at most {MOST_NODES} nodes", str(len(graph.node)))
        self.constants = {c.name: self._array(c) for c in graph.initializer}
        self.steps = self._steps(graph)
        inputs = [i for i in graph.input if i.name not in self.constants]
        if len(inputs) != 1 or len(graph.output) != 1:
            got = f"{len(inputs)} and {len(graph.output)}"
            raise self.error("one input and one output", got)
        self.at, self.output = inputs[0].name, graph.output[0].name
        shape = self._shape_of(inputs[0])
        self.first = len(shape) == 3 and self._begins_channels_first()
        from npcnn.layers import Input

        self.model = Sequential([Input(shape if not self.first else (*shape[1:], shape[0]))])
        self.weights: list[tuple[Any, list[Array]]] = []

    def error(
        self, expected: str, got: str, fix: str = "export it from another form"
    ) -> NpcnnError:
        """Return an error about the file."""
        return FormatError(message(f"load_onnx: {self.path}", expected, got, fix))

    # The file -----------------------------------------------------------------------------------

    def _parsed(self) -> Any:
        try:
            with open_regular(self.path) as file:
                data = file.read()
        except OSError as error:
            fix = "name another file"
            raise FileError(message("load_onnx(path)", "a file", str(error), fix)) from error
        try:
            return self.onnx.load_model_from_string(data)
        except Exception as error:  # of protobuf, which has many
            raise self.error("an ONNX file", type(error).__name__, "export it anew") from error

    def _array(self, tensor: Any) -> Array:
        if tensor.data_location == self.onnx.TensorProto.EXTERNAL:
            raise self.error("weights in the file itself", f"{tensor.name!r} elsewhere")
        try:
            return self.onnx.numpy_helper.to_array(tensor)
        except Exception as error:
            got = f"{tensor.name!r}: {error!s:.80}"
            raise self.error("whole arrays", got, "export it anew") from error

    def _shape_of(self, value: Any) -> tuple[int, ...]:
        dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if len(dims) < 2 or min(dims[1:]) < 1:
            raise self.error("an input whose sizes are known, the batch apart", str(dims))
        return tuple(dims[1:])

    def _steps(self, graph: Any) -> dict[str, list[Step]]:
        """Return value → what is made of it, in order; constants are taken out."""
        value_of = self.onnx.helper.get_attribute_value
        steps: dict[str, list[Step]] = {}
        for node in graph.node:
            texts = [node.op_type, *node.input, *node.output]
            if not node.output or not all(isinstance(text, str) for text in texts):
                raise self.error("nodes with outputs, named in UTF-8", repr(texts)[:80])
            try:
                attributes = {a.name: value_of(a) for a in node.attribute}
            except ValueError as error:
                raise self.error("attributes of known types", str(error)) from error
            if node.op_type == "Constant":
                self.constants[node.output[0]] = self._array(attributes["value"])
                continue
            step = Step(node.op_type, list(node.input), node.output[0], attributes)
            for name in dict.fromkeys(n for n in node.input if n and n not in self.constants):
                steps.setdefault(name, []).append(step)
        return steps

    def _begins_channels_first(self) -> bool:
        """Return whether pictures go in channels first: what the first node tells that tells."""
        at = self.at
        for _ in range(MOST_NODES):
            found = self.steps.get(at, [])
            kinds = {step.kind for step in found}
            if kinds & _OF_PICTURES:
                return True
            if not found or not kinds <= _ANY_ORDER:
                return False
            at = found[-1].output
        return False

    # Reading ------------------------------------------------------------------------------------

    def next(self) -> Step | None:
        """Return what is made of the value at the end, and go on behind it; None at the output."""
        if self.at == self.output:
            return None
        found = self.steps.get(self.at, [])
        step = _fused(self, found)
        if step is None:
            got = ", ".join(sorted(s.kind for s in found)) or "none"
            raise self.error("one node after the other", got)
        self.at = step.output
        return step

    def only(self, kind: str) -> Step | None:
        """Return the next node if it is the only one and of this kind, and go on behind it."""
        found = self.steps.get(self.at, [])
        if self.at == self.output or len(found) != 1 or found[0].kind != kind:
            return None
        self.at = found[0].output
        return found[0]

    def constant(self, step: Step, place: int) -> Array:
        """Return an input that must be known."""
        name = step.inputs[place] if place < len(step.inputs) else ""
        if name not in self.constants:
            raise self.error(f"{step.kind} of known numbers", f"computed {name!r}")
        return self.constants[name]

    def optional(self, step: Step, place: int) -> Array | None:
        """Return such an input, None if it is left out."""
        return (
            self.constant(step, place) if len(step.inputs) > place and step.inputs[place] else None
        )

    @property
    def shape(self) -> tuple[Any, ...]:
        """The shape at the model's end, as npcnn has it."""
        model = self.model
        if model.layers:
            return model.output_shape
        assert model.input_layer is not None
        assert model.input_layer.sample_shape is not None
        return (None, *model.input_layer.sample_shape)

    def add(self, layer: Any, weights: list[Array] | None = None) -> None:
        """Put a layer at the model's end, its weights to be set."""
        self.model.add(layer)
        if weights:
            self.weights.append((layer, weights))

    def need(self, first: bool) -> None:
        """See that the axes at the end are in this order in the graph."""
        from npcnn.layers import Permute

        if first and len(self.shape) != 4:
            raise self.error("pictures, of four axes", str(self.shape))
        if first != self.first:
            self.add(Permute((2, 3, 1) if first else (3, 1, 2)))
            self.first = first


def _fused(reader: Reader, found: list[Step]) -> Step | None:
    """Return the one step that nodes stand for: x · sigmoid(x), x · (1 + erf(x / √2)) / 2, …"""
    if len(found) == 1:
        return found[0]
    if len(found) != 2:
        return None
    end = found[1] if found[1].kind == "Mul" else found[0]
    start = found[0] if end is found[1] else found[1]
    if end.kind == "Mul" and start.kind == "Sigmoid" and start.output in end.inputs:
        return Step("Silu", start.inputs, end.output, {})
    return _gelu(reader, found)


def _gelu(reader: Reader, found: list[Step]) -> Step | None:
    """Return Gelu for x/2 · (erf(x / √2) + 1), in any order of its factors."""

    def number(step: Step, known: str) -> float:
        others = [n for n in step.inputs if n != known]
        array = reader.constants.get(others[0]) if others else None
        return float(array.ravel()[0]) if array is not None and array.size == 1 else math.nan

    def after(step: Step) -> Step | None:
        behind = reader.steps.get(step.output, [])
        return behind[0] if len(behind) == 1 else None

    at = found[0].inputs[0] if found[0].inputs[0] not in reader.constants else found[0].inputs[1]
    for start, other in (found, found[::-1]):
        factor = number(start, at)
        if start.kind == "Div":
            factor = 1 / factor if factor else math.nan
        erf = after(start)
        if not math.isclose(factor, math.sqrt(0.5), rel_tol=1e-5) or erf is None:
            continue
        plus = after(erf) if erf.kind == "Erf" else None
        if plus is None or plus.kind != "Add" or number(plus, erf.output) != 1:
            continue
        times = after(plus)
        if times is None or times.kind != "Mul":
            continue
        if other is not times and other.output in times.inputs and number(other, at) == 0.5:
            return Step("Gelu", [at], times.output, {})
        half = after(times)
        if other is times and half is not None and number(half, times.output) == 0.5:
            return Step("Gelu", [at], half.output, {})
    return None


Convert = Callable[[Reader, Step], None]


def read(path: str) -> Sequential:
    """Return the model in an ONNX file."""
    from npcnn.onnx.read_nodes import CONVERTERS

    reader = Reader(path)
    while (step := reader.next()) is not None:
        convert = CONVERTERS.get(step.kind)
        if convert is None:
            fix = f"npcnn reads {', '.join(sorted(CONVERTERS))}"
            raise reader.error("nodes that npcnn has layers for", step.kind, fix)
        try:
            convert(reader, step)
        except NpcnnError as error:
            if isinstance(error, FormatError):
                raise
            raise reader.error(f"a {step.kind} that npcnn has", str(error)) from error
        except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
            got = f"{type(error).__name__}: {error!s:.80}"
            raise reader.error(f"a {step.kind} as ONNX has it", got, "export it anew") from error
    if len(reader.shape) == 4:
        reader.first = False  # pictures come out as they are here
    if not reader.model.layers:
        raise reader.error("a model with layers", "none")
    for layer, weights in reader.weights:
        layer.set_weights(weights)
    return reader.model
