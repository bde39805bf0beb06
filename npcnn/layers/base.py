"""What every layer has: a name, shapes, parameters with their gradients, a forward and a backward.

A layer calls ops and does no arithmetic of its own. `forward` keeps what `backward` will need, and
`backward` writes the parameter gradients and returns the gradient by the layer's input.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

import numpy as np

from npcnn import config, initializers, notebook
from npcnn.arguments import Numbers, arguments_of, checked
from npcnn.checks import (
    ArgumentError,
    StateError,
    as_numbers,
    check_name,
    is_whole,
    message,
    one_of,
    shown,
)
from npcnn.config import FloatType
from npcnn.initializers import check_shape

Array = np.ndarray
Shape = tuple[Any, ...]  # the batch axis is None
MAX_AXES = 31  # of one sample: NumPy 1 has 32, batch included
_versions = itertools.count(1)
Place = tuple[Array, Array, int, int]  # flat values, flat gradients, first, last + 1


def check_sample_shape(value: Any, where: str, least: int = 1) -> tuple[int, ...]:
    """Return one sample's shape as a tuple of positive integers, or raise ArgumentError.

    `least` is how many axes it has at least; with 0, samples may be single numbers.
    """
    shape = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    fix = "give one sample's shape, such as (28, 28, 1)"
    if len(shape) > MAX_AXES:
        raise ArgumentError(message(where, f"{MAX_AXES} axes at most", str(len(shape)), fix))
    if len(shape) < least or not all(is_whole(v) and v >= 1 for v in shape):
        expected = "positive integers, one an axis, without the batch"
        raise ArgumentError(message(where, expected, shown(value), fix))
    return check_shape(shape, where)


def check_batch_shape(value: Any, where: str) -> Shape:
    """Return (None, …) for a shape with the batch axis, None or a number, in front."""
    shaped = isinstance(value, (tuple, list)) and len(value) > 0
    if not shaped or (len(value) == 1 and value[0] is not None):
        fix = "put None for the batch in front, as in (None, 28, 28, 1)"
        raise ArgumentError(message(where, "a shape with the batch axis", shown(value), fix))
    return (None, *check_sample_shape(tuple(value[1:]), where, least=0))


def _layer_name(value: Any, where: str) -> str:
    return check_name(value, where)


Name = Annotated[str, _layer_name]
SampleShape = Annotated[Any, check_sample_shape]
AnyShape = Annotated[Any, partial(check_sample_shape, least=0)]
BatchShape = Annotated[Any, check_batch_shape]


class Layer:
    """Base of all layers.

    Args:
        name: what it is called; a model gives 'conv2d', 'conv2d_1', … to layers without one.
        dtype: 'float32' or 'float64'; None takes the model's.
        trainable: False keeps the parameters as they are.
        input_shape: one sample's shape, for the first layer of a model.

    Attributes:
        input_shape, output_shape: with None for the batch axis, once built.
    """

    parameter_names: tuple[str, ...] = ()
    version = 0

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; a layer that changed gets a version that no layer had before.

        What was recorded of the layer (npcnn/replay.py) is known by its version. New numbers in
        the arrays a layer has are no change, nor is what a forward pass keeps.
        """
        if name != "_saved" and self.__dict__.get(name, self) is not value:
            self.__dict__["version"] = next(_versions)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        """Delete an attribute: a change like any other."""
        self.__dict__["version"] = next(_versions)
        super().__delattr__(name)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become a copy: not the layer it was made from, nor in that one's place in a model."""
        self.__dict__.update(state, version=next(_versions), place=None)

    @checked
    def __init__(
        self,
        name: Name | None = None,
        dtype: FloatType | None = None,
        trainable: bool = True,
        input_shape: SampleShape | None = None,
        **unknown: Any,
    ) -> None:
        where = type(self).__name__
        if unknown:
            one_of(next(iter(unknown)), argument_names(type(self)), f"{where}, its arguments")
        self.name, self.dtype, self.trainable = name, dtype, trainable
        self.sample_shape: Shape | None = input_shape
        self.input_shape: Shape | None = None
        self.output_shape: Shape | None = None
        self.seed: int | None = None  # dropout's stream: the model sets seed and position
        self.position = 0
        self.place: Place | None = None  # where a model keeps the parameters
        self._saved: tuple[Any, ...] | None = None

    # What a layer defines -----------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the output's shape for an input's, batch axis included, or raise ArgumentError."""
        return input_shape

    def create_parameters(self, input_shape: Shape) -> None:
        """Make the parameters with `add_parameter`; a layer without weights has nothing to do."""

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the layer's output.

        Args:
            x: (N, …) in the layer's dtype.
            training: True in a training step: dropout drops.
            step: the number of the training step, for dropout's mask.
            keep: False if no backward pass will follow.
        """
        raise NotImplementedError

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Write the parameter gradients; return the gradient by x (None if not needed)."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again, under Keras's names."""
        dtype = None if self.dtype is None else self.dtype.name
        return {"name": self.name, "trainable": self.trainable, "dtype": dtype}

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
        shape = (None, *input_shape[1:])
        output_shape = self.infer_output_shape(shape)
        if self.built:
            return
        self.dtype = config.float_dtype(self.dtype or dtype, f"{self.label}(dtype)")
        self.create_parameters(shape)
        self.input_shape, self.output_shape = shape, output_shape

    def infer_output_shape(self, input_shape: Shape) -> Shape:
        """Return the output's shape; ArgumentError also if the layer is built for another input."""
        if self.built and input_shape != self.input_shape:
            fix = "make a new layer from its get_config()"
            raise ArgumentError(message(self.label, str(self.input_shape), str(input_shape), fix))
        return self.compute_output_shape(input_shape)

    def __repr__(self) -> str:
        return f"<{notebook.layer_line(self)}>"

    def _repr_html_(self) -> str:
        return notebook.of_layer(self)

    @property
    def built(self) -> bool:
        """Whether shapes are known and parameters exist."""
        return self.input_shape is not None

    @property
    def label(self) -> str:
        """The layer in an error message: its class, and its name where it has one."""
        return type(self).__name__ + (f" {self.name!r}" if self.name else "")

    def add_parameter(self, name: str, shape: tuple[int, ...], initializer: Any) -> None:
        """Create `self.<name>` from the initializer, and `self.grad_<name>` beside it."""
        value = np.ascontiguousarray(initializer(shape, self.dtype), self.dtype)
        self.bind(name, value, np.zeros_like(value))

    def bind(self, name: str, value: Array, gradient: Array) -> None:
        """Let the layer use these two arrays for a parameter and its gradient."""
        setattr(self, name, value)
        setattr(self, f"grad_{name}", gradient)

    def parameters(self) -> Iterator[tuple[str, Array, Array]]:
        """Yield (name, value, gradient) for each parameter, in Keras's order."""
        for name in self.parameter_names:
            value = getattr(self, name, None)
            if value is not None:
                yield name, value, getattr(self, f"grad_{name}")

    def count_params(self) -> int:
        """Return how many numbers the layer learns."""
        self.require_built("count_params()")
        return sum(value.size for _, value, _ in self.parameters())

    def get_weights(self) -> list[Array]:
        """Return copies of the parameters: kernel, bias."""
        return [value.copy() for _, value, _ in self.parameters()]

    def set_weights(self, weights: list[Any]) -> None:
        """Overwrite the parameters; all shapes are checked before anything is written."""
        self.require_built("set_weights()")
        own = list(self.parameters())
        set_arrays(
            f"{self.label}.set_weights()", [(name, value) for name, value, _ in own], weights
        )

    @property
    def logits(self) -> Array | None:
        """What the last forward pass handed to a softmax at the layer's end; None without one."""
        return None

    def kinks(self, x: Array) -> int:
        """Return at how many places the output has no derivative by x or a parameter: exact ties.

        A ReLU's input that is exactly 0, a window that holds its maximum twice. One of several
        gradients is given there, and all of them are right.
        """
        return 0

    def forget(self) -> None:
        """Drop what the last forward pass kept."""
        self._saved = None

    def saved(self) -> tuple[Any, ...]:
        """Return what the last forward pass kept for the backward pass."""
        if self._saved is None:
            where = f"{self.label}.backward()"
            raise StateError(message(where, "a forward pass before it", "none", "call it first"))
        return self._saved

    def require_built(self, what: str) -> None:
        """Raise StateError unless the layer is built."""
        if not self.built:
            fix = "call build(input_shape) or use the layer on data first"
            raise StateError(message(f"{self.label}.{what}", "a built layer", "none", fix))

    @checked
    def __call__(self, x: Numbers, training: bool = False) -> Array:
        """Return the output for x, checked; the first call builds the layer."""
        if not self.built:
            self.build((None, *x.shape[1:]))
        assert self.input_shape is not None
        if x.shape[1:] != self.input_shape[1:]:
            fix = "give samples of the shape the layer was built for"
            raise ArgumentError(message(self.label, str(self.input_shape), str(x.shape), fix))
        return self.forward(x.astype(self.dtype), training=training)


def set_arrays(where: str, own: list[tuple[str, Array]], given: list[Any]) -> None:
    """Copy the given arrays into the own ones, or raise before the first is touched."""
    if not isinstance(given, (list, tuple)) or len(given) != len(own):
        fix = "give one array a parameter, in get_weights()'s order"
        got = str(len(given)) if isinstance(given, (list, tuple)) else type(given).__name__
        raise ArgumentError(message(where, f"a list of {len(own)} arrays", got, fix))
    arrays = []
    for (name, value), array in zip(own, given, strict=True):
        array = as_numbers(array, f"{where}, {name}")
        if array.shape != value.shape:
            fix = "give arrays as get_weights() returns them"
            expected = f"{name} of shape {value.shape}"
            raise ArgumentError(message(where, expected, str(array.shape), fix))
        arrays.append(array)
    for (_, value), array in zip(own, arrays, strict=True):
        value[...] = array


def argument_names(cls: type) -> list[str]:
    """Return the names of a layer class's arguments, its own first."""
    names: list[str] = []
    for function in (cls.__init__, Layer.__init__):  # type: ignore[misc]
        for name, parameter in inspect.signature(function).parameters.items():
            if name != "self" and parameter.kind is not parameter.VAR_KEYWORD:
                names.append(name)
    return list(dict.fromkeys(names))


def check_image_shape(layer: Layer, input_shape: Shape) -> tuple[int, int, int]:
    """Return (H, W, C) of an input of images, or raise ArgumentError."""
    if len(input_shape) != 4:
        expected = "images as (batch, rows, columns, channels)"
        fix = "reshape to four axes, (n, 28, 28, 1) for grey pictures"
        raise ArgumentError(message(layer.label, expected, str(input_shape), fix))
    return input_shape[1], input_shape[2], input_shape[3]


def initializer_config(initializer: initializers.Initializer) -> dict[str, Any]:
    """Return an initializer as Keras writes it: class name and arguments."""
    return {"class_name": type(initializer).__name__, "config": initializer.get_config()}


def snake_case(name: str) -> str:
    """Return a class name as Keras names its layers.

    >>> snake_case("MaxPooling2D"), snake_case("ReLU")
    ('max_pooling2d', 're_lu')
    """
    spaced = re.sub(r"\W+", "", name)
    spaced = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", spaced)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower()
