"""The layer that is a function of the program's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from npcnn import activations, config, registry
from npcnn.activations import ActivationFunction
from npcnn.arguments import checked, config_of
from npcnn.checks import ArgumentError, message, shown
from npcnn.config import FloatType
from npcnn.layers.base import Layer, Shape
from npcnn.layers.composed import traced
from npcnn.layers.shapes import BatchShape, check_sample_shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

WHAT = "a function that computes with operators, npcnn.ops, activations and layers"
FIX = "take the function of npcnn.ops, or write a Layer with forward and backward"


def _function(value: Any, where: str) -> Any:
    """Return a function, or the one that an entry of a file names."""
    if isinstance(value, dict):
        name, key = value.get("config"), value.get("registered_name")
        found = registry.custom(name, key)
        found = activations.known().get(str(name)) if found is None else found
        if value.get("class_name") != "function" or found is None:
            code = value.get("class_name") == "__lambda__"
            fix = "register it, or hand it in as custom_objects={'name': function}"
            got = "a lambda's bytecode, which is never run" if code else shown(name)
            raise ArgumentError(message(where, "the name of a known function", got, fix))
        value = found
    if not callable(value) or isinstance(value, type):
        fix = "such as lambda x: x / 255"
        raise ArgumentError(message(where, "a function of the input", shown(value), fix))
    return value


def _sample_shape(value: Any, where: str) -> Any:
    """Return one sample's shape as a tuple, or a function of the input's."""
    return value if callable(value) else check_sample_shape(value, where, least=0)


def _nothing(value: Any, where: str) -> None:
    if value is not None:
        raise ArgumentError(message(where, "None", shown(value), "there are no masks here"))


class Lambda(Layer):
    """y = function(x), for a function of operators, `npcnn.ops`, activations and layers.

    It is called once, on a symbolic tensor, and its steps become the model's, gradients and all.

    Args:
        function: takes the input, or a list of several, and returns the output.
        output_shape: of a sample; found without being said, and held against what is found. A
            function of the input's shape is passed over.
        mask: None.
        arguments: further arguments of the function, by name.

    >>> from npcnn import Sequential, layers
    >>> import numpy as np
    >>> model = Sequential([layers.Input((2,)), Lambda(lambda x: x / 127.5 - 1)])
    >>> model.predict(np.array([[0, 255]]), verbose=0)
    array([[-1.,  1.]], dtype=float32)
    """

    kept_as: ClassVar = dict.fromkeys(("function", "output_shape", "mask", "arguments"))

    @checked
    def __init__(
        self, function: Annotated[Any, _function],
        output_shape: Annotated[Any, _sample_shape] | None = None,
        mask: Annotated[Any, _nothing] = None,
        arguments: Annotated[Any, config_of] | None = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.function, self.said_shape = function, output_shape
        self.arguments = arguments or {}

    @checked
    def build(self, input_shape: BatchShape, dtype: FloatType | None = None) -> None:
        """Find the output's shape."""
        super().build(input_shape, dtype)
        self.input_shape, self.output_shape = input_shape, self.infer_output_shape(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of what the function makes of an input, or of several."""
        several = isinstance(input_shape[0], tuple)
        shapes = list(input_shape) if several else [input_shape]
        dtype = self.dtype or config.floatx()
        (_, outputs), _ = traced(self.call, shapes, dtype, f"{self.label}(function)")
        return outputs[0].shape

    def call(self, inputs: Any) -> Any:  # type: ignore[override]
        """Return what the function makes of symbolic tensors."""
        try:
            y = self.function(inputs, **self.arguments)
        except Exception as error:
            got = f"{type(error).__name__}: {' '.join(str(error).split())[:150]}"
            raise ArgumentError(message(f"{self.label}(function)", WHAT, got, FIX)) from error
        self._check_shape(y)
        return y

    def _check_shape(self, y: Any) -> None:
        said, found = self.said_shape, getattr(y, "shape", None)
        if isinstance(said, tuple) and found is not None and found[1:] != said:
            where, fix = f"{self.label}(output_shape)", "leave it out"
            raise ArgumentError(message(where, str(found[1:]), str(said), fix))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments; a function that files may name by what it is registered as."""
        function = self.function
        key = registry.registered_name(function)
        own = isinstance(function, ActivationFunction)
        if key is not None or own:
            name = str(function) if own else function.__name__
            module = "builtins" if own else function.__module__
            whole = {"module": module, "class_name": "function", "config": name}
            function = whole | {"registered_name": key or "function"}
        said = {"output_shape": self.said_shape} if isinstance(self.said_shape, tuple) else {}
        return {**super().get_config(), "function": function, **said, "arguments": self.arguments}
