"""Random layers as plain descriptions: for an input shape, a class's name, arguments, the output's.

Shapes are counted here anew, so that neither library is its own judge. Pictures' own layers are in
random_pictures.py, what all have in common in random_parts.py.
"""

from __future__ import annotations

import math
import random

from random_parts import (
    ACTIVATIONS,
    Drawn,
    Layer,
    Shape,
    constraint,
    make,
    pair,
    regularizer,
    weighted,
)
from random_pictures import (
    adaptive,
    center_crop,
    conv2d,
    cropping,
    depthwise,
    global_pooling,
    pooling,
    resizing,
    separable,
    transposed,
    up_sampling,
    zero_padding,
)

from npcnn import layers

MAX_SIDE, MAX_FEATURES = 12, 96


def dense(r: random.Random, shape: Shape, units: int = 0) -> Layer:
    units = units or r.randint(1, 9)
    found = {"units": units} | weighted(r, {"kernel": 2})
    if "Orthogonal" in str(found.get("kernel_regularizer")) and min(units, shape[-1]) < 2:
        del found["kernel_regularizer"]  # one row is at right angles to none: 0/0 in Keras
    return "Dense", found, (*shape[:-1], units)


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
    if axis == -1:
        found |= {"gamma_regularizer": regularizer(r), "beta_constraint": constraint(r, 1)}
    return "LayerNormalization", found | {"epsilon": r.choice([1e-3, 1e-2])}, shape


def other_normalization(r: random.Random, shape: Shape) -> Layer:
    """Return one of the layers that normalise but have no mean of a batch."""
    channels, turn = shape[-1], r.randrange(4)
    if turn == 0:
        mean, variance = [r.uniform(-0.3, 0.3) for _ in range(channels)], [0.5] * channels
        found = {"mean": mean, "variance": variance, "invert": r.random() < 0.3}
        return "Normalization", {"axis": -1, **found}, shape
    if turn == 1 and channels > 1:
        return "UnitNormalization", {"axis": -1}, shape
    if turn == 2 and channels > 1:
        return "RMSNormalization", {"axis": -1, "epsilon": r.choice([1e-3, 1e-2])}, shape
    groups = r.choice([g for g in range(1, channels + 1) if channels % g == 0])
    if math.prod(shape) // groups < 3:  # nothing but signs is left of two numbers less their mean
        return batch_normalization(r, shape)
    found = {"groups": groups, "axis": -1, "epsilon": r.choice([1e-3, 1e-2])}
    return "GroupNormalization", found | {"scale": r.random() < 0.8}, shape


def spectral(r: random.Random, shape: Shape) -> Layer:
    """Return a dense layer, or a convolution, within SpectralNormalization."""
    units, name = r.randint(2, 6), f"within_{r.randrange(10**6)}"
    inner = make("layers.Dense", units=units, activation="tanh", name=name)
    if len(shape) == 3:
        window = {"kernel_size": 2, "padding": "same"}
        inner = make("layers.Conv2D", filters=units, **window, name=name)
    arguments = {"layer": inner, "power_iterations": r.randint(1, 2)}
    return "SpectralNormalization", arguments, (*shape[:-1], units)


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
            ("Identity", {}),
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


ANY: list[Drawn] = [
    dense, bent, bent, noise, batch_normalization, layer_normalization, other_normalization,
    reordered, spectral,
]  # fmt: skip
NORMALISING = (batch_normalization, layer_normalization, other_normalization, spectral)
MAPS: list[Drawn] = [
    conv2d, conv2d, conv2d, depthwise, separable, transposed, pooling("MaxPooling2D"),
    pooling("AveragePooling2D"), adaptive, zero_padding, cropping, up_sampling, resizing,
    center_crop, flatten, global_pooling("GlobalAveragePooling2D"),
    global_pooling("GlobalMaxPooling2D"),
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
    """Return a layer of npcnn's that takes such an input; if calm, none that normalises."""
    own = {1: VECTORS, 2: ROWS}.get(len(shape), MAPS)
    while True:
        draw = r.choice(r.choice([own, ANY]))
        if calm and draw in NORMALISING:
            continue
        found = draw(r, shape)
        if fits(found[2]) and hasattr(layers, found[0]):
            return found


def keeping(r: random.Random, shape: Shape) -> Layer:
    """Return a layer whose output has the input's shape."""
    if len(shape) == 3 and r.random() < 0.6:
        size = pair(r, 3)
        found = {"filters": shape[2], "kernel_size": size, "padding": "same"}
        return "Conv2D", found | weighted(r, {"kernel": 4}), shape
    if r.random() < 0.5:
        return dense(r, shape, shape[-1])
    while True:
        found = r.choice(KEEPING[:2])(r, shape)
        if hasattr(layers, found[0]):
            return found
