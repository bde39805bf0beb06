"""A graph of layers: their parameters in one vector, their names, and what one asks of them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from npcnn import notebook
from npcnn.arguments import Function, PassedOver, PositiveInt, checked
from npcnn.checks import ArgumentError, StateError, is_whole, message, one_of, shown
from npcnn.config import FloatType
from npcnn.graph import Graph, read_graph
from npcnn.initializers.base import Sizes
from npcnn.layers.base import Layer
from npcnn.layers.parameter import set_arrays
from npcnn.layers.parts import inner_layers
from npcnn.layers.shapes import Name
from npcnn.only import Kept, only, truth
from npcnn.ops import entry
from npcnn.random import Seed
from npcnn.streams import say
from npcnn.subclasses import is_ours
from npcnn.summary import summary_lines
from npcnn.symbolic import KerasTensor, Node, Operation, creations, leaves_of
from npcnn.variables import Variable, Weight, Weighted

Array = np.ndarray
Segment = tuple[slice, Array, Array]
Ends = tuple[list[KerasTensor], list[KerasTensor]]
# "Functional" and "Sequential": the classes of models by the names that files have for them. Each
# enters itself; what reads files lies below them, so that a model can write and read itself.
classes: dict[str, Any] = {}


class Network(Kept, Weighted, Operation):
    """Layers, and models, in a graph; `Model` adds learning to it.

    Attributes:
        name: of the model. dtype: of all its numbers.
        ends: the symbolic tensors that go in and come out; empty lists while shapes are unknown.
        penalty: what stands for all penalties while a class's own `compute_loss` is called.
    """

    penalty: Any = None
    begun: frozenset[str] = frozenset()  # the names of what npcnn puts into an object
    keras_class = "Functional"  # what files call it
    is_written = False  # whether a program's class says with `call` what it does
    dtype: np.dtype = only(np.dtype, "a NumPy dtype", "say it when the layers are made")
    ends: Ends = only(tuple, "inputs and outputs", "make another model of them")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Note whether a class of a program's says with `call` what it does."""
        super().__init_subclass__(**kwargs)
        if "call" in vars(cls) and cls.__module__.partition(".")[0] != "npcnn":
            cls.is_written = True

    def __init__(self, name: str, trainable: bool, dtype: np.dtype) -> None:
        self.name: Any = name
        self.dtype = dtype
        self._trainable = trainable
        self._layers: list[Any] = []
        self.in_weights: list[Any] | None = None  # the same, in the order of the weights
        self._names: set[str] = set()
        self._inbound_nodes: list[Node] = []
        self.created = next(creations)
        self.ends = ([], [])
        self._graph: Graph | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy is made of; its layers' calls come with the graph."""
        return {**vars(self), "_inbound_nodes": [], "_graph": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for node in self.graph_nodes():
            if all(node is not other for other in node.operation._inbound_nodes):
                node.operation._inbound_nodes.append(node)

    # The graph ------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Any]:
        """The layers in order, models within the model as they are, calls of functions left out.

        Those of a class with a `call` are all that its attributes hold, called or not, as in Keras.
        """
        written = self.is_written  # a program's: its inputs are no layers
        whole = [part for one in self._layers for part in (one.made_of() if one.is_body else [one])]
        every = {id(one): one for one in [*(inner_layers(self) if written else ()), *whole]}
        return [
            one for one in every.values()
            if one.in_layers and not (written and getattr(one, "is_input", False))
        ]  # fmt: skip

    @property
    def leaves(self) -> list[Layer]:
        """The layers themselves, also those of models within the model, each once."""
        return leaves_of(self)

    def made_of(self, by_weights: bool = False) -> list[Any]:
        """Return the layers, models within the model as they are."""
        return self.in_weights if by_weights and self.in_weights else self._layers

    @property
    def file_class(self) -> str:
        """The name of its class where Keras counts layers by class."""
        return self.keras_class if is_ours(type(self)) else type(self).__name__

    @property
    def call_body(self) -> Any:
        """What the model's `call` is as a layer, where it is no graph of layers; else None."""
        return next((one for one in self._layers if one.is_body), None)

    @checked
    def add_weight(
        self, shape: Sizes = (), initializer: Any = None, dtype: FloatType | None = None,
        trainable: bool = True, name: Name | None = None,
    ) -> Variable:  # fmt: skip
        """Return numbers that a subclass learns beside its layers; it keeps them as an attribute.

        Args:
            shape: of the array; () for one number.
            initializer: a name, an Initializer or a function; None for glorot_uniform, and
                zeros of vectors.
            dtype: of the array; the model's counts.
            trainable: False for what no optimizer moves.
            name: what it is called.
        """
        usual = "glorot_uniform" if len(shape) > 1 else "zeros"
        made = usual if initializer is None else initializer
        return Variable(made, shape, dtype or self.dtype, trainable, name=name)

    @property
    def graph(self) -> Graph:
        """The calls that a batch goes through; StateError while shapes are unknown."""
        if self._graph is None:
            self._require_built("graph")
            self._graph = read_graph(*self.ends)
        return self._graph

    def graph_nodes(self) -> list[Node]:
        """Return the calls in the model's own graph, inputs among them."""
        return []

    def changed(self) -> None:
        """Forget the graph, after a layer has come or gone."""
        self._graph = None

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic tensors that go in."""
        self._require_built("inputs")
        return list(self.ends[0])

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic tensors that come out."""
        self._require_built("outputs")
        return list(self.ends[1])

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return [tensor.name for tensor in self.inputs]

    @property
    def output_names(self) -> list[str]:
        """The names of the layers that the outputs come from."""
        return [tensor.name for tensor in self.outputs]

    @property
    def input_shape(self) -> Any:
        """The shape of what goes in, None for the batch axis; a list of several inputs' shapes."""
        shapes = [tensor.shape for tensor in self.inputs]
        return shapes if len(shapes) > 1 else shapes[0]

    @property
    def output_shape(self) -> Any:
        """The shape of what comes out, None for the batch axis; a list of several outputs'."""
        shapes = [tensor.shape for tensor in self.outputs]
        return shapes if len(shapes) > 1 else shapes[0]

    @property
    def built(self) -> bool:
        """Whether all shapes are known and all parameters exist."""
        return bool(self.ends[1])

    @built.setter
    def built(self, value: Any) -> None:
        """Let pass what programs for Keras say at the end of a model's `build`."""

    def build(self, input_shape: Any = None) -> None:
        """Create all parameters, if they are not there yet."""
        raise NotImplementedError

    def infer_output_shape(self, input_shape: Any) -> Any:
        """Return the shape that comes out for one that goes in, or raise; nothing is built."""
        if input_shape != self.input_shape:
            fix, got = "call it on what it was made for", str(input_shape)
            raise ArgumentError(message(self.label, str(self.input_shape), got, fix))
        return self.output_shape

    def on_tensors(self, x: Any, training: bool | None = None) -> Any:
        """Return what comes out for symbolic tensors, with the model as one step of the way."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        """The model in an error message."""
        return f"{type(self).__name__} {self.name!r}"

    def _require_built(self, what: str) -> None:
        if not self.built:
            fix = "give the first layer input_shape=…, call build(input_shape) or fit on data"
            where = f"{type(self).__name__}.{what}"
            raise StateError(message(where, "a built model", "one without shapes", fix))

    def _require_layers(self, where: str) -> None:
        if not self._layers:
            fix = "add some first, such as layers.Dense(10)"
            raise StateError(message(where, "a model with layers", "none", fix))

    # Looking at it ------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<{notebook.model_line(self)}>"

    def _repr_html_(self) -> str:
        return notebook.of_model(self)

    @checked
    def summary(
        self, line_length: PositiveInt | None = None, positions: PassedOver = None,
        print_fn: Function | None = None, expand_nested: bool = False,
        show_trainable: bool = False, layer_range: PassedOver = None,
    ) -> None:  # fmt: skip
        """Print each layer's name, class, output shape and parameters; '?' where not built yet.

        Args:
            line_length: characters of a line.
            positions: passed over with a warning; taken for Keras's sake.
            print_fn: called with each line; None prints it.
            expand_nested: whether the layers of models within the model follow them.
            show_trainable: whether to say which layers learn.
            layer_range: likewise; taken for Keras's sake.
        """
        for line in summary_lines(self, line_length, expand_nested, show_trainable):
            (print_fn or say)(line)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """Return the layer of that name, or at that place."""
        if index is not None:
            count = len(self.layers)
            if not is_whole(index) or not -count <= index < count:
                expected, fix = f"a place below {count}", "count from 0"
                raise ArgumentError(message("get_layer(index)", expected, shown(index), fix))
            return self.layers[index]
        every = {str(one.name): one for one in [*self._layers, *self.layers]}
        return every[one_of(name, list(every), "get_layer(name)")]

    # Parameters -----------------------------------------------------------------------------------

    @property
    def trainable(self) -> bool:
        """Whether training changes the parameters; setting it sets it for every layer."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = truth(self, "trainable", value)
        for layer in self._layers:
            layer.trainable = self._trainable

    @property
    def losses(self) -> list[Any]:
        """The penalties of the layers' regularizers, as they are now."""
        if self.penalty is not None:
            return self.penalty
        return [penalty for layer in self.leaves for penalty in layer.own_losses()]

    def add_loss(self, loss: Any) -> None:
        """Add a number to the loss; in the `call` of a class of the program's."""
        entry.add_loss(loss, type(self).__name__)

    @checked
    def set_seed(self, seed: Seed) -> None:
        """Let what is random in the layers come from this seed and their places in the model."""
        for place, layer in enumerate(self.leaves):
            vars(layer).update(_model_seed=seed, _stream=place)

    def count_params(self) -> int:
        """Return how many numbers the model's parameters are."""
        self._require_built("count_params()")
        return sum(value.size for _, value in self.arrays())

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """Yield (layer/name, value) for each parameter, in Keras's order."""
        for layer in leaves_of(self, by_weights=True):
            for name, value in layer.own_arrays():
                yield f"{layer.name}/{name}", value

    def get_weights(self) -> list[Array]:
        """Return copies of all parameters: kernel and bias, layer by layer."""
        self._require_built("get_weights()")
        return [value.copy() for _, value in self.arrays()]

    def set_weights(self, weights: list[Any]) -> None:
        """Overwrite all parameters; nothing is written unless all of them fit."""
        self._require_built("set_weights()")
        set_arrays(f"{type(self).__name__}.set_weights()", list(self.arrays()), weights)

    def _weights(self) -> list[Weight]:
        every = (weight for layer in leaves_of(self, by_weights=True) for weight in layer.weights)
        return list({id(one): one for one in every}.values())  # some name those of layers in them

    def slot_weights(self) -> list[Weight]:
        """Return the weights that training changes in the order of the optimizer's slots."""
        rank = {id(layer): place for place, layer in enumerate(self.leaves)}
        return sorted(self.trainable_weights, key=lambda weight: rank[id(weight.layer)])

    def segments(self) -> list[Segment]:
        """Return the trainable parameters as stretches: (place in the slots, values, gradients).

        A model keeps its parameters in one vector, so that the optimizer takes its step in one
        pass; frozen layers, and layers shared with another model, cut it into several stretches.
        """
        merged: list[list[Any]] = []
        for layer in self._packed():
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

    def _packed(self) -> list[Layer]:
        """Return the leaves; parameters without a place move into one vector, state last."""
        leaves = self.leaves
        loose = [layer for layer in leaves if layer.place is None and layer.declared]
        if not loose:
            return leaves
        learnt = sum(value.size for layer in loose for _, value, _ in layer.parameters())
        size = sum(value.size for layer in loose for _, value in layer.own_arrays())
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
        return leaves

    def vectors(self) -> list[Array]:
        """Return the vectors that hold all parameters, and all gradients."""
        found: dict[int, Array] = {}
        for layer in self._packed():
            for array in layer.place[:2] if layer.place is not None else ():
                found[id(array)] = array
        for call in self.graph.calls:
            found |= {id(array): array for array in call.gradients().values()}
        return list(found.values())
