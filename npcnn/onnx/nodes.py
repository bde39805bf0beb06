"""What each layer becomes in ONNX: one function a layer, found by the layer's class."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from npcnn import activations, layers
from npcnn.activations.elu import ALPHA, SCALE
from npcnn.activations.leaky_relu import SLOPE
from npcnn.activations.shrink import BETWEEN
from npcnn.checks import ArgumentError, message
from npcnn.layers.axes import order_of
from npcnn.onnx.composed import COMPOSED
from npcnn.onnx.writer import Converter, Value, Writer

_CONVERTERS: dict[type, Converter] = {}


def converts(*classes: type) -> Callable[[Converter], Converter]:
    """Let a function make the nodes of these layers."""

    def register(convert: Converter) -> Converter:
        _CONVERTERS.update(dict.fromkeys(classes, convert))
        return convert

    return register


def converter_of(layer: Any) -> Converter | None:
    """Return what makes a layer's nodes; None if nothing does. A subclass may compute otherwise."""
    from npcnn.onnx import convolutions, merging, normalizing, warping  # noqa: F401  (they register)

    if layer.training_only:
        return lambda writer, layer, x: x
    return _CONVERTERS.get(type(layer))


def activated(writer: Writer, activation: Any, x: Value) -> Value:
    """Add the nodes of an activation."""
    name = str(activation)
    inner = getattr(activation, "layer", None)
    convert = converter_of(inner) if isinstance(inner, layers.Layer) else None
    if convert is not None:
        return convert(writer, inner, x)
    if type(activation) is not type(activations.known().get(name, "")):
        name = f"{name}, of your own"
    if name in _SIMPLE:
        kind, attributes = _SIMPLE[name]
        return x._replace(name=writer.node(kind, [x.name], **attributes))
    if name == "linear":
        return x
    if name in ("softmax", "log_softmax"):
        kind, axis = "LogSoftmax" if name == "log_softmax" else "Softmax", 1 if x.first else -1
        return x._replace(name=writer.node(kind, [x.name], axis=axis))
    if name in _CLIPPED:
        edges = [writer.constant(edge, "edge") for edge in _CLIPPED[name]]
        return x._replace(name=writer.node("Clip", [x.name, *edges]))
    if name in COMPOSED:
        return x._replace(name=COMPOSED[name](writer, x.name))
    others = ("linear", "softmax", "log_softmax", *COMPOSED, *_CLIPPED)
    fix = f"use one of {', '.join((*others, *_SIMPLE))}"
    raise ArgumentError(message("export()", "an activation with a form in ONNX", name, fix))


_SIMPLE: dict[str, tuple[str, dict[str, float]]] = {
    "relu": ("Relu", {}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", {"alpha": ALPHA, "gamma": SCALE}),
    "leaky_relu": ("LeakyRelu", {"alpha": SLOPE}),
    "celu": ("Celu", {"alpha": 1.0}),
    "exponential": ("Exp", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "hard_silu": ("HardSwish", {}),
    "sparse_sigmoid": ("HardSigmoid", {"alpha": 0.5, "beta": 0.5}),
    "hard_shrink": ("Shrink", {"lambd": BETWEEN, "bias": 0.0}),
    "soft_shrink": ("Shrink", {"lambd": BETWEEN, "bias": BETWEEN}),
}
_CLIPPED = {"relu6": (0.0, 6.0), "hard_tanh": (-1.0, 1.0)}


@converts(layers.Dense)
def _dense(writer: Writer, layer: Any, x: Value) -> Value:
    x = writer.last(x)
    name = writer.node("MatMul", [x.name, writer.constant(layer.kernel, "kernel")])
    if layer.bias is not None:
        name = writer.node("Add", [name, writer.constant(layer.bias, "bias")])
    return activated(writer, layer.activation, x._replace(name=name))


@converts(layers.Activation)
def _activation(writer: Writer, layer: Any, x: Value) -> Value:
    return activated(writer, layer.activation, x)


@converts(layers.ReLU)
def _relu(writer: Writer, layer: Any, x: Value) -> Value:
    """X from the threshold on, slope · (x − threshold) below, at most max_value."""
    threshold, slope, most = layer.threshold, layer.negative_slope, layer.max_value
    if threshold == 0:
        name = writer.node("LeakyRelu", [x.name], alpha=float(slope))
    else:
        edge = writer.constant(threshold, "threshold")
        below = writer.node("Sub", [x.name, edge])
        below = writer.node("Mul", [below, writer.constant(slope, "slope")])
        above = writer.node("GreaterOrEqual", [x.name, edge])
        name = writer.node("Where", [above, x.name, below])
    if most is not None:
        name = writer.node("Min", [name, writer.constant(most, "max_value")])
    return x._replace(name=name)


@converts(layers.LeakyReLU)
def _leaky_relu(writer: Writer, layer: Any, x: Value) -> Value:
    return x._replace(name=writer.node("LeakyRelu", [x.name], alpha=float(layer.negative_slope)))


@converts(layers.ELU)
def _elu(writer: Writer, layer: Any, x: Value) -> Value:
    return x._replace(name=writer.node("Elu", [x.name], alpha=float(layer.alpha)))


@converts(layers.Softmax)
def _softmax(writer: Writer, layer: Any, x: Value) -> Value:
    x = writer.last(x)
    if not isinstance(layer.axis, list):
        return x._replace(name=writer.node("Softmax", [x.name], axis=layer.axis))
    order, others = order_of(layer.axis, len(x.shape))  # the axes brought into one, and back
    shape = [x.shape[axis] for axis in order[1:]]
    joined = writer.integers([0, *shape[: others - 1], math.prod(shape[others - 1 :])], "joined")
    name = writer.node("Transpose", [x.name], perm=order)
    name = writer.node("Softmax", [writer.node("Reshape", [name, joined])], axis=-1)
    name = writer.node("Reshape", [name, writer.integers([0, *shape], "shape")])
    back = tuple(map(order.index, range(len(order))))
    return x._replace(name=writer.node("Transpose", [name], perm=back))


@converts(layers.Flatten)
def _flatten(writer: Writer, layer: Any, x: Value) -> Value:
    x = writer.last(x)
    size = math.prod(x.shape[1:])
    return _reshaped(writer, x, (size,))


@converts(layers.Reshape)
def _reshape(writer: Writer, layer: Any, x: Value) -> Value:
    return _reshaped(writer, writer.last(x), layer.output_shape[1:])


def _reshaped(writer: Writer, x: Value, shape: tuple[int, ...]) -> Value:
    target = writer.integers((0, *shape), "shape")  # 0: as many as there are
    return Value(writer.node("Reshape", [x.name, target]), (None, *shape))


@converts(layers.Permute)
def _permute(writer: Writer, layer: Any, x: Value) -> Value:
    x = writer.last(x)
    return Value(writer.node("Transpose", [x.name], perm=(0, *layer.dims)), layer.output_shape)


@converts(layers.RepeatVector)
def _repeat_vector(writer: Writer, layer: Any, x: Value) -> Value:
    rows = writer.node("Unsqueeze", [x.name, writer.integers([1], "axis")])
    times = writer.integers([1, layer.n, 1], "times")
    return Value(writer.node("Tile", [rows, times]), layer.output_shape)


@converts(layers.Rescaling)
def _rescaling(writer: Writer, layer: Any, x: Value) -> Value:
    scale = writer.along_channels(layer.scale, x, "scale")
    offset = writer.along_channels(layer.offset, x, "offset")
    return x._replace(name=writer.node("Add", [writer.node("Mul", [x.name, scale]), offset]))


@converts(layers.PReLU)
def _prelu(writer: Writer, layer: Any, x: Value) -> Value:
    x = writer.last(x)
    return x._replace(name=writer.node("PRelu", [x.name, writer.constant(layer.alpha, "alpha")]))


@converts(layers.ActivityRegularization)
def _nothing(writer: Writer, layer: Any, x: Value) -> Value:
    return x
