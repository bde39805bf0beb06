"""What each node of an ONNX file becomes: one function a kind."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from npcnn import activations, layers
from npcnn.onnx.reader import Convert, Reader, Step
from npcnn.onnx.writer import TO_FIRST, TO_LAST, Array
from npcnn.shapes import padding_before_after, transposed_size

CONVERTERS: dict[str, Convert] = {}
AXIS = {0: 0, 1: 3, 2: 1, 3: 2}  # of pictures channels first → as npcnn has them


def reads(*kinds: str) -> Callable[[Convert], Convert]:
    """Let a function read these nodes."""

    def register(convert: Convert) -> Convert:
        CONVERTERS.update(dict.fromkeys(kinds, convert))
        return convert

    return register


@reads("Identity", "Dropout")
def _nothing(reader: Reader, step: Step) -> None:
    pass


# Numbers ----------------------------------------------------------------------------------------


@reads("Relu", "Sigmoid", "Tanh", "Selu", "Silu", "Gelu")
def _activation(reader: Reader, step: Step) -> None:
    if step.attributes.get("approximate", b"none") != b"none":
        raise reader.error("an exact Gelu", "an approximate one")
    reader.add(layers.Activation(activations.get(step.kind.lower())))


@reads("Exp", "Softplus", "Softsign", "HardSwish")
def _curve(reader: Reader, step: Step) -> None:
    name = {"Exp": "exponential", "HardSwish": "hard_silu"}.get(step.kind, step.kind.lower())
    reader.add(layers.Activation(activations.get(name)))


@reads("HardSigmoid", "Celu")
def _curve_as_keras_has_it(reader: Reader, step: Step) -> None:
    hard = step.kind == "HardSigmoid"
    if (hard, step.attributes.get("alpha"), step.attributes.get("beta", 0.5)) == (True, 0.5, 0.5):
        reader.add(layers.Activation("sparse_sigmoid"))
        return
    alpha = step.attributes.get("alpha", 0.2 if hard else 1.0)
    if not math.isclose(alpha, 1 / 6 if hard else 1.0, rel_tol=1e-6):
        raise reader.error(f"{step.kind} with Keras's slope", str(alpha))
    if step.attributes.get("beta", 0.5) != 0.5:
        raise reader.error("HardSigmoid through 0.5", str(step.attributes["beta"]))
    reader.add(layers.Activation("hard_sigmoid" if hard else "celu"))


@reads("Shrink")
def _shrink(reader: Reader, step: Step) -> None:
    edge, bias = step.attributes.get("lambd", 0.5), step.attributes.get("bias", 0.0)
    if edge != 0.5 or bias not in (0.0, 0.5):
        raise reader.error("a Shrink of 0.5, by 0 or 0.5", f"{edge} by {bias}")
    reader.add(layers.Activation("soft_shrink" if bias else "hard_shrink"))


@reads("LeakyRelu")
def _leaky_relu(reader: Reader, step: Step) -> None:
    reader.add(layers.LeakyReLU(step.attributes.get("alpha", 0.01)))


@reads("Elu")
def _elu(reader: Reader, step: Step) -> None:
    reader.add(layers.ELU(step.attributes.get("alpha", 1.0)))


@reads("Clip")
def _clip(reader: Reader, step: Step) -> None:
    low, high = reader.optional(step, 1), reader.optional(step, 2)
    if (low, high) == (-1, 1):
        reader.add(layers.Activation("hard_tanh"))
        return
    if low is None or float(low) != 0 or high is None:
        raise reader.error("Clip from 0 to a number, or from -1 to 1", f"from {low} to {high}")
    reader.add(layers.ReLU(max_value=float(high)))


@reads("Softmax", "LogSoftmax")
def _softmax(reader: Reader, step: Step) -> None:
    axis = step.attributes.get("axis", -1) % len(reader.shape)
    if step.kind == "LogSoftmax":
        if axis != (1 if reader.first else len(reader.shape) - 1):
            raise reader.error("LogSoftmax over the channels", f"axis {axis}")
        reader.add(layers.Activation("log_softmax"))
        return
    reader.add(layers.Softmax(axis=AXIS[axis] if reader.first else axis))


@reads("BatchNormalization")
def _batch_normalization(reader: Reader, step: Step) -> None:
    if len(reader.shape) == 4:
        reader.need(first=True)
    weights = [reader.constant(step, place) for place in (1, 2, 3, 4)]
    _check(reader, step, weights, [(reader.shape[-1],)] * 4)
    layer = layers.BatchNormalization(epsilon=step.attributes.get("epsilon", 1e-5))
    reader.add(layer, weights)


# Axes -------------------------------------------------------------------------------------------


@reads("Transpose")
def _transpose(reader: Reader, step: Step) -> None:
    axes = len(reader.shape)
    order = tuple(step.attributes.get("perm", range(axes)[::-1]))
    if order == TO_FIRST and not reader.first:
        reader.first = True
    elif order == TO_LAST and reader.first:
        reader.first = False
    else:
        dims = [AXIS[axis] for axis in order] if reader.first else list(order)
        if dims[0] != 0:
            raise reader.error("the batch axis in front", f"perm={order}")
        reader.first = False
        reader.add(layers.Permute(tuple(dims[1:])))


@reads("Flatten")
def _flatten(reader: Reader, step: Step) -> None:
    if step.attributes.get("axis", 1) != 1:
        raise reader.error("Flatten from axis 1", f"axis={step.attributes['axis']}")
    _plain(reader)
    reader.add(layers.Flatten())


@reads("Reshape")
def _reshape(reader: Reader, step: Step) -> None:
    _plain(reader)
    target = [int(size) for size in reader.constant(step, 1).ravel()]
    if not target or target[0] not in (0, -1) or step.attributes.get("allowzero"):
        raise reader.error("the batch axis in front", f"a shape {target}")
    shape = [n or reader.shape[1 + k] for k, n in enumerate(target[1:])]
    reader.add(layers.Reshape(tuple(shape)))


def _plain(reader: Reader) -> None:
    """See that axes are in the graph's order; of one pixel they are in any."""
    if reader.first and reader.shape[1:3] == (1, 1):
        reader.first = False
        reader.add(layers.Reshape((reader.shape[3], 1, 1)))
    reader.need(first=False)


@reads("Unsqueeze")
def _unsqueeze(reader: Reader, step: Step) -> None:
    """Axes of length 1, or vectors repeated as rows."""
    tile = reader.only("Tile")
    axes = reader.constant(step, 1).ravel().tolist()
    if tile is None:
        _plain(reader)
        shape = list(reader.shape)
        for axis in sorted(int(a) % (len(shape) + len(axes)) for a in axes):
            shape.insert(axis, 1)
        if shape[0] is not None:
            raise reader.error("the batch axis in front", f"axes {axes}")
        reader.add(layers.Reshape(tuple(shape[1:])))
        return
    times = None if tile is None else reader.constant(tile, 1).ravel().tolist()
    if axes != [1] or times is None or len(times) != 3 or times[0] != 1 or times[2] != 1:
        raise reader.error("Unsqueeze and Tile that repeat vectors", f"{axes}, {times}")
    reader.add(layers.RepeatVector(int(times[1])))


@reads("Pad")
def _pad(reader: Reader, step: Step) -> None:
    reader.need(first=True)
    pads = [int(n) for n in reader.constant(step, 1).ravel()]
    value = reader.optional(step, 2)
    mode = step.attributes.get("mode", b"constant")
    sides = [*pads[:2], *pads[4:6]]
    if len(pads) != 8 or any(sides) or mode != b"constant" or (value is not None and value.any()):
        raise reader.error("rows and columns of zeros around", f"{mode!r} of {pads}")
    reader.add(layers.ZeroPadding2D(((pads[2], pads[6]), (pads[3], pads[7]))))


@reads("Slice")
def _slice(reader: Reader, step: Step) -> None:
    reader.need(first=True)
    starts, ends, axes = (reader.constant(step, k).ravel().tolist() for k in (1, 2, 3))
    steps = reader.optional(step, 4)
    if (steps is not None and (steps != 1).any()) or not set(axes) <= {2, 3}:
        raise reader.error("a Slice of rows and columns", f"axes {axes}")
    cut = {2: (0, 0), 3: (0, 0)}
    for start, end, axis in zip(starts, ends, axes, strict=True):
        size = reader.shape[axis - 1]
        low, high, _ = slice(start, end).indices(size)
        cut[axis] = (low, size - high)
    reader.add(layers.Cropping2D((cut[2], cut[3])))


@reads("Resize")
def _resize(reader: Reader, step: Step) -> None:
    reader.need(first=True)
    mode = step.attributes.get("mode", b"nearest").decode()
    how = step.attributes.get("coordinate_transformation_mode", b"half_pixel").decode()
    nearest = step.attributes.get("nearest_mode", b"round_prefer_floor").decode()
    form = (mode, how) if mode == "linear" else (mode, how, nearest)
    if len(step.inputs) > 3:
        size = _last_two(reader, step.inputs[3])
        kind = _RESIZES.get(form)
        if size is None or kind is None:
            raise reader.error("a Resize that Resizing makes", f"{form} to {step.inputs[3]!r}")
        reader.add(layers.Resizing(*size, interpolation=kind))
        return
    scales = reader.constant(step, 2).ravel().tolist()
    kind = _SCALES.get(form)
    whole = len(scales) == 4 and scales[:2] == [1, 1] and all(s == int(s) for s in scales)
    if kind is None or not whole:
        raise reader.error("a Resize that UpSampling2D makes", f"{form}, {scales}")
    factors = (int(scales[2]), int(scales[3]))
    reader.add(layers.UpSampling2D(factors, interpolation=kind))


_Method = Literal["nearest", "bilinear"]
_LINEAR: dict[tuple[str, ...], _Method] = {("linear", "half_pixel"): "bilinear"}
_SCALES: dict[tuple[str, ...], _Method] = {
    **_LINEAR, ("nearest", "asymmetric", "floor"): "nearest",
}  # fmt: skip
_RESIZES: dict[tuple[str, ...], _Method] = {
    **_LINEAR, ("nearest", "half_pixel", "round_prefer_ceil"): "nearest",
}  # fmt: skip


def _last_two(reader: Reader, name: str) -> tuple[int, int] | None:
    """Return rows and columns in a row of four sizes, the first two of which may be computed."""
    made = reader.made.get(name)
    if made is not None and made.kind == "Concat" and made.inputs:
        name = made.inputs[-1]
    sizes = reader.constants[name].ravel().tolist() if name in reader.constants else []
    return (int(sizes[-2]), int(sizes[-1])) if len(sizes) in (2, 4) else None


# Products ---------------------------------------------------------------------------------------


@reads("MatMul")
def _matmul(reader: Reader, step: Step) -> None:
    reader.need(first=False)
    kernel = reader.constant(step, 1)
    bias = None
    found = reader.steps.get(reader.at, [])
    if len(found) == 1 and found[0].kind == "Add" and reader.at not in reader.outputs:
        known = [n for n in found[0].inputs if n in reader.constants]
        if known and reader.constants[known[0]].shape == kernel.shape[1:]:
            bias, reader.at = reader.constants[known[0]], found[0].output
    _dense(reader, step, kernel, bias)


@reads("Gemm")
def _gemm(reader: Reader, step: Step) -> None:
    kernel, bias = reader.constant(step, 1), reader.optional(step, 2)
    if step.attributes.get("transB"):
        kernel = kernel.T
    scaled = [step.attributes.get(name, 1.0) for name in ("alpha", "beta")]
    if scaled != [1.0, 1.0] or step.attributes.get("transA") or len(reader.shape) != 2:
        raise reader.error("a Gemm as x @ kernel + bias", str(step.attributes))
    _dense(reader, step, kernel, bias)


def _dense(reader: Reader, step: Step, kernel: Array, bias: Array | None) -> None:
    weights = [kernel] if bias is None else [kernel, bias]
    units = kernel.shape[-1] if kernel.ndim else 0
    _check(reader, step, weights, [(reader.shape[-1], units), (units,)])
    reader.add(layers.Dense(int(units), use_bias=bias is not None), weights)


def _check(reader: Reader, step: Step, arrays: list[Array], shapes: list[tuple[int, ...]]) -> None:
    """Raise FormatError unless weights have these shapes: only then may a layer be made of them."""
    for array, shape in zip(arrays, shapes, strict=False):
        if array.shape != shape or 0 in shape or array.dtype.kind != "f":
            got = f"{array.dtype} of shape {array.shape}"
            raise reader.error(f"{step.kind} with weights of shape {shape}", got)


# Pictures ---------------------------------------------------------------------------------------


def _window(
    reader: Reader, step: Step, size: tuple[int, int], dilation: tuple[int, int], zeros: bool
) -> tuple[tuple[int, int], Literal["valid", "same"]]:
    """Return strides and padding; other pads become a layer where zeros are what they hold."""
    strides = tuple(step.attributes.get("strides", (1, 1)))
    auto = step.attributes.get("auto_pad", b"NOTSET").decode()
    pads = tuple(step.attributes.get("pads", (0, 0, 0, 0)))
    sizes = list(zip(reader.shape[1:3], size, strides, dilation, strict=True))
    same = [padding_before_after(n, k, s, "same", d) for n, k, s, d in sizes]
    if auto == "SAME_UPPER":
        return strides, "same"
    if auto == "SAME_LOWER":
        pads = (same[0][1], same[1][1], same[0][0], same[1][0])
    if len(strides) != 2 or len(pads) != 4:
        raise reader.error("a window over rows and columns", f"{auto}, {strides}, {pads}")
    if not any(pads) or auto == "VALID":
        return strides, "valid"
    if pads == (same[0][0], same[1][0], same[0][1], same[1][1]):
        return strides, "same"
    if not zeros:
        raise reader.error("pads as 'same' has them", str(pads))
    reader.add(layers.ZeroPadding2D(((pads[0], pads[2]), (pads[1], pads[3]))))
    return strides, "valid"


@reads("Conv")
def _conv(reader: Reader, step: Step) -> None:
    reader.need(first=True)
    kernel, bias = reader.constant(step, 1), reader.optional(step, 2)
    groups, channels = step.attributes.get("group", 1), reader.shape[-1]
    filters, each, *size = kernel.shape if kernel.ndim == 4 else (0, 0, 0, 0)
    if groups < 1 or channels % groups:
        raise reader.error("groups that divide the channels", str(groups))
    shapes = [(filters, channels // groups, *size), (filters,)]
    _check(reader, step, [kernel] if bias is None else [kernel, bias], shapes)
    dilation = tuple(step.attributes.get("dilations", (1, 1)))
    strides, padding = _window(reader, step, tuple(size), dilation, zeros=True)
    common: dict[str, Any] = {
        "kernel_size": tuple(size), "strides": strides, "padding": padding,
        "dilation_rate": dilation, "use_bias": bias is not None,
    }  # fmt: skip
    biases = [] if bias is None else [bias]
    if groups == channels > 1 and each == 1 and filters % channels == 0:
        multiplier = filters // channels
        deep = kernel.reshape(channels, multiplier, *size).transpose(2, 3, 0, 1)
        reader.add(layers.DepthwiseConv2D(depth_multiplier=multiplier, **common), [deep, *biases])
        return
    layer = layers.Conv2D(filters, groups=groups, **common)
    reader.add(layer, [kernel.transpose(2, 3, 1, 0), *biases])


@reads("ConvTranspose")
def _conv_transpose(reader: Reader, step: Step) -> None:
    reader.need(first=True)
    kernel, bias = reader.constant(step, 1), reader.optional(step, 2)
    given = step.attributes
    _, filters, *size = kernel.shape if kernel.ndim == 4 else (0, 0, 0, 0)
    shapes = [(reader.shape[-1], filters, *size), (filters,)]
    _check(reader, step, [kernel] if bias is None else [kernel, bias], shapes)
    strides, dilation = (tuple(given.get(name, (1, 1))) for name in ("strides", "dilations"))
    pads, more = given.get("pads", (0, 0, 0, 0)), given.get("output_padding", (0, 0))
    wanted = [
        ((n - 1) * s - pads[k] - pads[k + 2] + (w - 1) * d + 1 + more[k], pads[k])
        for k, (n, w, s, d) in enumerate(
            zip(reader.shape[1:3], size, strides, dilation, strict=True)
        )
    ]
    for padding in ("valid", "same"):
        sizes = zip(reader.shape[1:3], size, strides, dilation, strict=True)
        if wanted == [transposed_size(n, w, s, padding, None, d) for n, w, s, d in sizes]:
            break
    else:
        raise reader.error("pads as 'valid' or 'same' has them", f"{pads}, {more}")
    if given.get("group", 1) != 1 or given.get("auto_pad", b"NOTSET") != b"NOTSET":
        raise reader.error("a ConvTranspose of one group, with pads", str(given))
    layer = layers.Conv2DTranspose(
        filters, tuple(size), strides, padding, dilation_rate=dilation, use_bias=bias is not None
    )
    reader.add(layer, [kernel.transpose(2, 3, 1, 0), *([] if bias is None else [bias])])


@reads("MaxPool", "AveragePool")
def _pool(reader: Reader, step: Step) -> None:
    reader.need(first=True)
    size = tuple(step.attributes["kernel_shape"])
    average = step.kind == "AveragePool"
    zeros = average and bool(step.attributes.get("count_include_pad"))
    dilation = tuple(step.attributes.get("dilations", (1, 1)))
    if dilation != (1, 1) or step.attributes.get("ceil_mode"):
        raise reader.error("pooling without dilations and ceil_mode", str(step.attributes))
    if zeros and step.attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
        raise reader.error("counted pads as numbers", str(step.attributes))
    strides, padding = _window(reader, step, size, dilation, zeros)
    if zeros and padding == "same":
        pads = step.attributes["pads"]
        reader.add(layers.ZeroPadding2D(((pads[0], pads[2]), (pads[1], pads[3]))))
        padding = "valid"
    kind = layers.AveragePooling2D if average else layers.MaxPooling2D
    reader.add(kind(size, strides, padding))


@reads("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(reader: Reader, step: Step) -> None:
    reader.need(first=True)
    average = step.kind == "GlobalAveragePool"
    kind = layers.GlobalAveragePooling2D if average else layers.GlobalMaxPooling2D
    if reader.only("Flatten") is not None:
        reader.first = False
        reader.add(kind())
        return
    reader.add(kind(keepdims=True))
