"""What each node of an ONNX file becomes: one function a kind."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from npcnn import activations, layers
from npcnn.onnx.reader import Convert, Reader, Step
from npcnn.onnx.writer import TO_FIRST, TO_LAST, Array

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
    check(reader, step, weights, [(reader.shape[-1],)] * 4)
    layer = layers.BatchNormalization(epsilon=step.attributes.get("epsilon", 1e-5))
    reader.add(layer, weights)


@reads("LayerNormalization", "InstanceNormalization")
def _normalization_of_one(reader: Reader, step: Step) -> None:
    """Each sample by itself: its last axes, or each of its maps."""
    maps, axes = step.kind == "InstanceNormalization", len(reader.shape)
    first = step.attributes.get("axis", -1) % axes
    if (maps and axes != 4) or not first:
        raise reader.error(f"{step.kind} within samples, of maps (N, C, H, W)", str(reader.shape))
    reader.need(first=maps)
    shape = reader.shape[-1 if maps else first :]
    gamma, beta = reader.constant(step, 1), reader.optional(step, 2)
    weights = [gamma] if beta is None else [gamma, beta]
    check(reader, step, weights, [shape] * 2)
    options: Any = {"epsilon": step.attributes.get("epsilon", 1e-5), "center": beta is not None}
    if maps:
        reader.add(layers.GroupNormalization(shape[0], **options), weights)
        return
    reader.add(layers.LayerNormalization([*range(first, axes)], **options), weights)


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
    check(reader, step, weights, [(reader.shape[-1], units), (units,)])
    reader.add(layers.Dense(int(units), use_bias=bias is not None), weights)


def check(reader: Reader, step: Step, arrays: list[Array], shapes: list[tuple[int, ...]]) -> None:
    """Raise FormatError unless weights have these shapes: only then may a layer be made of them."""
    for array, shape in zip(arrays, shapes, strict=False):
        if array.shape != shape or 0 in shape or array.dtype.kind != "f":
            got = f"{array.dtype} of shape {array.shape}"
            raise reader.error(f"{step.kind} with weights of shape {shape}", got)
