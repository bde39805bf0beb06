"""Random layers as plain descriptions: for an input shape, a class's name, arguments, the output's.

Shapes are counted here anew, so that neither library is its own judge.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

Shape = tuple[int, ...]
Layer = tuple[str, dict[str, Any], Shape]
Drawn = Callable[[random.Random, Shape], Layer]

# Those with a step in them (hard_shrink) are here too: in float64 nothing falls upon it.
ACTIVATIONS = [
    "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish",
    "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign",
    "sparse_plus", "sparse_sigmoid", "squareplus", "swish", "tanh", "tanh_shrink",
]  # fmt: skip
COMMON = ["relu", "tanh", "sigmoid", "elu", "gelu", "silu", None]
STARTS = [
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform",
    "lecun_normal", "random_normal", "random_uniform",
]  # fmt: skip
FILLS = ["reflect", "constant", "wrap", "nearest"]
MAX_SIDE, MAX_FEATURES = 12, 96


def make(what: str, /, **arguments: Any) -> dict[str, Any]:
    return {"make": what, "with": arguments}


def activation(r: random.Random) -> str | None:
    return r.choice(COMMON) if r.random() < 0.6 else r.choice(ACTIVATIONS)


def pair(r: random.Random, most: int) -> int | list[int]:
    return r.randint(1, most) if r.random() < 0.5 else [r.randint(1, most), r.randint(1, most)]


def both(value: Any) -> list[int]:
    return list(value) if isinstance(value, list) else [value, value]


def regularizer(r: random.Random) -> Any:
    if r.random() < 0.75:
        return None
    return r.choice(
        [
            "l2", "L1",
            make("regularizers.L1", l1=0.003), make("regularizers.L2", l2=0.02),
            make("regularizers.L1L2", l1=0.001, l2=0.01),
        ]
    )  # fmt: skip


def constraint(r: random.Random, axes: int) -> Any:
    if r.random() < 0.8:
        return None
    axis = list(range(axes - 1)) if axes > 1 and r.random() < 0.5 else 0
    return r.choice(
        [
            "non_neg", make("constraints.MaxNorm", max_value=0.6, axis=axis),
            make("constraints.UnitNorm", axis=axis),
            make("constraints.MinMaxNorm", min_value=0.4, max_value=0.9, rate=0.5, axis=axis),
        ]
    )  # fmt: skip


def weighted(r: random.Random, kernels: dict[str, int], activity: bool = True) -> dict[str, Any]:
    """Return the arguments that layers with kernels share; kernels: name → axes."""
    found: dict[str, Any] = {"activation": activation(r), "use_bias": r.random() < 0.8}
    for name, axes in kernels.items():
        found[f"{name}_initializer"] = r.choice(STARTS)
        found[f"{name}_regularizer"] = regularizer(r)
        found[f"{name}_constraint"] = constraint(r, axes)
    found["bias_regularizer"] = regularizer(r)
    if activity and r.random() < 0.1:
        found["activity_regularizer"] = make("regularizers.L2", l2=0.01)
    if r.random() < 0.07:
        found["trainable"] = False
    return {key: value for key, value in found.items() if value is not None}


# Windows --------------------------------------------------------------------------------------


def slid(shape: Shape, size: Any, strides: Any, padding: str, dilation: Any = 1) -> Shape:
    """Return the rows and columns of what a window makes of a picture; 0 if it does not fit."""
    result = []
    for side, k, s, d in zip(shape, both(size), both(strides), both(dilation), strict=False):
        room = side if padding == "same" else side - d * (k - 1)
        result.append(math.ceil(room / s))
    return tuple(result)


def windows(r: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {"padding": r.choice(["same", "same", "valid"])}
    turn = r.random()
    if turn < 0.3:
        found["strides"] = pair(r, 2)
    elif turn < 0.45:
        found["dilation_rate"] = pair(r, 2)
    return found


def moved(shape: Shape, size: Any, found: dict[str, Any]) -> Shape:
    strides, dilation = found.get("strides", 1), found.get("dilation_rate", 1)
    return slid(shape, size, strides, found["padding"], dilation)


def conv2d(r: random.Random, shape: Shape) -> Layer:
    size, found, groups = pair(r, 3), windows(r), 1
    if shape[2] > 1 and r.random() < 0.2:
        groups = r.choice([g for g in range(1, shape[2] + 1) if shape[2] % g == 0])
    filters = groups * r.randint(1, 3) if groups > 1 else r.randint(1, 6)
    found |= {"filters": filters, "kernel_size": size, "groups": groups}
    return "Conv2D", found | weighted(r, {"kernel": 4}), (*moved(shape, size, found), filters)


def depthwise(r: random.Random, shape: Shape) -> Layer:
    size, found, times = pair(r, 3), windows(r), r.randint(1, 2)
    found["strides"] = max(both(found.get("strides", 1)))  # TensorFlow's are alike
    found |= {"kernel_size": size, "depth_multiplier": times}
    found |= weighted(r, {"depthwise": 4}, activity=False)
    return "DepthwiseConv2D", found, (*moved(shape, size, found), shape[2] * times)


def separable(r: random.Random, shape: Shape) -> Layer:
    size, found, filters = pair(r, 3), windows(r), r.randint(1, 5)
    found["strides"] = max(both(found.get("strides", 1)))
    found |= {"filters": filters, "kernel_size": size, "depth_multiplier": r.randint(1, 2)}
    found |= weighted(r, {"depthwise": 4, "pointwise": 4}, activity=False)
    return "SeparableConv2D", found, (*moved(shape, size, found), filters)


def transposed(r: random.Random, shape: Shape) -> Layer:
    size, strides, filters = r.randint(1, 3), r.randint(1, 2), r.randint(1, 4)
    padding = r.choice(["same", "valid"])
    found = {"filters": filters, "kernel_size": size, "strides": strides, "padding": padding}
    more = max(size - strides, 0) if padding == "valid" else 0
    to = tuple(side * strides + more for side in shape[:2])
    return "Conv2DTranspose", found | weighted(r, {"kernel": 4}, activity=False), (*to, filters)


def pooling(name: str) -> Drawn:
    def draw(r: random.Random, shape: Shape) -> Layer:
        size, padding = pair(r, 3), r.choice(["same", "valid"])
        strides = r.choice([None, 1, 2])
        found = {"pool_size": size, "strides": strides, "padding": padding}
        to = slid(shape, size, size if strides is None else strides, padding)
        return name, found, (*to, shape[2])

    return draw


def global_pooling(name: str) -> Drawn:
    def draw(r: random.Random, shape: Shape) -> Layer:
        keep = r.random() < 0.3
        return name, {"keepdims": keep}, (1, 1, shape[2]) if keep else (shape[2],)

    return draw


# Pictures -------------------------------------------------------------------------------------


def around(r: random.Random) -> Any:
    turn = r.randrange(3)
    if turn == 0:
        return 1
    if turn == 1:
        return [r.randint(0, 2), r.randint(0, 2)]
    return [[r.randint(0, 2), r.randint(0, 1)], [r.randint(0, 1), r.randint(0, 2)]]


def sides(value: Any) -> list[int]:
    """Return what such a setting adds to rows and to columns."""
    return [sum(one) if isinstance(one, list) else 2 * one for one in both(value)]


def zero_padding(r: random.Random, shape: Shape) -> Layer:
    padding = around(r)
    rows, columns = sides(padding)
    return "ZeroPadding2D", {"padding": padding}, (shape[0] + rows, shape[1] + columns, shape[2])


def cropping(r: random.Random, shape: Shape) -> Layer:
    cut = around(r)
    rows, columns = sides(cut)
    return "Cropping2D", {"cropping": cut}, (shape[0] - rows, shape[1] - columns, shape[2])


def up_sampling(r: random.Random, shape: Shape) -> Layer:
    size, how = pair(r, 2), r.choice(["nearest", "bilinear"])
    to = [side * k for side, k in zip(shape, both(size), strict=False)]
    return "UpSampling2D", {"size": size, "interpolation": how}, (*to, shape[2])  # type: ignore


def resizing(r: random.Random, shape: Shape) -> Layer:
    to = (r.randint(2, 10), r.randint(2, 10))
    found = {"height": to[0], "width": to[1], "interpolation": r.choice(["bilinear", "nearest"])}
    found["crop_to_aspect_ratio"] = r.random() < 0.3
    return "Resizing", found, (*to, shape[2])


def center_crop(r: random.Random, shape: Shape) -> Layer:
    to = (r.randint(1, shape[0]), r.randint(1, shape[1]))
    return "CenterCrop", {"height": to[0], "width": to[1]}, (*to, shape[2])


def random_picture(r: random.Random, shape: Shape) -> Layer:
    """Return one of the layers that move pictures in training."""
    how = {"fill_mode": r.choice(FILLS), "interpolation": r.choice(["bilinear", "nearest"])}
    name, arguments = r.choice(
        [
            ("RandomFlip", {"mode": r.choice(["horizontal", "vertical"])}),
            ("RandomRotation", {"factor": 0.2, **how}),
            ("RandomTranslation", {"height_factor": 0.2, "width_factor": [-0.1, 0.3], **how}),
            ("RandomZoom", {"height_factor": 0.2, **how}),
            ("RandomContrast", {"factor": 0.3, "value_range": [0, 1]}),
            ("RandomBrightness", {"factor": 0.3, "value_range": [0, 1]}),
        ]
    )  # fmt: skip
    return name, arguments, shape


# Anything -------------------------------------------------------------------------------------


def dense(r: random.Random, shape: Shape) -> Layer:
    units = r.randint(1, 9)
    return "Dense", {"units": units} | weighted(r, {"kernel": 2}), (*shape[:-1], units)


def batch_normalization(r: random.Random, shape: Shape) -> Layer:
    found = {"momentum": r.choice([0.99, 0.9, 0.5]), "epsilon": r.choice([1e-3, 1e-2])}
    found |= {"center": r.random() < 0.8, "scale": r.random() < 0.8}
    if found["scale"]:
        found["gamma_regularizer"] = regularizer(r)
        found["gamma_constraint"] = constraint(r, 1)
    if found["center"]:
        found["beta_regularizer"] = regularizer(r)
    if r.random() < 0.1:
        found["trainable"] = False
    return "BatchNormalization", found, shape


def layer_normalization(r: random.Random, shape: Shape) -> Layer:
    if shape[-1] == 1:  # nothing but rounding is left of one number less its mean
        return batch_normalization(r, shape)
    axis = list(range(1, len(shape) + 1)) if len(shape) > 1 and r.random() < 0.2 else -1
    found = {"axis": axis, "center": r.random() < 0.8, "scale": r.random() < 0.8}
    return "LayerNormalization", found | {"epsilon": r.choice([1e-3, 1e-2])}, shape


def bent(r: random.Random, shape: Shape) -> Layer:
    axes = list(range(1, len(shape)))
    shared = axes if axes and r.random() < 0.6 else None
    name, arguments = r.choice(
        [
            ("Activation", {"activation": r.choice(ACTIVATIONS)}),
            ("Activation", {"activation": r.choice(ACTIVATIONS)}),
            ("ReLU", {"max_value": r.choice([None, 1.0]), "negative_slope": r.choice([0.0, 0.1]),
                      "threshold": r.choice([0.0, 0.1])}),
            ("LeakyReLU", {"negative_slope": r.choice([0.3, 0.05])}),
            ("ELU", {"alpha": r.choice([1.0, 0.5])}),
            ("PReLU", {"alpha_initializer": "random_uniform", "shared_axes": shared}),
            ("Softmax", {"axis": r.choice([-1, *range(1, len(shape) + 1)])}),
            ("Rescaling", {"scale": r.choice([0.5, 2.0]), "offset": r.choice([0.0, -0.3])}),
            ("ActivityRegularization", {"l1": r.choice([0.0, 0.003]), "l2": 0.01}),
        ]
    )  # fmt: skip
    return name, arguments, shape


def noise(r: random.Random, shape: Shape, rate: float | None = None) -> Layer:
    """Return a layer of chance, with rate 0 unless it is only called as in inference."""
    rate = 0.0 if rate is None else rate
    names = ["Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise"]
    name = r.choice(names + ["SpatialDropout2D"] * (len(shape) == 3))
    return name, {"stddev" if name == "GaussianNoise" else "rate": rate}, shape


def reordered(r: random.Random, shape: Shape) -> Layer:
    if r.random() < 0.5:
        dims = r.sample(range(1, len(shape) + 1), len(shape))
        return "Permute", {"dims": dims}, tuple(shape[axis - 1] for axis in dims)
    size = math.prod(shape)
    first = r.choice([k for k in range(1, size + 1) if size % k == 0])
    to = (first, size // first) if len(shape) < 3 else (shape[1], shape[0], shape[2])
    open_one = [-1, *to[1:]] if r.random() < 0.3 else list(to)
    return "Reshape", {"target_shape": open_one}, to


def repeat(r: random.Random, shape: Shape) -> Layer:
    n = r.randint(1, 3)
    return "RepeatVector", {"n": n}, (n, *shape)


def flatten(r: random.Random, shape: Shape) -> Layer:
    return "Flatten", {}, (math.prod(shape),)


ANY: list[Drawn] = [dense, bent, bent, noise, batch_normalization, layer_normalization, reordered]
MAPS: list[Drawn] = [
    conv2d, conv2d, conv2d, depthwise, separable, transposed, pooling("MaxPooling2D"),
    pooling("AveragePooling2D"), zero_padding, cropping, up_sampling, resizing, center_crop,
    global_pooling("GlobalAveragePooling2D"), global_pooling("GlobalMaxPooling2D"), flatten,
]  # fmt: skip
VECTORS: list[Drawn] = [dense, dense, repeat]
ROWS: list[Drawn] = [flatten, dense]
KEEPING: list[Drawn] = [bent, noise, batch_normalization, layer_normalization]


def fits(shape: Shape) -> bool:
    """Whether a shape is neither empty nor larger than these networks need."""
    return min(shape) > 0 and (len(shape) < 3 or max(shape[:2]) <= MAX_SIDE) and (
        math.prod(shape) <= MAX_FEATURES * (8 if len(shape) == 3 else 1)
    )  # fmt: skip


def layer(r: random.Random, shape: Shape, calm: bool = False) -> Layer:
    """Return a layer that takes such an input; if calm, none that normalises."""
    own = {1: VECTORS, 2: ROWS}.get(len(shape), MAPS)
    while True:
        draw = r.choice(r.choice([own, ANY]))
        if calm and draw in (batch_normalization, layer_normalization):
            continue
        found = draw(r, shape)
        if fits(found[2]):
            return found


def keeping(r: random.Random, shape: Shape) -> Layer:
    """Return a layer whose output has the input's shape."""
    if len(shape) == 3 and r.random() < 0.6:
        size = pair(r, 3)
        found = {"filters": shape[2], "kernel_size": size, "padding": "same"}
        return "Conv2D", found | weighted(r, {"kernel": 4}), shape
    if r.random() < 0.5:
        return "Dense", {"units": shape[-1]} | weighted(r, {"kernel": 2}), shape
    return r.choice(KEEPING[:2])(r, shape)
