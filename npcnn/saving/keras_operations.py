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
    "nn": "average_pool celu conv conv_transpose depth_to_space depthwise_conv elu gelu glu "
    "hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu log_sigmoid log_softmax max_pool "
    "moments normalize one_hot psnr relu relu6 selu separable_conv sigmoid silu soft_shrink "
    "softmax softplus softsign space_to_depth sparse_plus sparse_sigmoid sparsemax squareplus "
    "tanh_shrink threshold",
    "core": "cast saturate_cast slice stop_gradient",
    "math": "erf erfc erfinv logdet logsumexp rsqrt segment_max segment_min segment_prod "
    "segment_sum",
    "linalg": "cholesky cholesky_inverse det inv norm solve",
    "image": "affine_transform crop_images extract_patches gaussian_blur map_coordinates "
    "pad_images resize rgb_to_grayscale sobel_edges",
}  # fmt: skip
_SPELT = {
    "allclose": "AllClose", "isin": "IsIn", "psnr": "PSNR", "rgb_to_grayscale": "RGBToGrayscale",
}  # fmt: skip
# Parts of others, which no file names; of these, what older files have.
_PARTS = {name for name in FUNCTIONS if name[0] == "_"} - {"_crossentropy", "_einsum"}
_ROOM_OF = {name: room for room, names in ROOMS.items() for name in names.split()}
# Functions that call others; none of them makes something of a size alone.
_MADE_OF_OTHERS = ("zeros_like", "ones_like", "full_like", "split", "unstack", "top_k", "einsum")
# What Keras hands to the call, not the class: by place, and by name.
_BY_PLACE = ("key", "indices", "q", "segment_ids", "start_indices", "transform")
_BY_NAME = ("constant_values",)
_IN_CALL = (*_BY_PLACE, *_BY_NAME)
_IN_CLASS = ("x_min", "x_max")  # and what it hands to the class although npcnn does not
_SIGNS: dict[str, Callable[[Any, Any], Any]] = {  # of these, layers with a kernel are made
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b,
    "true_divide": lambda a, b: a / b,
}  # fmt: skip
# Of these, products of all with all are summed; of those, an argument says how many come out.
_PRODUCTS = (
    "einsum", "tensordot", "dot", "inner", "take", "conv", "depthwise_conv", "separable_conv",
    "conv_transpose",
)  # fmt: skip
_LONGER = ("repeat", "one_hot", "vander", "quantile", "percentile", "segment_sum", "segment_max",
           "segment_min", "segment_prod")  # fmt: skip
MOST = 1 << 26  # numbers that may come out of a function in a file, for two samples
_FIX = "the file is damaged or no Keras model"


def class_of(name: str) -> str:
    """Return Keras's class for a function of npcnn.ops.

    >>> class_of("get_item"), class_of("einsum_of")
    ('GetItem', 'Einsum')
    """
    if name in _SPELT:
        return _SPELT[name]
    plain = name.removesuffix("_of").strip("_")
    return "".join(part.capitalize() for part in plain.split("_"))


# Writing --------------------------------------------------------------------------------------


def operation_entry(layer: Operated) -> dict[str, Any]:
    """Return a function's class and options."""
    name = layer.function.__name__
    if name in _PARTS:
        fix = "put it into the call() of a layer of your own"
        raise FormatError(message(f"save: {layer.label}", "a function of Keras's", name, fix))
    how = layer.how | {key: v for key, v in _named(layer) if key in _IN_CLASS}
    config = {key: _written(v) for key, v in how.items() if key not in _IN_CALL}
    if (
        "data_format" in inspect.signature(layer.function).parameters
    ):  # Keras's classes want to know
        config["data_format"] = "channels_last"
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
    args += [_written(v) for key, v in layer.how.items() if key in _BY_PLACE]
    named = {key: _written(v) for key, v in layer.how.items() if key in _BY_NAME}
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
        known = {class_of(n): n for n in (*FUNCTIONS, *_MADE_OF_OTHERS) if n not in _PARTS}
        kind, config = entry.get("class_name"), entry.get("config")
        if kind not in known or not isinstance(config, dict):
            got, fix = f"class {short(kind)}", "build the model without it"
            raise FormatError(message(where, "a function that npcnn.ops has", got, fix))
        self.where, self.function = f"{where}, ops.{known[kind]}", known[kind]
        self.name = config.get("name")
        self.made_up = self.name is None
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
        function = FUNCTIONS.get(self.function) or getattr(ops, self.function)
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
    most = _most(name, shapes, how, [abs(one) for one in _numbers(list(how.values()))])
    if most > MOST:
        got = f"{most:.3g}"
        raise FormatError(message(where, f"at most {MOST} numbers to come out", got, _FIX))


def _most(
    name: str, shapes: list[tuple[int, ...]], how: dict[str, Any], numbers: list[float]
) -> float:
    """Return a bound on how many numbers come out."""
    sizes = [math.prod(shape) for shape in shapes]
    if name in _PRODUCTS:
        return math.prod(max(size, 1) for size in sizes) >> 8
    if name in ("outer", "kron"):
        return math.prod(sizes)
    if name in ("diag", "diagflat"):
        return (sum(sizes) + sum(numbers)) ** 2
    if name in ("resize", "pad_images") and len(shapes[0]) > 2:
        height, width = shapes[0][-3:-1]
        rest = sizes[0] / max(height * width, 1)
        if name == "resize":
            return rest * math.prod(max(n, 1) for n in _numbers(how.get("size"))) * 4
        return rest * (height + sum(numbers)) * (width + sum(numbers))
    if name == "matmul" and len(shapes) == 2 and min(map(len, shapes)) > 1:
        rows = np.broadcast_shapes(shapes[0][:-2], shapes[1][:-2])
        return math.prod([*rows, shapes[0][-2], shapes[1][-1]])
    if name == "pad":
        return min(_padded(shapes[0], how), 1e30)
    try:
        most = max(math.prod(np.broadcast_shapes(*shapes)), *sizes, 1)
    except ValueError:
        most = sum(sizes)
    if name in ("tile", "broadcast_to", "extract_patches"):
        most *= int(math.prod(max(one, 1) for one in numbers))
    elif name in _LONGER:
        most *= int(1 + sum(numbers))
    return most


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
