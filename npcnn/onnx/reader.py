"""An ONNX graph read into a model, node by node.

Only the nodes of a table are known; nothing in a file decides what code runs, and no layer is made
before the file has shown that it holds the layer's weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from npcnn.checks import FileError, FormatError, NpcnnError, message
from npcnn.files import open_regular
from npcnn.network import classes
from npcnn.onnx.fused import Step, fused_steps
from npcnn.onnx.writer import Array, library
from npcnn.symbolic import KerasTensor

if TYPE_CHECKING:
    from npcnn.model import Model

MOST_NODES = 4000  # a thousand layers with all that belongs to them
# What leaves every number at its place, so that it says nothing of the order of axes.
_ANY_ORDER = {
    "Abs", "Add", "Celu", "Clip", "Div", "Dropout", "Elu", "Erf", "Exp", "HardSigmoid",
    "HardSwish", "Identity", "LeakyRelu", "Max", "Mean", "Min", "Mul", "Neg", "Relu", "Selu",
    "Shrink", "Sigmoid", "Softplus", "Softsign", "Sub", "Sum", "Tanh",
}  # fmt: skip
_OF_PICTURES = {
    "AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "GlobalAveragePool",
    "GlobalMaxPool", "MaxPool", "Resize",
}  # fmt: skip


class Value(NamedTuple):
    """A value of the graph: as npcnn has it, and whether the graph has it channels first."""

    tensor: KerasTensor
    first: bool


class Reader:
    """A graph as it becomes a model: what is read so far, and in which order its axes are.

    Attributes:
        values: what is read, by name.
        at: the name of the value that is being made.
        tensor: what it is so far. first: whether that is channels first in the graph.
    """

    def __init__(self, path: str) -> None:
        from npcnn.layers import Input

        self.path = path
        self.onnx = library("load_onnx()")
        graph = self._parsed().graph
        if len(graph.node) > MOST_NODES:
            raise self.error(f"at most {MOST_NODES} nodes", str(len(graph.node)))
        self.constants = {c.name: self._array(c) for c in graph.initializer}
        self.made, self.steps = self._steps(graph)
        self.made |= fused_steps(self.steps, self.constants)
        self.inputs = [i.name for i in graph.input if i.name not in self.constants]
        self.outputs = [o.name for o in graph.output]
        if not self.inputs or not self.outputs:
            got = f"{len(self.inputs)} and {len(self.outputs)}"
            raise self.error("inputs and outputs", got, "export it anew")
        self.values: dict[str, Value] = {}
        for value in graph.input:
            if value.name in self.constants:
                continue
            shape = self._shape_of(value)
            first = len(shape) == 3 and self._begins_channels_first(value.name)
            place = Input((*shape[1:], shape[0]) if first else shape)
            self.values[value.name] = Value(place, first)
        self.at = self.inputs[0]
        self.tensor, self.first = self.values[self.at]
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

    def _steps(self, graph: Any) -> tuple[dict[str, Step], dict[str, list[Step]]]:
        """Return value → what makes it, and value → what is made of it; constants are taken out."""
        value_of = self.onnx.helper.get_attribute_value
        made: dict[str, Step] = {}
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
            made[step.output] = step
            for name in dict.fromkeys(n for n in node.input if n and n not in self.constants):
                steps.setdefault(name, []).append(step)
        return made, steps

    def _begins_channels_first(self, name: str) -> bool:
        """Return whether pictures go in channels first: what the first nodes tell that tell."""
        todo, seen = [name], {name}
        while todo:
            for step in self.steps.get(todo.pop(), []):
                if step.kind in _OF_PICTURES:
                    return True
                if step.kind in _ANY_ORDER and step.output not in seen:
                    todo.append(step.output)
                    seen.add(step.output)
        return False

    # Reading ------------------------------------------------------------------------------------

    def order(self) -> list[Step]:
        """Return the steps that the outputs hang on, each after those it needs."""
        done, opened = set(self.values), set[str]()
        found: list[Step] = []
        todo = [(name, False) for name in reversed(self.outputs)]
        while todo:
            name, visited = todo.pop()
            if name in done:
                continue
            step = self.made.get(name)
            if step is None or (name in opened and not visited):
                raise self.error("values that come from the inputs", repr(name), "export it anew")
            if visited:
                done.add(name)
                found.append(step)
                continue
            opened.add(name)
            todo.append((name, True))
            # what is resized has its sizes computed from itself, mostly
            needed = step.inputs[:1] if step.kind == "Resize" else step.inputs
            todo += [(n, False) for n in reversed(needed) if n and n not in self.constants]
        return found

    def begin(self, step: Step) -> None:
        """Go to the first of the values that a step is given."""
        given = self.given(step)
        if not given:
            raise self.error(f"{step.kind} of something", "of constants alone", "export it anew")
        self.at = step.output
        self.tensor, self.first = given[0]

    def end(self) -> None:
        """Keep what has been made."""
        self.values[self.at] = Value(self.tensor, self.first)

    def given(self, step: Step) -> list[Value]:
        """Return the values a step is given that are no constants."""
        return [self.values[name] for name in step.inputs if name in self.values]

    def only(self, kind: str) -> Step | None:
        """Return the next node if it is the only one and of this kind, and make it too."""
        found = self.steps.get(self.at, [])
        if self.at in self.outputs or len(found) != 1 or found[0].kind != kind:
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
        """The shape of the value that is being made, as npcnn has it."""
        return self.tensor.shape

    def add(self, layer: Any, weights: list[Array] | None = None) -> None:
        """Call a layer on the value that is being made, its weights to be set."""
        self.merge(layer, self.tensor)
        if weights:
            self.weights.append((layer, weights))

    def merge(self, layer: Any, given: Any) -> None:
        """Call a layer on a tensor or several; the value is what it gives."""
        self.tensor = layer(given)

    def need(self, first: bool) -> None:
        """See that the axes at the end are in this order in the graph."""
        from npcnn.layers import Permute

        if first and len(self.shape) != 4:
            raise self.error("pictures, of four axes", str(self.shape))
        if first != self.first:
            self.add(Permute((2, 3, 1) if first else (3, 1, 2)))
            self.first = first


Convert = Callable[[Reader, Step], None]


def read(path: str) -> Model:
    """Return the model in an ONNX file."""
    from npcnn.onnx import read_arithmetic, read_pictures  # noqa: F401  (they register)
    from npcnn.onnx.read_nodes import CONVERTERS

    reader = Reader(path)
    for step in reader.order():
        if step.output in reader.values:  # made together with the one before
            continue
        convert = CONVERTERS.get(step.kind)
        if convert is None:
            fix = f"npcnn reads {', '.join(sorted(CONVERTERS))}"
            raise reader.error("nodes that npcnn has layers for", step.kind, fix)
        reader.begin(step)
        try:
            convert(reader, step)
        except NpcnnError as error:
            if isinstance(error, FormatError):
                raise
            raise reader.error(f"a {step.kind} that npcnn has", str(error)) from error
        except (
            ValueError, TypeError, LookupError, ArithmeticError, AttributeError,
        ) as error:  # fmt: skip
            got = f"{type(error).__name__}: {error!s:.80}"
            raise reader.error(f"a {step.kind} as ONNX has it", got, "export it anew") from error
        reader.end()
    return _model(reader)


def _model(reader: Reader) -> Model:
    """Return the model of what is read: a Sequential where one layer follows the other."""
    inputs, outputs = ([reader.values[name].tensor for name in names]
                       for names in (reader.inputs, reader.outputs))  # fmt: skip
    try:
        model = classes["Functional"](
            inputs if len(inputs) > 1 else inputs[0], outputs if len(outputs) > 1 else outputs[0]
        )
        chain = model.graph.chain
        if not model.graph.calls:
            raise reader.error("a model with layers", "none")
    except NpcnnError as error:
        if isinstance(error, FormatError):
            raise
        raise reader.error("a model that npcnn has", str(error)) from error
    for layer, weights in reader.weights:
        layer.set_weights(weights)
    if not chain:
        return model
    return classes["Sequential"]([inputs[0], *[call.layer for call in model.graph.calls]])
