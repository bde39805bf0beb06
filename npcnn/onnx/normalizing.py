"""What layers become in ONNX that normalise, or multiply two inputs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npcnn import layers
from npcnn.layers.axes import order_of
from npcnn.layers.base import Shape
from npcnn.layers.normalization import EPSILON
from npcnn.layers.unit_normalization import LONGEST
from npcnn.onnx.nodes import converts
from npcnn.onnx.writer import Value, Writer


@converts(layers.BatchNormalization)
def _batch_normalization(writer: Writer, layer: Any, x: Value) -> Value:
    """(x − mean) · γ / √(variance + ε) + β, as x · scale + shift with both known."""
    variance = np.asarray(layer.moving_variance, np.float64)
    scale = 1.0 / np.sqrt(variance + layer.epsilon)
    scale = scale if layer.gamma is None else scale * layer.gamma
    shift = -layer.moving_mean * scale
    shift = shift if layer.beta is None else shift + layer.beta
    if layer.axis in (-1, len(x.shape) - 1):
        scaled = writer.node("Mul", [x.name, writer.along_channels(scale, x, "scale")])
        shifted = writer.node("Add", [scaled, writer.along_channels(shift, x, "shift")])
        return x._replace(name=shifted)
    x = writer.last(x)
    order = order_of([layer.axis], len(x.shape))[0]
    back = tuple(map(order.index, range(len(order))))
    name = writer.node("Transpose", [x.name], perm=order)
    name = writer.node("Mul", [name, writer.constant(scale, "scale")])
    name = writer.node("Add", [name, writer.constant(shift, "shift")])
    return x._replace(name=writer.node("Transpose", [name], perm=back))


@converts(layers.LayerNormalization)
def _layer_normalization(writer: Writer, layer: Any, x: Value) -> Value:
    x = writer.last(x)
    axes, shape = _counted(layer.axis, x), layer.input_shape
    if axes == [*range(axes[0], len(shape))] and not layer.rms_scaling:
        own = _parameters(writer, layer, shape[axes[0] :])
        settings = {"axis": axes[0], "epsilon": layer.epsilon}
        return x._replace(name=writer.node("LayerNormalization", [x.name, *own], **settings))
    center, root = _center_and_root(writer, x.name, axes, layer.epsilon)
    if layer.rms_scaling:  # as Keras has it: not centered
        center = x.name
    normal = writer.node("Div", [center, root])
    return x._replace(name=_scaled(writer, layer, normal, _wide(x, axes)))


@converts(layers.GroupNormalization)
def _group_normalization(writer: Writer, layer: Any, x: Value) -> Value:
    channels = layer.input_shape[layer.axis]
    if len(x.shape) == 4 and layer.axis in (-1, 3) and layer.groups == channels:
        own, x = _parameters(writer, layer, (channels,)), writer.first(x)
        name = writer.node("InstanceNormalization", [x.name, *own], epsilon=layer.epsilon)
        return x._replace(name=name)
    x = writer.last(x)
    order = order_of([layer.axis], len(x.shape))[0]
    turned = order != tuple(range(len(order)))
    name = writer.node("Transpose", [x.name], perm=order) if turned else x.name
    shape = [x.shape[axis] for axis in order]
    grouped = writer.integers([0, -1, layer.groups, shape[-1] // layer.groups], "groups")
    name = writer.node("Reshape", [name, grouped])
    name = writer.node("Div", [*_center_and_root(writer, name, [1, 3], layer.epsilon)])
    name = writer.node("Reshape", [name, writer.integers([0, *shape[1:]], "shape")])
    name = _scaled(writer, layer, name, (shape[-1],))
    back = tuple(map(order.index, range(len(order))))
    return x._replace(name=writer.node("Transpose", [name], perm=back) if turned else name)


@converts(layers.RMSNormalization)
def _rms_normalization(writer: Writer, layer: Any, x: Value) -> Value:
    x = writer.last(x)
    axes = _counted(layer.axis, x)
    normal = writer.node("Div", [x.name, _root(writer, x.name, axes, layer.epsilon)])
    scale = writer.constant(np.reshape(layer.scale, _wide(x, axes)), "scale")
    return x._replace(name=writer.node("Mul", [normal, scale]))


@converts(layers.UnitNormalization)
def _unit_normalization(writer: Writer, layer: Any, x: Value) -> Value:
    x = writer.last(x)
    return x._replace(name=_to_unit(writer, x.name, _counted(layer.axis, x)))


@converts(layers.Normalization)
def _normalization(writer: Writer, layer: Any, x: Value) -> Value:
    x = writer.last(x)
    root = np.maximum(np.sqrt(np.asarray(layer.variance, np.float64)), EPSILON)
    by, mean = writer.constant(root, "deviation"), writer.constant(layer.mean, "mean")
    if layer.invert:
        return x._replace(name=writer.node("Add", [writer.node("Mul", [x.name, by]), mean]))
    return x._replace(name=writer.node("Div", [writer.node("Sub", [x.name, mean]), by]))


@converts(layers.Dot)
def _dot(writer: Writer, layer: Any, given: list[Value]) -> Value:
    """Multiply matrices: (N, rows, K) and (N, K, columns)."""
    both = [writer.last(x) for x in given]
    axes = layer.axes if isinstance(layer.axes, list) else [layer.axes] * 2
    names = []
    for x, axis, last in zip(both, axes, (True, False), strict=True):
        axis %= len(x.shape)
        others = [k for k in range(1, len(x.shape)) if k != axis]
        order = (0, *others, axis) if last else (0, axis, *others)
        name = writer.node("Transpose", [x.name], perm=order)
        k, rows = x.shape[axis], math.prod(x.shape[other] for other in others)
        size = (rows, k) if last else (k, rows)
        name = writer.node("Reshape", [name, writer.integers([0, *size], "matrix")])
        names.append(_to_unit(writer, name, [2 if last else 1]) if layer.normalize else name)
    product = writer.node("MatMul", names)
    shape = writer.integers([0, *layer.output_shape[1:]], "shape")
    return Value(writer.node("Reshape", [product, shape]), layer.output_shape)


@converts(layers.Identity)
def _identity(writer: Writer, layer: Any, x: Value) -> Value:
    return x


def _parameters(writer: Writer, layer: Any, shape: Shape) -> list[str]:
    """Add γ and β, ones and zeros where a layer has none."""
    gamma = np.ones(shape) if layer.gamma is None else layer.gamma
    beta = np.zeros(shape) if layer.beta is None else layer.beta
    return [writer.constant(gamma, "gamma"), writer.constant(beta, "beta")]


def _counted(axes: list[int], x: Value) -> list[int]:
    """Return axes in order, counted from the front."""
    return sorted(axis % len(x.shape) for axis in axes)


def _wide(x: Value, axes: list[int]) -> tuple[int, ...]:
    """Return the shape in which what there is for these axes spreads over x."""
    return tuple(size if axis in axes else 1 for axis, size in enumerate(x.shape))


def _center_and_root(writer: Writer, x: str, axes: list[int], epsilon: float) -> tuple[str, str]:
    """Add x less its mean, and √(the variance + ε)."""
    center = writer.node("Sub", [x, writer.node("ReduceMean", [x], axes=axes)])
    return center, _root(writer, center, axes, epsilon)


def _root(writer: Writer, x: str, axes: list[int], epsilon: float) -> str:
    """Add √(the mean of x² + ε)."""
    mean = writer.node("ReduceMean", [writer.node("Mul", [x, x])], axes=axes)
    return writer.node("Sqrt", [writer.node("Add", [mean, writer.constant(epsilon, "epsilon")])])


def _to_unit(writer: Writer, x: str, axes: list[int]) -> str:
    """Add x / √(Σ x²), where 0 stays 0."""
    total = writer.node("ReduceSumSquare", [x], axes=axes)
    least = writer.constant(1 / LONGEST**2, "least")
    return writer.node("Div", [x, writer.node("Sqrt", [writer.node("Add", [total, least])])])


def _scaled(writer: Writer, layer: Any, x: str, shape: tuple[int, ...]) -> str:
    """Add x · γ + β, those that there are."""
    if layer.gamma is not None:
        x = writer.node("Mul", [x, writer.constant(np.reshape(layer.gamma, shape), "gamma")])
    if layer.beta is not None:
        x = writer.node("Add", [x, writer.constant(np.reshape(layer.beta, shape), "beta")])
    return x
