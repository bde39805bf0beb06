"""A row of layers: how they are put together, named, built and packed into one vector."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn import notebook
from npcnn.arguments import Function, checked
from npcnn.checks import (
    ArgumentError,
    DtypeError,
    StateError,
    as_numbers,
    is_whole,
    message,
    one_of,
    shown,
)
from npcnn.layers.base import BatchShape, Layer, snake_case
from npcnn.layers.input_layer import InputLayer
from npcnn.layers.parameter import set_arrays
from npcnn.streams import say
from npcnn.summary import summary_lines
from npcnn.variables import Weight, Weighted

Array = np.ndarray
Segment = tuple[slice, Array, Array]


class LayerStack(Weighted):
    """Layers in a row and their parameters; `Sequential` adds learning to it."""

    def __init__(self, layers: Any, trainable: bool, name: str | None, dtype: np.dtype) -> None:
        self.name = name or "sequential"
        self.dtype = dtype
        self._trainable = trainable
        self.layers: list[Layer] = []
        self.input_layer: InputLayer | None = None
        if not isinstance(layers, (list, tuple, type(None))):
            fix = "put the layers in a list"
            got = type(layers).__name__ if isinstance(layers, Layer) else shown(layers)
            raise DtypeError(message("Sequential(layers)", "a list of layers", got, fix))
        for layer in layers or []:
            self.add(layer)

    @property
    def trainable(self) -> bool:
        """Whether training changes the parameters; setting it sets it for every layer."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self.layers:
            layer.trainable = self._trainable

    def add(self, layer: Layer) -> None:
        """Put a layer at the end; it is built at once if the shape before it is known.

        Raises ArgumentError if the shape before it does not suit the layer, DtypeError for
        something that is no layer; the model is then as it was.
        """
        if not isinstance(layer, Layer):
            fix = "make one, such as layers.Dense(10)"
            got = shown(layer)
            raise DtypeError(message("Sequential.add(layer)", "a Layer object", got, fix))
        if isinstance(layer, InputLayer):
            self._add_input(layer)
            return
        if any(layer is other for other in self.layers):
            fix = "make a second layer of the same kind"
            got = f"{layer.label} again"
            raise ArgumentError(message("Sequential.add(layer)", "a new layer", got, fix))
        own_name = layer.name
        layer.name = self._new_name(layer)
        try:
            shape = self._shape_before(layer)
            if shape is not None:
                self._build_layer(layer, shape)
        except Exception:
            layer.name = own_name
            raise
        layer.position = len(self.layers)
        if not self.trainable:
            layer.trainable = False
        self.layers.append(layer)

    def pop(self) -> Layer:
        """Take the last layer off and return it."""
        if not self.layers:
            raise StateError(message("Sequential.pop()", "a layer", "none", "add one first"))
        return self.layers.pop()

    def _add_input(self, layer: InputLayer) -> None:
        if self.layers or self.input_layer:
            fix = "put it first, once"
            where = "Sequential.add(Input)"
            raise ArgumentError(message(where, "the input before all layers", "a later one", fix))
        self.input_layer = layer
        layer.name = layer.name or "input_layer"

    def _shape_before(self, layer: Layer) -> tuple | None:
        """Return the shape that a layer added now would take in; None if not known yet."""
        if self.layers:
            return self.layers[-1].output_shape
        if self.input_layer is not None:
            assert self.input_layer.sample_shape is not None
            return (None, *self.input_layer.sample_shape)
        if layer.sample_shape is not None:
            return (None, *layer.sample_shape)
        return layer.input_shape

    def _build_layer(self, layer: Layer, shape: tuple) -> None:
        self._check_dtype(layer)
        layer.build(shape, self.dtype)

    def _check_dtype(self, layer: Layer) -> None:
        if layer.dtype is not None and layer.dtype != self.dtype:
            fix = f"make the model with dtype='{layer.dtype}'"
            raise DtypeError(message(layer.label, f"dtype {self.dtype}", str(layer.dtype), fix))

    def _new_name(self, layer: Layer) -> str:
        """Return the layer's own name, or class name and number: conv2d, conv2d_1, …"""
        taken = {other.name for other in self.layers}
        if layer.name is not None:
            if layer.name in taken:
                fix = "give each layer another name"
                got = repr(layer.name)
                raise ArgumentError(message("Sequential.add(layer)", "a new name", got, fix))
            return layer.name
        base = snake_case(type(layer).__name__)
        names = [base] + [f"{base}_{k}" for k in range(1, len(self.layers) + 1)]
        return next(name for name in names if name not in taken)

    @checked
    def build(self, input_shape: BatchShape | None = None) -> None:
        """Create all parameters.

        Args:
            input_shape: batch axis included, (None, 28, 28, 1); may be left out if the first
                layer says it.
        """
        self._require_layers("Sequential.build()")
        shape = self._shape_before_first()
        if input_shape is not None:
            if shape is not None and input_shape != shape:
                fix, got = "leave input_shape out or make a new model", str(input_shape)
                raise ArgumentError(message("build(input_shape)", str(shape), got, fix))
            shape = input_shape
        if self.built:
            return
        if shape is None:
            fix = "give build() a shape, or the first layer input_shape=…"
            raise StateError(message("Sequential.build()", "an input shape", "none", fix))
        self._infer(shape)  # raises before the first parameter is made
        for layer in self.layers:
            self._build_layer(layer, shape)
            assert layer.output_shape is not None
            shape = layer.output_shape

    def _infer(self, shape: tuple) -> tuple:
        """Return the shape that comes out for one that goes in, or raise; nothing is built."""
        for layer in self.layers:
            self._check_dtype(layer)
            shape = layer.infer_output_shape(shape)
        return shape

    def _shape_before_first(self) -> tuple | None:
        first = self.layers[0]
        if self.input_layer is not None and self.input_layer.sample_shape is not None:
            return (None, *self.input_layer.sample_shape)
        if first.sample_shape is not None:
            return (None, *first.sample_shape)
        return first.input_shape

    @property
    def built(self) -> bool:
        """Whether all shapes are known and all parameters exist."""
        return bool(self.layers) and all(layer.built for layer in self.layers)

    @property
    def input_shape(self) -> tuple:
        """The shape of what goes in, None for the batch axis."""
        self._require_built("input_shape")
        assert self.layers[0].input_shape is not None
        return self.layers[0].input_shape

    @property
    def output_shape(self) -> tuple:
        """The shape of what comes out, None for the batch axis."""
        self._require_built("output_shape")
        assert self.layers[-1].output_shape is not None
        return self.layers[-1].output_shape

    def _require_built(self, what: str) -> None:
        if not self.built:
            fix = "give the first layer input_shape=…, call build(input_shape) or fit on data"
            where = f"Sequential.{what}"
            raise StateError(message(where, "a built model", "one without shapes", fix))

    def _require_layers(self, where: str) -> None:
        if not self.layers:
            fix = "add some first, such as layers.Dense(10)"
            raise StateError(message(where, "a model with layers", "none", fix))

    def shapes_for(self, x: Any, where: str) -> tuple[tuple, tuple]:
        """Return the shapes of what goes in and comes out, from data if the model is not built.

        Nothing is built: that is left to the caller, when all else has been found right.

        Args:
            x: samples, of which only the shape is read.
            where: the call and argument, for the message.
        """
        self._require_layers(where)
        if self.built:
            return self.input_shape, self.output_shape
        shape = as_numbers(x, where).shape
        if 0 in shape:
            got = f"an array of shape {shape}"
            raise ArgumentError(message(where, "at least one sample", got, "give some data"))
        batch_shape = (None, *shape[1:])
        return batch_shape, self._infer(batch_shape)

    # Looking at it ------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<{notebook.model_line(self)}>"

    def _repr_html_(self) -> str:
        return notebook.of_model(self)

    @checked
    def summary(self, print_fn: Function = say) -> None:
        """Print each layer's name, class, output shape and parameters; '?' where not built yet."""
        for line in summary_lines(self):
            print_fn(line)

    @property
    def losses(self) -> list[float]:
        """The penalties of the layers' regularizers, as they are now."""
        return [penalty for layer in self.layers for penalty in layer.losses]

    def count_params(self) -> int:
        """Return how many numbers the model learns."""
        self._require_built("count_params()")
        return sum(layer.count_params() for layer in self.layers)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return the layer of that name, or at that place."""
        if index is not None:
            if not is_whole(index) or not -len(self.layers) <= index < len(self.layers):
                expected = f"a place below {len(self.layers)}"
                fix = "count from 0"
                raise ArgumentError(message("get_layer(index)", expected, shown(index), fix))
            return self.layers[index]
        names = [str(layer.name) for layer in self.layers]
        return self.layers[names.index(one_of(name, names, "get_layer(name)"))]

    def get_weights(self) -> list[Array]:
        """Return copies of all parameters: kernel and bias, layer by layer."""
        self._require_built("get_weights()")
        return [array for layer in self.layers for array in layer.get_weights()]

    def set_weights(self, weights: list[Any]) -> None:
        """Overwrite all parameters; nothing is written unless all of them fit."""
        self._require_built("set_weights()")
        own = [
            (f"{layer.name}/{name}", value)
            for layer in self.layers
            for name, value in layer.arrays()
        ]
        set_arrays("Sequential.set_weights()", own, weights)

    def _weights(self) -> list[Weight]:
        return [weight for layer in self.layers for weight in layer.weights]

    def segments(self) -> list[Segment]:
        """Return the trainable parameters as stretches: (place in the slots, values, gradients).

        A model keeps its parameters in one vector, so that the optimizer takes its step in one
        pass; frozen layers, and layers shared with another model, cut it into several stretches.
        """
        self._pack()
        merged: list[list[Any]] = []
        for layer in self.layers:
            if layer.place is None or not layer.trainable or not layer.parameter_names:
                continue
            values, gradients, start, stop = layer.place
            if merged and merged[-1][0] is values and merged[-1][3] == start:
                merged[-1][3] = stop
            else:
                merged.append([values, gradients, start, stop])
        segments, done = [], 0
        for values, gradients, start, stop in merged:
            place = slice(done, done + stop - start)
            segments.append((place, values[start:stop], gradients[start:stop]))
            done = place.stop
        return segments

    def _pack(self) -> None:
        """Move the parameters of layers that have no place yet into one vector, state last."""
        loose = [layer for layer in self.layers if layer.place is None and layer.declared]
        if not loose:
            return
        learnt = sum(value.size for layer in loose for _, value, _ in layer.parameters())
        size = sum(layer.count_params() for layer in loose)
        values, gradients = np.zeros(size, self.dtype), np.zeros(learnt, self.dtype)
        stop = 0
        for layer in loose:
            first = stop
            for name, value, _ in list(layer.parameters()):
                start, stop = stop, stop + value.size
                values[start:stop] = value.ravel()
                views = (flat[start:stop].reshape(value.shape) for flat in (values, gradients))
                layer.bind(name, *views)
            layer.place = values, gradients, first, stop
        for layer in loose:
            for name in layer.state_names:
                value = vars(layer)[name]
                start, stop = stop, stop + value.size
                values[start:stop] = value.ravel()
                layer.bind(name, values[start:stop].reshape(value.shape), None)

    def vectors(self) -> list[Array]:
        """Return the vectors that hold all parameters, and all gradients."""
        self._pack()
        found: dict[int, Array] = {}
        for layer in self.layers:
            for array in layer.place[:2] if layer.place is not None else ():
                found[id(array)] = array
        return list(found.values())

    def get_config(self) -> dict[str, Any]:
        """Return the architecture: name, dtype and each layer's class and arguments."""
        inputs, first = self.input_layer, self.layers[0] if self.layers else None
        if inputs is None and first is not None and first.sample_shape is not None:
            inputs = InputLayer(first.sample_shape, name="input_layer")  # as Keras adds one
        layers = [] if inputs is None else [inputs]
        return {
            "name": self.name,
            "dtype": self.dtype.name,
            "layers": [
                {"class_name": type(layer).__name__, "config": layer.get_config()}
                for layer in [*layers, *self.layers]
            ],
        }
