"""An ONNX graph, put together call by call.

Values of pictures are held channels first from the first layer that wants them so until a layer
needs the order that npcnn has.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

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


Converter = Callable[["Writer", Any, Value], Value]


class Writer:
    """A graph as it grows."""

    def __init__(self) -> None:
        self.onnx = library("export()")
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.scope = ""  # the layer whose nodes are being made
        self._names: dict[str, int] = {}

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node with one output; return the output's name."""
        output = self._name(kind.lower())
        made = self.onnx.helper.make_node(kind, inputs, [output], output, **attributes)
        self.nodes.append(made)
        return output

    def constant(self, value: Any, name: str, dtype: Any = np.float32) -> str:
        """Add a constant; return its name."""
        array = np.ascontiguousarray(value, dtype).reshape(np.shape(value))
        name = self._name(name)
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

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

    def _name(self, base: str) -> str:
        base = f"{self.scope}/{base}" if self.scope else base
        count = self._names[base] = self._names.get(base, -1) + 1
        return f"{base}_{count}" if count else base


def library(where: str) -> Any:
    """Return the package onnx, or raise ImportError with a word on how to get it."""
    from npcnn.onnx import MissingLibraryError

    try:
        return importlib.import_module("onnx")
    except ImportError as error:
        fix = 'python -m pip install "npcnn[onnx]"'
        text = message(where, "the package onnx", "none", fix)
        raise MissingLibraryError(text) from error


def onnx_bytes(model: Any) -> bytes:
    """Return a built model as the bytes of an ONNX file."""
    from npcnn.models import Sequential
    from npcnn.onnx.nodes import converter_of

    if not issubclass(type(model), Sequential):  # layers in a row: each is given what came before
        got, fix = type(model).__name__, "export models whose layers stand in a row"
        raise ArgumentError(message("export()", "a Sequential", got, fix))
    if not model.built:
        fix = "give the first layer input_shape=…, call build(input_shape) or fit on data"
        raise StateError(message("export()", "a built model", "one without shapes", fix))
    writer = Writer()
    onnx, helper = writer.onnx, writer.onnx.helper
    float32 = onnx.TensorProto.FLOAT
    graph, tensors = model.graph, model.inputs
    names = ["input"] if len(tensors) == 1 else model.input_names
    values = [Value(name, one.shape) for name, one in zip(names, tensors, strict=True)]
    given = [helper.make_tensor_value_info(x.name, float32, ["N", *x.shape[1:]]) for x in values]
    for call in graph.calls:
        layer: Any = call.layer
        inputs: Any = [values[value] for value in call.inputs]
        convert = converter_of(layer)
        if convert is None:
            fix = "build it from layers that have one, or give that layer's outputs instead"
            expected = "layers with a form in ONNX"
            raise ArgumentError(message("export()", expected, layer.label, fix))
        writer.scope = str(layer.name) + (f"_{call.again}" if call.again else "")
        made = convert(writer, layer, inputs if layer.merges else inputs[0])
        values.append(made._replace(shape=call.shapes[-1]))
    writer.scope, results = "", []
    for value in graph.outputs:
        name = writer.node("Identity", [writer.last(values[value]).name])
        shape = ["N", *values[value].shape[1:]]
        results.append(helper.make_tensor_value_info(name, float32, shape))
    written = helper.make_graph(writer.nodes, model.name, given, results, writer.constants)
    made = helper.make_model(
        written, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
        producer_name="npcnn",
    )  # fmt: skip
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString()
