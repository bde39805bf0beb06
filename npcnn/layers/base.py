"""What every layer has: a name, shapes, parameters with their gradients, a forward and a backward.

A layer calls ops and does no arithmetic of its own. `forward` keeps what `backward` will need, and
`backward` writes the parameter gradients and returns the gradient by the layer's input. Tools
(summary, files, trace, gradient check, pictures) ask a layer for what they need and know no class.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import config, notebook
from npcnn.arguments import PositiveInt, arguments_of, checked
from npcnn.checks import ArgumentError, DtypeError, StateError, message, one_of
from npcnn.config import FloatType
from npcnn.layers import recorded, settling
from npcnn.layers.calling import Called
from npcnn.layers.meeting import Meeting
from npcnn.layers.parameters import Parameters
from npcnn.layers.seen import Seen
from npcnn.layers.shapes import (
    MAX_AXES,
    AnyShape,
    BatchShape,
    Name,
    SampleShape,
    Shape,
    check_batch_shape,
    check_output_shape,
)
from npcnn.names import auto_name, snake_case
from npcnn.only import truth
from npcnn.regularizers import Regularizer
from npcnn.remembered import Remembering, kept
from npcnn.subclasses import OURS, TEXTS, Kind, Open, missing, settle
from npcnn.symbolic import Node, Operation, creations
from npcnn.variables import Weight

if TYPE_CHECKING:
    from npcnn.keywords import AllHeld, Unpack

__all__ = [
    "MAX_AXES", "AnyShape", "BatchShape", "Layer", "Name", "SampleShape", "Shape",
    "check_batch_shape", "snake_case",
]  # fmt: skip

Array = np.ndarray
_OWN = (
    "_active", "_added", "_arguments", "_form", "_given", "_handles", "_inbound_nodes", "_kept",
    "_model_seed", "_sample_shape", "_stream", "_trainable",
)  # fmt: skip
Place = tuple[Array, Array, int, int]  # flat values, flat gradients, first, last + 1


class Layer(Called, Open, Remembering, Seen, Parameters, Meeting, Operation):
    """Base of all layers.

    One of your own defines `forward`, with `backward` directly under it, and where it needs them
    `compute_output_shape`, `create_parameters` and `get_config` (docs/extending.md).

    Args:
        name: what it is called; None for the class's, counted over the process: 'conv2d_1'.
        dtype: 'float32' or 'float64'; None takes the model's.
        trainable: False keeps the parameters as they are.
        input_shape: one sample's shape, for the first layer of a model.
        input_dim: the same for samples of one axis.
        batch_input_shape: the same with the batch axis in front.
        activity_regularizer: a penalty on the output; None for none.

    Attributes:
        input_shape, output_shape: with None for the batch axis, once built.
        absent: options that files hold None for where the layer leaves them out, as in Keras.
        unwritten: arguments that all layers here have, but Keras's layer of this name has not;
            files leave them out.
        op: the name of its op in npcnn/reference; '' for an activation and no more.
        replays: False if it depends on what cannot be seen from Python: a step with it is then
            never replayed (docs/extending.md).
        combines: how inputs become an output: 'products' with a kernel, 'maximum', or ''.
        flattens: whether its output is its input's numbers in a row.
        training_only: whether it does nothing but in training.
        acts_unasked: whether a call outside of a run is as in training if it does not say.
        is_input: whether it is a model's input, and computes nothing.
        merges: whether it takes a list of inputs; `input_shape` is then a tuple of shapes.

    >>> class Double(Layer):
    ...     def forward(self, x, training=False, step=0, keep=True):
    ...         return x + x
    ...     def backward(self, grad_y, need_grad_x=True):
    ...         return grad_y + grad_y
    >>> Double()(np.ones((1, 2)))
    array([[2., 2.]], dtype=float32)
    """

    overridable = ("forward", "backward", "compute_output_shape", "create_parameters")
    _kept: list[Any]  # what is the base's own is put into vars(layer), see _OWN
    _handles: dict[str, Any]  # parameter → the one Weight that stands for it
    _inbound_nodes: list[Node]  # its calls on symbolic tensors
    _sample_shape: Shape | None
    _trainable: bool
    _model_seed: int | None  # of what it draws; a model says it, and which of the streams that is
    _stream: int
    absent: tuple[str, ...] = ()
    unwritten: tuple[str, ...] = ()
    op = ""
    data_format = "channels_last"
    replays = True
    combines = ""
    flattens = training_only = merges = is_input = acts_unasked = False

    @checked
    def __init__(
        self,
        name: Name | None = None,
        dtype: FloatType | None = None,
        trainable: bool = True,
        input_shape: SampleShape | None = None,
        input_dim: PositiveInt | None = None,
        batch_input_shape: BatchShape | None = None,
        **unknown: Unpack[AllHeld],
    ) -> None:
        where = type(self).__name__
        rest: dict[str, Any] = {**unknown}
        self.take_regulations(rest)
        rest.pop("autocast", None)  # Keras's files say it of a user's layer
        if rest:
            one_of(next(iter(rest)), argument_names(type(self)), f"{where}, its arguments")
        self.name, self.made_up = (auto_name(where), True) if name is None else (name, False)
        self.dtype, self.trainable = dtype, trainable
        if input_dim is not None:
            input_shape = (input_dim,)
        elif batch_input_shape is not None:
            input_shape = batch_input_shape[1:]
        self.input_shape: Shape | None = None
        self.output_shape: Shape | None = None
        self.place: Place | None = None  # where a model keeps the parameters
        self.declared: dict[str, bool] = {}  # name → whether it is learnt, in Keras's order
        self._told: dict[str, str] = {}  # parameter → the name that was asked for, if another
        self.plan: dict[str, tuple[Any, Any, bool]] = {}  # parameters that are still to be made
        self.call_moments = [0]  # how often it was called outside a model
        self.created = next(creations)
        self.call_number = 0  # which of its calls in a step is being made; dropout's masks differ
        vars(self).update(_kept=[None], _handles={}, _inbound_nodes=[], _sample_shape=input_shape)
        vars(self).update(_model_seed=None, _stream=0)

    # What a layer defines -----------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the output's shape for an input's, batch axis included, or raise ArgumentError."""
        return input_shape

    def create_parameters(self, input_shape: Shape) -> None:
        """Make the parameters with `add_parameter`; a layer without any has nothing to do."""

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the layer's output.

        Args:
            x: (N, …) in the layer's dtype.
            training: True in a training step: dropout drops.
            step: the number of the training step; in training an array of one int64, so that a
                step that is replayed reads it anew: hand it to an op as it is.
            keep: False if no backward pass will follow.
        """
        if self.recorded:
            return recorded.forward(self, x, training, step, keep)
        raise missing(self, "forward")

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Write the parameter gradients; return the gradient by x (None if not needed)."""
        if self.recorded:
            return recorded.backward(self, grad_y, need_grad_x)
        raise missing(self, "backward")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again, under Keras's names."""
        dtype = None if self.dtype is None else self.dtype.name
        common = {"name": self.name, "trainable": self.trainable, "dtype": dtype}
        own = kept(self, Layer)
        written = {k: v.written(self.dtype) for k, v in own.items() if hasattr(v, "written")}
        return common | self.regulations_config() | own | written

    def logits_of(self, names: tuple[str, ...]) -> Array | None:
        """Return what the last forward pass handed to an activation at the layer's end.

        A loss asks that names activations whose input it can start from. None without one.
        """
        return None

    def backward_logits(self, grad_z: Array, need_grad_x: bool = True) -> Array | None:
        """Go back from the gradient by these logits; only for a layer that has them."""
        raise missing(self, "backward_logits")

    # What all layers share ----------------------------------------------------------------------

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """Return a new layer with these arguments."""
        return cls(**arguments_of(cls, config, f"{cls.__name__}.from_config(config)"))

    @checked
    def build(self, input_shape: BatchShape, dtype: FloatType | None = None) -> None:
        """Fix the shapes and create the parameters.

        Args:
            input_shape: with None for the batch axis.
            dtype: of the parameters, unless the layer has its own.
        """
        if self.has_call and not (self.is_prepared and self.native):
            return settling.prepare(self, input_shape, dtype)
        if self.merges != isinstance(input_shape[0], tuple):
            expected = "the shapes of several inputs" if self.merges else "one input's shape"
            fix = "merging layers take a list of inputs, others one"
            raise ArgumentError(message(self.label, expected, str(input_shape), fix))
        output_shape = self.infer_output_shape(input_shape)
        if self.built:
            return
        self.dtype = config.float_dtype(self.dtype or dtype, f"{self.label}(dtype)")
        self.make_parameters(input_shape)
        self.input_shape, self.output_shape = input_shape, output_shape

    def check_dtype(self, dtype: np.dtype) -> None:
        """Raise DtypeError if the layer computes in another dtype than this, its model's."""
        if self.dtype is not None and self.dtype != dtype:
            fix = f"make the model with dtype='{self.dtype}'"
            raise DtypeError(message(self.label, f"dtype {dtype}", str(self.dtype), fix))

    def infer_output_shape(self, input_shape: Shape) -> Shape:
        """Return the output's shape; ArgumentError also if the layer's parameters do not suit."""
        if self.recorded:
            return settling.output_shape(self, input_shape)
        if self.built and input_shape != self.input_shape and not self.suits(input_shape):
            fix = "make a new layer from its get_config()"
            raise ArgumentError(message(self.label, str(self.input_shape), str(input_shape), fix))
        where = f"{self.label}.compute_output_shape()"
        return check_output_shape(self.compute_output_shape(input_shape), where)

    def __repr__(self) -> str:
        return f"<{notebook.layer_line(self)}>"

    def _repr_html_(self) -> str:
        return notebook.of_layer(self)

    @property
    def built(self) -> bool:
        """Whether shapes are known and parameters exist."""
        return self.input_shape is not None

    @built.setter
    def built(self, value: Any) -> None:
        """Let pass what programs for Keras say at the end of `build`."""

    @property
    def label(self) -> str:
        """The layer in an error message: its class, and its name if said or in a model."""
        return type(self).__name__ + (f" {self.name!r}" if self.name_counts else "")

    @property
    def _saved(self) -> Any:
        """What the last forward pass kept for the backward pass."""
        return self._kept[0]

    @_saved.setter
    def _saved(self, value: Any) -> None:
        self._kept[0] = value

    def drop_kept(self) -> None:
        """Drop what the last forward pass kept."""
        self._kept[0] = vars(self)["_active"] = None

    def kept(self) -> Any:
        """Return what the last forward pass kept; None if nothing."""
        return self._kept[0]

    def keep(self, value: Any) -> None:
        """Let this be what the last forward pass kept: one of several calls'."""
        self._kept[0] = value

    def count_call(self, number: int) -> None:
        """Say which of the layer's calls in a step comes next."""
        self.call_number = number

    @property
    def key_stream(self) -> int:
        """Which stream of random numbers the call takes: by the layer's place, and the call's."""
        return self._stream + (self.call_number << 32)

    def saved(self) -> Any:
        """Return what the last forward pass kept in `self._saved`; StateError if nothing."""
        if self._kept[0] is None:
            where = f"{self.label}.backward()"
            raise StateError(message(where, "a forward pass before it", "none", "call it first"))
        return self._kept[0]

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy is made of: it has kept nothing, and no model holds its parameters."""
        return {**vars(self), "_kept": [None], "_handles": {}, "place": None, "_inbound_nodes": []}

    def require_built(self, what: str) -> None:
        """Raise StateError unless the layer is built."""
        if not self.built:
            fix = "call build(input_shape) or use the layer on data first"
            raise StateError(message(f"{self.label}.{what}", "a built layer", "none", fix))

    @property
    def trainable(self) -> bool:
        """Whether training moves the parameters; of a layer made of layers, set for all of them."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: Any) -> None:
        vars(self)["_trainable"] = truth(self, "trainable", value)
        for part in self.made_of() or ():
            part.trainable = self._trainable


settle(
    Layer, Layer("layer"), absent=TEXTS, unwritten=TEXTS, overridable=TEXTS, regulated=TEXTS,
    ends=Kind((tuple,), "what a graph begins and ends with", none=True),
    held_layers=Kind((list,), "a list of layers", Operation, none=True),
    parameter_names=TEXTS, state_names=TEXTS, weights=Kind((list,), "a list of variables", Weight),
    beside=Kind((tuple,), "the names in each model", set),
    call=Kind((Callable,), "a function, or a layer"),  # type: ignore[arg-type]
    place=Kind((tuple,), "a place in the model's vector", none=True),
    input_shape=Kind((tuple,), "a shape", none=True),
    output_shape=Kind((tuple,), "a shape", none=True),
    activity_regularizer=Kind((Regularizer,), "a Regularizer", none=True),
    _told=Kind((dict,), "names by names", str), **dict.fromkeys(_OWN, OURS),
)  # fmt: skip
Parameters.taken = {*dir(Layer), *Layer.begun}
Called.plain = Layer


def argument_names(cls: type) -> list[str]:
    """Return the names of a layer class's arguments, its own first."""
    names: list[str] = []
    for function in (cls.__init__, Layer.__init__):  # type: ignore[misc]
        for name, parameter in inspect.signature(function).parameters.items():
            if name != "self" and parameter.kind is not parameter.VAR_KEYWORD:
                names.append(name)
        if function is cls.__init__:  # type: ignore[misc]
            names += cls.regulations()  # type: ignore[attr-defined]
    return list(dict.fromkeys(names))
