"""What nodes of pictures become, which are channels first there."""

from __future__ import annotations

from typing import Any, Literal

from npcnn import layers
from npcnn.onnx.read_nodes import check, reads
from npcnn.onnx.reader import Reader, Step
from npcnn.shapes import padding_before_after, transposed_size


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
    check(reader, step, [kernel] if bias is None else [kernel, bias], shapes)
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
    check(reader, step, [kernel] if bias is None else [kernel, bias], shapes)
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
