"""What layers of pictures become in ONNX, where they are channels first."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn import layers
from npcnn.checks import ArgumentError, message
from npcnn.layers.adaptive_pooling2d import bounds
from npcnn.onnx.nodes import activated, converts
from npcnn.onnx.warping import sliced
from npcnn.onnx.writer import Array, Value, Writer
from npcnn.shapes import padding_before_after


def _pads(layer: Any, x: Value) -> list[int]:
    """Return rows above, columns left, rows below, columns right of what a window slides over."""
    window = layer.window
    sizes = zip(x.shape[1:3], window.size, window.strides, window.dilation, strict=True)
    rows, columns = (padding_before_after(n, k, s, window.padding, d) for n, k, s, d in sizes)
    return [rows[0], columns[0], rows[1], columns[1]]


def _convolved(
    writer: Writer, layer: Any, x: Value, kernel: Array, bias: Array | None, groups: int
) -> Value:
    """Add a convolution with a kernel (F, C / groups, KH, KW)."""
    x = writer.first(x)
    inputs = [x.name, writer.constant(kernel, "kernel")]
    inputs += [] if bias is None else [writer.constant(bias, "bias")]
    name = writer.node(
        "Conv", inputs, group=groups, kernel_shape=kernel.shape[2:], strides=layer.strides,
        dilations=layer.dilation_rate, pads=_pads(layer, x),
    )  # fmt: skip
    return x._replace(name=name)


def _depthwise(kernel: Array) -> Array:
    """Return (KH, KW, C, M) as (C · M, 1, KH, KW)."""
    height, width, channels, each = kernel.shape
    return kernel.transpose(2, 3, 0, 1).reshape(channels * each, 1, height, width)


@converts(layers.Conv2D)
def _conv2d(writer: Writer, layer: Any, x: Value) -> Value:
    kernel = layer.kernel.transpose(3, 2, 0, 1)
    y = _convolved(writer, layer, x, kernel, layer.bias, layer.groups)
    return activated(writer, layer.activation, y)


@converts(layers.DepthwiseConv2D)
def _depthwise_conv2d(writer: Writer, layer: Any, x: Value) -> Value:
    y = _convolved(writer, layer, x, _depthwise(layer.kernel), layer.bias, x.shape[-1])
    return activated(writer, layer.activation, y)


@converts(layers.SeparableConv2D)
def _separable_conv2d(writer: Writer, layer: Any, x: Value) -> Value:
    deep = _convolved(writer, layer, x, _depthwise(layer.depthwise_kernel), None, x.shape[-1])
    pointwise = layer.pointwise_kernel.transpose(3, 2, 0, 1)
    inputs = [deep.name, writer.constant(pointwise, "pointwise_kernel")]
    inputs += [] if layer.bias is None else [writer.constant(layer.bias, "bias")]
    y = deep._replace(name=writer.node("Conv", inputs))
    return activated(writer, layer.activation, y)


@converts(layers.Conv2DTranspose)
def _conv2d_transpose(writer: Writer, layer: Any, x: Value) -> Value:
    """Half of what is cut off the whole image is cut before it, the larger half behind."""
    if layer.output_padding is not None:
        expected, fix = "Conv2DTranspose without output_padding", "leave output_padding out"
        raise ArgumentError(message("export()", expected, str(layer.output_padding), fix))
    x = writer.first(x)
    before, after, more = [], [], []
    sizes = zip(
        x.shape[1:3], layer.output_shape[1:3], layer.kernel_size, layer.strides,
        layer.dilation_rate, strict=True,
    )  # fmt: skip
    for size, out, k, stride, dilation in sizes:
        cut = (size - 1) * stride + (k - 1) * dilation + 1 - out
        before.append(max(cut, 0) // 2)
        after.append(max(cut, 0) - max(cut, 0) // 2)
        more.append(max(-cut, 0))
    inputs = [x.name, writer.constant(layer.kernel.transpose(3, 2, 0, 1), "kernel")]
    inputs += [] if layer.bias is None else [writer.constant(layer.bias, "bias")]
    name = writer.node(
        "ConvTranspose", inputs, kernel_shape=layer.kernel_size, strides=layer.strides,
        dilations=layer.dilation_rate, pads=[*before, *after], output_padding=more,
    )  # fmt: skip
    return activated(writer, layer.activation, x._replace(name=name))


@converts(layers.MaxPooling2D)
def _max_pooling2d(writer: Writer, layer: Any, x: Value) -> Value:
    return _pooled(writer, layer, x, "MaxPool")


@converts(layers.AveragePooling2D)
def _average_pooling2d(writer: Writer, layer: Any, x: Value) -> Value:
    return _pooled(writer, layer, x, "AveragePool", count_include_pad=0)


def _pooled(writer: Writer, layer: Any, x: Value, kind: str, **attributes: int) -> Value:
    x = writer.first(x)
    name = writer.node(
        kind, [x.name], kernel_shape=layer.pool_size, strides=layer.strides, pads=_pads(layer, x),
        **attributes,
    )  # fmt: skip
    return x._replace(name=name)


@converts(layers.AdaptiveAveragePooling2D)
def _adaptive_average(writer: Writer, layer: Any, x: Value) -> Value:
    """Rows · map · columns: matrices of the shares that places have in each mean."""
    x = writer.first(x)
    rows, columns = layer.shares(x.shape[1:3])
    name = writer.node("MatMul", [writer.constant(rows.T, "rows"), x.name])
    return x._replace(name=writer.node("MatMul", [name, writer.constant(columns, "columns")]))


@converts(layers.AdaptiveMaxPooling2D)
def _adaptive_max(writer: Writer, layer: Any, x: Value) -> Value:
    """Take the largest of each window's rows, then of these along columns."""
    x = writer.first(x)
    for axis, size, count in zip((2, 3), x.shape[1:3], layer.output_size, strict=True):
        parts = []
        for edges in bounds(size, count):
            places = [writer.integers([edge], "edge") for edge in (*edges, axis)]
            parts.append(writer.node("Slice", [x.name, *places]))
        parts = [writer.node("ReduceMax", [part], axes=[axis]) for part in parts]
        x = x._replace(name=writer.node("Concat", parts, axis=axis))
    return x


@converts(layers.GlobalMaxPooling2D)
def _global_max(writer: Writer, layer: Any, x: Value) -> Value:
    return _global(writer, layer, x, "GlobalMaxPool")


@converts(layers.GlobalAveragePooling2D)
def _global_average(writer: Writer, layer: Any, x: Value) -> Value:
    return _global(writer, layer, x, "GlobalAveragePool")


def _global(writer: Writer, layer: Any, x: Value, kind: str) -> Value:
    x = writer.first(x)
    y = x._replace(name=writer.node(kind, [x.name]))
    if layer.keepdims:
        return y
    return Value(writer.node("Flatten", [y.name], axis=1), layer.output_shape)


@converts(layers.ZeroPadding2D)
def _zero_padding2d(writer: Writer, layer: Any, x: Value) -> Value:
    x, ((top, bottom), (left, right)) = writer.first(x), layer.padding
    pads = writer.integers([0, 0, top, left, 0, 0, bottom, right], "pads")
    return x._replace(name=writer.node("Pad", [x.name, pads]))


@converts(layers.Cropping2D)
def _cropping2d(writer: Writer, layer: Any, x: Value) -> Value:
    (top, _), (left, _) = layer.cropping
    return sliced(writer, x, (top, left), layer.output_shape[1:3])


@converts(layers.UpSampling2D)
def _up_sampling2d(writer: Writer, layer: Any, x: Value) -> Value:
    x = writer.first(x)
    scales = writer.constant([1.0, 1.0, *layer.size], "scales", np.float32)
    linear = layer.interpolation == "bilinear"
    settings = {
        "mode": "linear" if linear else "nearest",
        "coordinate_transformation_mode": "half_pixel" if linear else "asymmetric",
    }
    settings |= {} if linear else {"nearest_mode": "floor"}
    return x._replace(name=writer.node("Resize", [x.name, "", scales], **settings))
