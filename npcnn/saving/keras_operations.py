"""Functions of `npcnn.ops` in a model's graph, as Keras 3 writes them, and back.

Keras has a class for each: `ops.exp` is `Exp` in `keras.src.ops.numpy`. What a file names is looked
up among npcnn's own functions, and nowhere else.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from npcnn import ops
from npcnn.checks import FormatError, NpcnnError, message
from npcnn.layers.operation import Operated
from npcnn.ops.tape import FUNCTIONS
from npcnn.saving.keras_layers import keras_object, one_line, short
from npcnn.symbolic import KerasTensor, Node, is_symbolic

HOME = "keras.src.ops."
# In which of Keras's modules a function's class is; all others are in `numpy`.
ROOMS = {
    "nn": "celu elu gelu hard_sigmoid hard_silu hard_tanh leaky_relu log_sigmoid log_softmax "
    "moments normalize one_hot relu relu6 selu sigmoid silu softmax softplus softsign",
    "core": "cast stop_gradient", "math": "logsumexp rsqrt erf", "linalg": "norm",
}  # fmt: skip
_ROOM_OF = {name: room for room, names in ROOMS.items() for name in names.split()}
# Functions that call others; none of them makes something of a size alone.
_MADE_OF_OTHERS = ("zeros_like", "ones_like", "full_like", "split", "unstack", "top_k", "einsum")
_IN_CALL = ("key", "indices", "constant_values")  # what Keras hands to the call, not the class
_IN_CLASS = ("x_min", "x_max")  # and what it hands to the class although npcnn does not
_SIGNS: dict[str, Callable[[Any, Any], Any]] = {  # of these, layers with a kernel are made
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b,
    "true_divide": lambda a, b: a / b,
}  # fmt: skip
MOST = 1 << 26  # numbers that may come out of a function in a file, for two samples
_FIX = "the file is damaged or no Keras model"


def class_of(name: str) -> str:
    """Return Keras's class for a function of npcnn.ops.

    >>> class_of("get_item"), class_of("einsum_of")
    ('GetItem', 'Einsum')
    """
    plain = name.removesuffix("_of").strip("_")
    return "".join(part.capitalize() for part in plain.split("_"))


# Writing --------------------------------------------------------------------------------------


def operation_entry(layer: Operated) -> dict[str, Any]:
    """Return a function's class and options."""
    name = layer.function.__name__
    how = layer.how | {key: v for key, v in _named(layer) if key in _IN_CLASS}
    config = {key: _written(v) for key, v in how.items() if key not in _IN_CALL}
    kind = class_of(name)
    module = f"{HOME}{_ROOM_OF.get(name, 'numpy')}"
    written = keras_object(module, kind, {"name": layer.name, **config})
    return {**written, "registered_name": kind}


def operation_call(node: Node, argument: Callable[[KerasTensor], Any]) -> dict[str, Any]:
    """Return one call of a function: what it was given, tensors and others."""
    layer = node.operation
    tensors = iter(node.inputs)
    own = [value for key, value in _named(layer) if key not in _IN_CLASS]
    given = [argument(next(tensors)) if one is None else _written(one) for one in own]
    listed = layer.listed and class_of(layer.function.__name__) != "Einsum"
    args: list[Any] = [given] if listed else given
    args += [_written(v) for key, v in layer.how.items() if key in _IN_CALL[:2]]
    named = {key: _written(v) for key, v in layer.how.items() if key in _IN_CALL[2:]}
    return {"args": args, "kwargs": named}


def _named(layer: Operated) -> list[tuple[str, Any]]:
    """Return what a function was given first, with the names that it has for it."""
    names = list(inspect.signature(layer.function).parameters)
    return [("" if layer.listed else names[k], value) for k, value in enumerate(layer.template)]


def _written(value: Any) -> Any:
    """Return a function's argument as Keras writes it in JSON."""
    if isinstance(value, slice):
        parts = {key: getattr(value, key) for key in ("start", "stop", "step")}
        return {"class_name": "__slice__", "config": parts}
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(value, np.ndarray) and value.ndim:
        return {
            "class_name": "__numpy__",
            "config": {"value": value.tolist(), "dtype": value.dtype.name},
        }
    if isinstance(value, (np.ndarray, np.generic)):
        return value.item()
    if isinstance(value, (np.dtype, type)):
        return np.dtype(value).name
    if isinstance(value, (list, tuple)):
        return [_written(one) for one in value]
    return value


# Reading --------------------------------------------------------------------------------------


class Awaited:
    """A function that a file names, before its tensors are there.

    Args:
        entry: with module, class_name, config and calls.
        where: the file, for the message.

    Raises:
        FormatError: npcnn has no function of that class.
    """

    is_input = False

    def __init__(self, entry: Mapping[str, Any], where: str) -> None:
        known = {class_of(name): name for name in (*FUNCTIONS, *_MADE_OF_OTHERS)}
        kind, config = entry.get("class_name"), entry.get("config")
        if kind not in known or not isinstance(config, dict):
            got, fix = f"class {short(kind)}", "build the model without it"
            raise FormatError(message(where, "a function that npcnn.ops has", got, fix))
        self.where, self.function = f"{where}, ops.{known[kind]}", known[kind]
        self.name = config.get("name")
        self.config = {key: value for key, value in config.items() if key != "name"}
        self.nodes: list[dict[str, Any]] = []

    def note(self, node: Mapping[str, Any]) -> None:
        """Keep one more call, as the file has it."""
        args, named = node.get("args"), node.get("kwargs") or {}
        if not isinstance(args, list) or not isinstance(named, dict):
            raise FormatError(message(self.where, "arguments of a call", short(node), _FIX))
        self.nodes.append({"args": args, "kwargs": named})

    def on_values(self, number: int, values: Callable[[Any], KerasTensor]) -> Any:
        """Return what comes out of a call whose tensors are there."""
        node = self.nodes[number]
        try:
            args = [_read(one, values, self.where) for one in node["args"]]
            named = {k: _read(v, values, self.where) for k, v in node["kwargs"].items()}
            found = self._call(args, named)
        except FormatError:
            raise
        except NpcnnError as error:
            raise FormatError(f"{self.where}: {one_line(error)}") from error
        except (TypeError, ValueError, KeyError, IndexError, OverflowError, MemoryError) as error:
            got = one_line(error)
            raise FormatError(message(self.where, "arguments that fit", got, _FIX)) from error
        if number == 0 and isinstance(self.name, str) and isinstance(found, KerasTensor):
            found.node.operation.name = self.name
        return list(found) if isinstance(found, tuple) else found

    def _call(self, args: list[Any], named: dict[str, Any]) -> Any:
        function = getattr(ops, self.function, None) or FUNCTIONS[self.function]
        taken = inspect.signature(function).parameters
        how = {key: _plain(value) for key, value in (self.config | named).items()}
        how = {key: value for key, value in how.items() if key in taken or value is not None}
        if self.function == "einsum":
            args.insert(0, how.pop("subscripts", ""))
        if self.function == "get_item" and len(args) > 1 and isinstance(args[1], list):
            args[1] = tuple(args[1])
        _require_small(self.function, list(_arrays(args)), how, self.where)
        sign = _SIGNS.get(self.function)
        if sign is not None and not how and len(args) == 2:
            return sign(*args)
        if not args or not any(is_symbolic(one) for one in args):
            raise FormatError(message(self.where, "a tensor", short(args), _FIX))
        return function(*args, **how)


def _plain(value: Any) -> Any:
    return tuple(map(_plain, value)) if isinstance(value, list) else value


def _read(value: Any, values: Callable[[Any], KerasTensor], where: str) -> Any:
    """Return an argument from a file: a tensor, an array, a slice, a number or a list of such."""
    if isinstance(value, list):
        return [_read(one, values, where) for one in value]
    if not isinstance(value, dict):
        return value
    kind, inner = value.get("class_name"), value.get("config")
    if kind == "__keras_tensor__" and isinstance(inner, dict):
        return values(inner.get("keras_history"))
    if kind == "__ellipsis__":
        return Ellipsis
    if kind == "__slice__" and isinstance(inner, dict):
        return slice(*(inner.get(key) for key in ("start", "stop", "step")))
    if kind == "__numpy__" and isinstance(inner, dict):
        dtype = np.dtype(str(inner.get("dtype", "float32")))
        if dtype.kind in "fiub":
            return np.array(inner.get("value"), dtype)
    raise FormatError(message(where, "tensors and numbers", short(value), _FIX))


def _arrays(value: Any) -> Iterator[tuple[int, ...]]:
    """Yield the shapes of what is given, two samples of each tensor."""
    if isinstance(value, KerasTensor):
        yield tuple(2 if size is None else size for size in value.shape)
    elif isinstance(value, np.ndarray):
        yield value.shape
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _arrays(one)


def _require_small(
    name: str, shapes: list[tuple[int, ...]], how: dict[str, Any], where: str
) -> None:
    """Raise FormatError before a function makes more of a few numbers than a file may ask for."""
    sizes = [math.prod(shape) for shape in shapes]
    if name in ("einsum", "tensordot", "dot", "take"):
        most = math.prod(max(size, 1) for size in sizes) >> 8
    elif name == "matmul" and len(shapes) == 2 and min(map(len, shapes)) > 1:
        rows = np.broadcast_shapes(shapes[0][:-2], shapes[1][:-2])
        most = math.prod([*rows, shapes[0][-2], shapes[1][-1]])
    else:
        try:
            most = max(math.prod(np.broadcast_shapes(*shapes)), *sizes, 1)
        except ValueError:
            most = sum(sizes)
    numbers = [abs(one) for one in _numbers(list(how.values()))]
    if name in ("tile", "broadcast_to"):
        most *= int(math.prod(max(one, 1) for one in numbers))
    elif name in ("repeat", "one_hot"):
        most *= int(1 + sum(numbers))
    elif name == "pad":
        most = int(min(_padded(shapes[0], how), 1e30))
    if most > MOST:
        got = f"{most:.3g}"
        raise FormatError(message(where, f"at most {MOST} numbers to come out", got, _FIX))


def _padded(shape: tuple[int, ...], how: dict[str, Any]) -> float:
    """Return how many numbers padding makes of an array of this shape."""
    try:
        widths = np.broadcast_to(np.array(how.get("pad_width"), float), (len(shape), 2))
    except (TypeError, ValueError):
        return math.inf
    return float(np.prod(np.array(shape) + np.abs(widths).sum(axis=1)))


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from _numbers(one)
    elif isinstance(value, (int, float)):
        yield value
