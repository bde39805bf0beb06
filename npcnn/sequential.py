"""Layers in a row, the model that most programs make."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.arguments import checked
from npcnn.checks import ArgumentError, DtypeError, StateError, as_numbers, message, shown
from npcnn.config import FloatType
from npcnn.layers.base import BatchShape, Layer
from npcnn.layers.input_layer import InputLayer
from npcnn.model import Model
from npcnn.names import auto_name
from npcnn.network import Network, classes
from npcnn.symbolic import KerasTensor, Node, give_names

Shape = tuple[Any, ...]


class Sequential(Model):
    """Layers in a row: each takes what the one before gives.

    Args:
        layers: Layer objects, and models; the first may be `Input(shape)` or carry `input_shape`.
            Without either, the model is built from the first data it sees.
        trainable: False keeps all parameters as they are.
        name: the model's name.
        dtype: 'float32' or 'float64' for the whole model; None is `npcnn.config.floatx()`.

    >>> from npcnn import layers
    >>> model = Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
    >>> model.output_shape, model.count_params()
    ((None, 3), 15)
    >>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    >>> x, y = np.eye(4), [0, 1, 2, 0]
    >>> history = model.fit(x, y, batch_size=2, epochs=3, verbose=0)
    >>> sorted(history.history), len(history.history["loss"])
    (['accuracy', 'loss'], 3)
    >>> sorted(model.evaluate(x, y, verbose=0, return_dict=True))
    ['accuracy', 'loss']
    >>> model.predict(x, verbose=0).shape
    (4, 3)
    """

    keras_class = "Sequential"

    @checked
    def __init__(
        self, layers: Any = None, trainable: bool = True, name: str | None = None,
        dtype: FloatType = None,
    ) -> None:  # fmt: skip
        self.begin_model(name, trainable, dtype)
        self.input_layer: Layer | None = None
        self._row: list[KerasTensor] = []  # what goes in, and what each layer gives
        if not isinstance(layers, (list, tuple, type(None))):
            fix = "put the layers in a list"
            got = type(layers).__name__ if isinstance(layers, Layer) else shown(layers)
            raise DtypeError(message("Sequential(layers)", "a list of layers", got, fix))
        for layer in layers or []:
            self.add(layer, rebuild=False)
        self._count_graph()

    @checked
    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer, or a model, at the end; it is built at once if the shape is known.

        `rebuild` counts for names alone, as in Keras: it makes a functional model at each.

        Raises ArgumentError if the shape before it does not suit the layer, DtypeError for
        something that is no layer; the model is then as it was.
        """
        if isinstance(layer, KerasTensor) and layer.node.is_input:
            layer = layer.node.operation
        if not isinstance(layer, (Layer, Network)):
            fix = "make one, such as layers.Dense(10)"
            got = shown(layer)
            raise DtypeError(message("Sequential.add(layer)", "a Layer object", got, fix))
        if isinstance(layer, Layer) and layer.is_input:
            self._add_input(layer)
            return
        if any(layer is other for other in self._layers):
            fix = "make a second layer of the same kind"
            got = f"{layer.label} again"
            raise ArgumentError(message("Sequential.add(layer)", "a new layer", got, fix))
        own = layer.name, layer.beside
        give_names([*self._layers, layer], self._names, "Sequential.add(layer)")
        began = bool(self._row)
        try:
            if not self._layers and not began:
                shape = _shape_of(layer)
                self._row = [] if shape is None else [self._start(shape)]
            if self._row:
                self._row.append(self._applied(layer, self._row[-1]))
        except Exception:
            layer.name, layer.beside = own
            self._row = self._row if began else []
            raise
        if isinstance(layer, Layer):
            vars(layer)["_stream"] = len(self._layers)
        if not self.trainable:
            layer.trainable = False
        self._layers.append(layer)
        self.changed()
        if rebuild:
            self._count_graph()

    def _count_graph(self) -> None:
        """Count the name that Keras gives the functional model which a Sequential is inside."""
        if self._row and self._layers:
            auto_name("functional")

    @checked
    def pop(self, rebuild: bool = True) -> Any:
        """Take the last layer off and return it; `rebuild` is as in `add`."""
        if not self._layers:
            raise StateError(message("Sequential.pop()", "a layer", "none", "add one first"))
        layer = self._layers.pop()
        if self._row:
            layer._inbound_nodes.remove(self._row.pop().node)
        self.changed()
        if rebuild:
            self._count_graph()
        return layer

    def changed(self) -> None:
        """Forget the graph, after a layer has come or gone."""
        super().changed()
        whole = self._row and self._layers
        self.ends = ([self._row[0]], [self._row[-1]]) if whole else ([], [])

    def _add_input(self, layer: Layer) -> None:
        if self._layers or self.input_layer:
            fix = "put it first, once"
            where = "Sequential.add(Input)"
            raise ArgumentError(message(where, "the input before all layers", "a later one", fix))
        self.input_layer = layer
        tensor: KerasTensor = layer.output
        if tensor.dtype != self.dtype:
            tensor = Node(layer, [], [tensor.shape], self.dtype).outputs[0]
        self._row = [tensor]

    def _start(self, shape: Shape) -> KerasTensor:
        """Return the symbolic tensor that the first layer is given."""
        tensor: KerasTensor = InputLayer(shape[1:], dtype=self.dtype).output
        return tensor

    def _applied(self, layer: Any, tensor: KerasTensor) -> KerasTensor:
        """Return what a layer gives for what the one before gave."""
        found = layer.on_tensors(tensor)
        if isinstance(found, list):
            fix, got = "use the functional API: npcnn.Model(inputs, outputs)", str(len(found))
            raise ArgumentError(message(layer.label, "one output in a Sequential", got, fix))
        return found

    @checked
    def build(self, input_shape: BatchShape | None = None) -> None:
        """Create all parameters.

        Args:
            input_shape: batch axis included, (None, 28, 28, 1); may be left out if the first
                layer says it.
        """
        self._require_layers("Sequential.build()")
        if self._row:
            known = self._row[0].shape
            if input_shape is not None and input_shape != known:
                fix, got = "leave input_shape out or make a new model", str(input_shape)
                raise ArgumentError(message("build(input_shape)", str(known), got, fix))
            return
        if input_shape is None:
            fix = "give build() a shape, or the first layer input_shape=…"
            raise StateError(message("Sequential.build()", "an input shape", "none", fix))
        if not self._unknown():
            self.infer_output_shape(input_shape)  # raises before the first parameter is made
        row = [self._start(input_shape)]
        for layer in self._layers:
            row.append(self._applied(layer, row[-1]))
        self._row = row
        self.changed()
        self._count_graph()

    def infer_output_shape(self, input_shape: Any) -> Any:
        """Return the shape that comes out for one that goes in, or raise; nothing is built."""
        if self.built:
            return super().infer_output_shape(input_shape)
        for layer in self._layers:
            if isinstance(layer, Layer):
                layer.check_dtype(self.dtype)
            input_shape = layer.infer_output_shape(input_shape)
        return input_shape

    def _unknown(self) -> bool:
        """Whether only being built shows what shape comes out of a layer, a `call` of a user's."""
        return any(
            one._unknown()
            if isinstance(one, Sequential)
            else isinstance(one, Layer) and one.has_call and not one.is_prepared
            for one in self._layers
        )

    @property
    def input(self) -> Any:
        """The tensor that its first call was given, as in Keras; its own where it has none."""
        return self._inbound_nodes[0].inputs[0] if self._inbound_nodes else super().input

    @property
    def output(self) -> Any:
        """The tensor that its first call gave, as in Keras; its own where it has none."""
        return self._inbound_nodes[0].outputs[0] if self._inbound_nodes else super().output

    @property
    def known_shape(self) -> Shape | None:
        """The shape that goes in, None for the batch axis; None as a whole if not known."""
        return self._row[0].shape if self._row else None

    def graph_nodes(self) -> list[Node]:
        """Return the calls in the model's own graph, inputs among them."""
        return [tensor.node for tensor in self._row]

    def shapes_for(self, x: Any, where: str) -> tuple[list[Shape], list[Shape]]:
        """Return the shapes of what goes in and comes out, each in a list.

        They come from data if the model is not built.
        Nothing is built: that is left to the caller, when all else has been found right.

        Args:
            x: samples, of which only the shape is read.
            where: the call and argument, for the message.
        """
        self._require_layers(where)
        if self.built:
            return super().shapes_for(x, where)
        if isinstance(x, (list, tuple)) and len(x) == 1 and np.ndim(x[0]) > 1:
            x = x[0]  # as Keras has the inputs of a model
        shape = as_numbers(x, where).shape
        if 0 in shape:
            got = f"an array of shape {shape}"
            raise ArgumentError(message(where, "at least one sample", got, "give some data"))
        batch_shape = (None, *shape[1:])
        if self._unknown():
            self.build(batch_shape)
            return super().shapes_for(x, where)
        return [batch_shape], [self.infer_output_shape(batch_shape)]


def _shape_of(layer: Any) -> Shape | None:
    """Return the shape that a first layer says goes in; None if it says none."""
    if isinstance(layer, Network):
        return layer.input_shape if layer.built else None
    if layer._sample_shape is not None:
        return (None, *layer._sample_shape)
    return layer.input_shape


classes["Sequential"] = Sequential
