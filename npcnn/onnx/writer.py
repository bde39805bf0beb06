"""An ONNX graph, put together call by call.

Values of pictures are held channels first from the first layer that wants them so until a layer
needs the order that npcnn has.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from npcnn import extras
from npcnn.checks import ArgumentError, StateError, message

Array = np.ndarray
OPSET, IR_VERSION = 17, 8  # onnxruntime 1.13 of 2022 and all later ones read them
TO_FIRST, TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


class Value(NamedTuple):
    """A value in the graph.

    Attributes:
        name: in the graph.
        shape: as npcnn has it, None for the batch axis.
        first: whether it lies channels first in the graph.
    """

    name: str
    shape: tuple[Any, ...]
    first: bool = False


Converter = Callable[["Writer", Any, Any], Value]  # of a layer and its value, or list of them


class Writer:
    """A graph as it grows."""

    def __init__(self) -> None:
        self.onnx = library("export()")
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.scope = ""  # the layer whose nodes are being made
        self._names: dict[str, int] = {}
        self._known: dict[tuple[Any, ...], str] = {}

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node with one output; return the output's name."""
        return self.node_named(self.name(kind.lower()), kind, inputs, **attributes)

    def node_named(self, output: str, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node whose output has this name, which nothing else has."""
        made = self.onnx.helper.make_node(kind, inputs, [output], output, **attributes)
        self.nodes.append(made)
        return output

    def constant(self, value: Any, name: str, dtype: Any = np.float32) -> str:
        """Add a constant, unless it is there, as a shared layer's are; return its name."""
        array = np.ascontiguousarray(value, dtype).reshape(np.shape(value))
        key = array.dtype, array.shape, array.tobytes()
        if key not in self._known:
            self._known[key] = self.name(name)
            self.constants.append(self.onnx.numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def integers(self, values: Any, name: str) -> str:
        """Add a row of integers, such as a shape."""
        return self.constant(list(values), name, np.int64)

    def first(self, x: Value) -> Value:
        """Return a value of pictures channels first."""
        if x.first:
            return x
        return Value(self.node("Transpose", [x.name], perm=TO_FIRST), x.shape, True)

    def last(self, x: Value) -> Value:
        """Return a value in the order of axes that npcnn has."""
        if not x.first:
            return x
        return Value(self.node("Transpose", [x.name], perm=TO_LAST), x.shape)

    def along_channels(self, value: Any, x: Value, name: str) -> str:
        """Add a number, or one for each channel, so that it spreads over x."""
        array = np.asarray(value)
        if array.ndim and x.first:
            array = array.reshape(-1, 1, 1)
        return self.constant(array, name)

    def name(self, base: str) -> str:
        """Return a new name, in the scope there is."""
        base = f"{self.scope}/{base}" if self.scope else base
        count = self._names[base] = self._names.get(base, -1) + 1
        return f"{base}_{count}" if count else base


def library(where: str) -> Any:
    """Return the package onnx, or raise ImportError with a word on how to get it."""
    from npcnn.onnx import MissingLibraryError

    try:
        return importlib.import_module("onnx")
    except ImportError as error:
        text = message(where, "the package onnx", "none", extras.how("onnx"))
        raise MissingLibraryError(text) from error


def onnx_bytes(model: Any) -> bytes:
    """Return a built model as the bytes of an ONNX file."""
    if not model.built:
        fix = "give the first layer input_shape=…, call build(input_shape) or fit on data"
        raise StateError(message("export()", "a built model", "one without shapes", fix))
    writer = Writer()
    onnx, helper = writer.onnx, writer.onnx.helper
    float32 = onnx.TensorProto.FLOAT
    graph, tensors = model.graph, model.inputs
    names = ["input"] if len(tensors) == 1 else model.input_names
    values = [Value(writer.name(n), one.shape) for n, one in zip(names, tensors, strict=True)]
    given = [helper.make_tensor_value_info(x.name, float32, ["N", *x.shape[1:]]) for x in values]
    for call in graph.calls:
        values.append(_converted(writer, call, [values[value] for value in call.inputs]))
    writer.scope, results = "", []
    names = ["output"] if len(graph.outputs) == 1 else model.output_names
    for value, name in zip(graph.outputs, names, strict=True):
        name = writer.node_named(writer.name(name), "Identity", [writer.last(values[value]).name])
        shape = ["N", *values[value].shape[1:]]
        results.append(helper.make_tensor_value_info(name, float32, shape))
    written = helper.make_graph(writer.nodes, model.name, given, results, writer.constants)
    made = helper.make_model(
        written, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
        producer_name="npcnn",
    )  # fmt: skip
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString()


def _converted(writer: Writer, call: Any, inputs: list[Value]) -> Value:
    """Add the nodes of a call; return its value."""
    from npcnn.onnx.nodes import converter_of

    layer: Any = call.layer
    convert = converter_of(layer)
    if convert is None:
        fix = "build it from layers that have one, or give that layer's outputs instead"
        raise ArgumentError(message("export()", "layers with a form in ONNX", layer.label, fix))
    writer.scope = str(layer.name) + (f"_{call.again}" if call.again else "")
    made = convert(writer, layer, inputs if layer.merges else inputs[0])
    return made._replace(shape=call.shapes[-1])
