"""What a layer gives when it is called on no numbers yet: a place in a graph, with a shape.

`Input(shape)` is the first such tensor; `layer(tensor)` builds the layer, notes the call in a
`Node` and returns the next. `Model(inputs, outputs)` reads the graph off the nodes between the two.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from npcnn.checks import ArgumentError, DtypeError, is_number, is_whole, message, shown
from npcnn.names import snake_case, uncounted

Shape = tuple[Any, ...]
creations = itertools.count(1)
live: ContextVar[Any] = ContextVar("live", default=None)  # the recording of a `call`, if any
# What is made of tensors further up: '+' by npcnn.layers.merging, 'function' by its operation.py.
operators: dict[str, Callable[..., Any]] = {}
FUNCTIONS: dict[str, Callable[..., Any]] = {}  # npcnn.ops: name → what can be gone back through


class KerasTensor:
    """The output of a layer before there are numbers: a shape, a dtype, and where it comes from.

    Attributes:
        shape: None for the batch axis.
        dtype: 'float32' or 'float64'.
        node: the call that it came from. place: which of its outputs it is.

    >>> from npcnn import layers
    >>> x = layers.Input((28, 28, 1))
    >>> layers.Conv2D(4, 3)(x).shape
    (None, 26, 26, 4)
    """

    def __init__(self, shape: Shape, dtype: Any, node: Node, place: int) -> None:
        self.shape, self.dtype = tuple(shape), np.dtype(dtype).name
        self.node, self.place = node, place

    @property
    def name(self) -> str:
        """The name of the layer that it came from."""
        return str(self.node.operation.name)

    @property
    def ndim(self) -> int:
        """How many axes it has, the batch's among them."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __bool__(self) -> bool:
        raise self._no_number("a condition")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise self._no_number("NumPy")

    def __iter__(self) -> Any:
        raise self._no_number("a loop")

    def __len__(self) -> int:
        raise self._no_number("len()")

    def _no_number(self, used: str) -> DtypeError:
        fix = "call layers on it, make a Model of it and give that numbers"
        return DtypeError(message(used, "an array", "an Input's or a layer's symbolic output", fix))

    def __add__(self, other: Any) -> KerasTensor:
        return _binary("+", "add", self, other)

    def __radd__(self, other: Any) -> KerasTensor:
        return _binary("+", "add", self, other)

    def __sub__(self, other: Any) -> KerasTensor:
        return _binary("-", "subtract", self, other)

    def __rsub__(self, other: Any) -> KerasTensor:
        with uncounted():  # of two layers the last has the name of Keras's one operation
            turned = -self
        return _binary("+", "add", turned, other, "subtract")

    def __mul__(self, other: Any) -> KerasTensor:
        return _binary("*", "multiply", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> KerasTensor:
        plain = isinstance(other, (int, float))
        if not plain and not is_number(other):
            return _of_ops("true_divide", self, other)
        if not is_number(other) or abs(other) < 1e-30:
            where, fix = "an operator on a symbolic tensor", "call layers on it for anything else"
            raise ArgumentError(message(where, "no division by 0", shown(other), fix))
        return operators["*"](self, 1 / other, "true_divide")

    def __rtruediv__(self, other: Any) -> KerasTensor:
        return _of_ops("true_divide", other, self)

    def __neg__(self) -> KerasTensor:
        return operators["*"](self, -1.0, "negative")

    def __pow__(self, exponent: Any) -> KerasTensor:
        if not is_whole(exponent) or not 1 <= exponent <= 8:
            return _of_ops("power", self, exponent)
        power = self
        for _ in range(exponent - 1):
            power = operators["*"](power, self, "power")
        return power

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Compute what an array's operator asks for; NumPy's functions are told of `ops`."""
        if ufunc.__name__ not in _SIGNS or method != "__call__":
            raise self._no_number("NumPy")
        return _of_ops(ufunc.__name__, *inputs)

    def __matmul__(self, other: Any) -> KerasTensor:
        return _of_ops("matmul", self, other)

    def __abs__(self) -> KerasTensor:
        return _of_ops("absolute", self)

    def __getitem__(self, key: Any) -> KerasTensor:
        return _of_ops("get_item", self, key)


_SIGNS = ("add", "subtract", "multiply", "true_divide", "power", "matmul")


def _of_ops(name: str, *given: Any) -> Any:
    """Return what a function of `npcnn.ops` makes of tensors."""
    return FUNCTIONS[name](*given)


def _binary(sign: str, name: str, tensor: KerasTensor, other: Any, kind: str = "") -> Any:
    """Return a sum or product: a layer with a kernel of tensors and numbers, else a function's.

    `kind` is what Keras names the operation, if not as the function.
    """
    if isinstance(other, KerasTensor) or not hasattr(other, "shape") or is_number(other):
        return operators[sign](tensor, other, kind or name)
    return _of_ops(name, tensor, other)


def _by_key(pair: tuple[str, KerasTensor]) -> str:
    return pair[0]


class Node:
    """One call of a layer, or of a model, on tensors.

    Attributes:
        operation: what was called.
        inputs: the tensors that it was given.
        outputs: those that it gave.
        training: what the call was told, for files. What the model is told wins, as in Keras 3,
            whose files say False of each Dropout.
        held: what the call is told whatever the model is: `training=…` said in the `call` of a
            user's class, where Keras hands it on as it stands; else None.
        given: its arguments, with places for the inputs, where a user's `call` takes several.
        keys: the inputs' names in the dict that a model was called on; else None.
    """

    def __init__(
        self, operation: Any, inputs: list[KerasTensor], shapes: list[Shape], dtype: Any,
        training: bool | None = None, given: Any = None,
    ) -> None:  # fmt: skip
        self.operation, self.inputs, self.training = operation, inputs, training
        self.held: bool | None = None
        self.given = given
        self.keys: list[str] | None = None
        self.outputs = [KerasTensor(shape, dtype, self, k) for k, shape in enumerate(shapes)]
        operation._inbound_nodes.append(self)

    @property
    def walked(self) -> list[KerasTensor]:
        """The inputs in the order in which Keras finds what they hang on: a dict's by its keys."""
        if self.keys is None:
            return self.inputs
        return [one for _, one in sorted(zip(self.keys, self.inputs, strict=True), key=_by_key)]

    @property
    def is_input(self) -> bool:
        """Whether it is a model's input, which comes from nowhere."""
        return not self.inputs


class Operation:
    """What can be called on tensors: a layer or a model, with the nodes of its calls."""

    name: Any
    made_up = False  # whether nobody said the name, and a model may change it
    created: int  # which of all that were made; names are numbered in this order, as in Keras
    is_operation = False  # whether it is a call of a function
    in_layers = True  # whether `model.layers` has it: not calls of functions, nor operators
    is_body = False  # whether it is what a model's own `call` does, beyond calling layers
    recorded = False  # whether it is a user's layer whose `call` computes with numbers
    declared: dict[str, bool] = {}  # noqa: RUF012 — weights of its own; a layer has a dict of its own
    beside: tuple[set[str], ...] = ()  # the names in each model that it is in
    _inbound_nodes: list[Node]

    @property
    def name_counts(self) -> bool:
        """Whether the name tells a reader something: it was said, or a model has it."""
        return bool(self.beside) or not self.made_up

    def made_of(self, by_weights: bool = False) -> list[Any] | None:
        """Return what it is made of, a model or a composed layer; None for a plain layer.

        Args:
            by_weights: in the order of the weights, which is another in models with a `call`.
        """
        return None

    @property
    def file_class(self) -> str:
        """The name of its class where Keras counts layers by class."""
        return type(self).__name__

    @property
    def input(self) -> Any:
        """The tensor, or list of tensors, that the first call was given."""
        node = self._first_node("input")
        inputs = node.inputs or node.outputs
        return inputs if len(inputs) > 1 else inputs[0]

    @property
    def output(self) -> Any:
        """The tensor, or list of tensors, that the first call gave."""
        outputs = self._first_node("output").outputs
        return outputs if len(outputs) > 1 else outputs[0]

    def _first_node(self, what: str) -> Node:
        if not self._inbound_nodes:
            fix = "call it on an Input, or let its model know its input shape"
            where = f"{type(self).__name__} {self.name!r}.{what}"
            raise AttributeError(message(where, "a layer of a graph", "one never called", fix))
        return self._inbound_nodes[0]


def is_symbolic(value: Any) -> bool:
    """Whether a value is a symbolic tensor, or a list, tuple or dict with one in it."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return any(isinstance(one, KerasTensor) for one in value)
    return isinstance(value, KerasTensor)


def tensors(value: Any, where: str) -> list[KerasTensor]:
    """Return symbolic tensors as a list, from one or from a list, a tuple or a dict of them.

    Those of a dict come in the order of its keys, as in Keras.

    Raises:
        DtypeError: something else is among them.
    """
    listed = [value[key] for key in sorted(value, key=str)] if isinstance(value, dict) else value
    listed = list(listed) if isinstance(listed, (list, tuple)) else [listed]
    for one in listed:
        if not isinstance(one, KerasTensor):
            fix = "start from Input(shape) and call layers on it"
            expected = "an Input or what a layer gave for one"
            raise DtypeError(message(where, expected, shown(one), fix))
    if not listed:
        raise ArgumentError(
            message(where, "at least one tensor", "none", "start from Input(shape)")
        )
    return listed


def leaves_of(whole: Any, by_weights: bool = False) -> list[Any]:
    """Return the layers that something is made of, each once, inputs left out; itself if plain.

    A layer that computes, and has layers, comes before these.

    Args:
        whole: a layer or a model.
        by_weights: in the order of the weights, as Keras lists them.
    """
    found: dict[int, Any] = {}
    seen: set[int] = set()
    todo = [whole]
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        parts = one.made_of(by_weights)
        todo += (parts or [])[::-1]
        if (parts is None and not one.is_input) or one.recorded or one.declared:
            found[id(one)] = one
    return list(found.values())


def give_names(layers: list[Any], names: set[str], where: str) -> None:
    """Take the layers' names; one that nobody said is changed where it is taken, to a free one.

    Args:
        layers: of a model.
        names: in that model; those of the layers are added.
        where: for the message.

    Raises:
        ArgumentError: two layers were given one name.
    """
    own = [layer.name for layer in layers if not layer.made_up]
    taken: set[str] = set()
    for name in own:
        if name in taken:
            fix = "give each layer another name"
            raise ArgumentError(message(where, "a new name", repr(name), fix))
        taken.add(name)
    for layer in sorted(layers, key=lambda one: one.created):
        if not layer.made_up:
            continue
        if layer.name in taken:
            layer.name = _free_name(layer, taken.union(*layer.beside))
        taken.add(layer.name)
    names |= taken
    for layer in layers:
        if all(known is not names for known in layer.beside):
            layer.beside = (*layer.beside, names)


def _free_name(layer: Any, taken: set[str]) -> str:
    """Return class name and the first number that is free."""
    kind = type(layer).__name__
    base = "functional" if kind == "Model" else snake_case(kind)  # as in Keras
    every = itertools.chain([base], (f"{base}_{k}" for k in itertools.count(1)))
    return next(name for name in every if name not in taken)
