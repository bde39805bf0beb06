"""Layers, each with an oracle in plain loops: what test_layer_cases.py goes through.

An oracle takes the layer, already built, and x (N, …) in float64, and returns y.
"""

import math
from typing import NamedTuple

import numpy as np

from npcnn import layers


class Case(NamedTuple):
    make: object  # takes keyword arguments that all layers have
    shape: tuple  # of x
    oracle: object
    snake: str  # the name that a model gives it
    parameters: tuple = ()  # (name, shape) of each


CASES = {}


def case(name, make, *shapes, snake, parameters=()):
    """Put the decorated oracle beside the layer, for inputs of these shapes."""

    def keep(oracle):
        for shape in shapes:
            CASES[f"{name} {shape}"] = Case(make, shape, oracle, snake, parameters)
        return oracle

    return keep


def cropped(layer, x):
    (above, below), (left, right) = layer.cropping
    n, height, width, channels = x.shape
    y = np.empty((n, height - above - below, width - left - right, channels))
    for s, i, j, c in np.ndindex(y.shape):
        y[s, i, j, c] = x[s, above + i, left + j, c]
    return y


for cropping in (1, (0, 2), ((1, 0), (2, 1))):
    make = lambda cropping=cropping, **k: layers.Cropping2D(cropping, **k)  # noqa: E731
    case(f"Cropping2D({cropping})", make, (3, 5, 6, 2), (1, 4, 5, 1), snake="cropping2d")(cropped)


def permuted(layer, x):
    y = np.empty([len(x), *(x.shape[axis] for axis in layer.dims)])
    for place in np.ndindex(y.shape):
        of = [place[0]] + [0] * len(layer.dims)
        for k, axis in enumerate(layer.dims):
            of[axis] = place[k + 1]
        y[place] = x[tuple(of)]
    return y


for dims, shape in (((2, 1), (3, 4, 5)), ((3, 1, 2), (2, 3, 4, 5)), ((1,), (2, 3))):
    make = lambda dims=dims, **k: layers.Permute(dims, **k)  # noqa: E731
    case(f"Permute({dims})", make, shape, snake="permute")(permuted)


@case("RepeatVector", lambda **k: layers.RepeatVector(3, **k), (4, 5), (1, 1),
      snake="repeat_vector")  # fmt: skip
def repeated(layer, x):
    y = np.empty((len(x), layer.n, x.shape[1]))
    for s, k, f in np.ndindex(y.shape):
        y[s, k, f] = x[s, f]
    return y


def rescaled(layer, x):
    y = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        pair = [
            number[place[-1] % len(number)] if isinstance(number, tuple) else number
            for number in (layer.scale, layer.offset)
        ]
        y[place] = x[place] * pair[0] + pair[1]
    return y


for scale, offset in ((1 / 3, 0.0), (2, -1), ([0.5, 2, -3], 1), (2.0, [1, 2, 3]), ([2], [1, 0, 1])):
    make = lambda a=scale, b=offset, **k: layers.Rescaling(a, b, **k)  # noqa: E731
    name = f"Rescaling({scale}, {offset})"
    case(name, make, (2, 4, 5, 3), (4, 3), snake="rescaling")(rescaled)


def enlarged(layer, x):
    """Pixel by pixel; bilinear from the centres of old pixels, each 1 wide, to those of new."""
    n, height, width, channels = x.shape
    rows, columns = layer.size
    y = np.empty((n, height * rows, width * columns, channels))
    for s, i, j, c in np.ndindex(y.shape):
        if layer.interpolation == "nearest":
            y[s, i, j, c] = x[s, i // rows, j // columns, c]
            continue
        total = 0.0
        for u in range(-1, height + 1):
            for v in range(-1, width + 1):
                near = max(0, 1 - abs((i + 0.5) / rows - (u + 0.5)))
                near *= max(0, 1 - abs((j + 0.5) / columns - (v + 0.5)))
                total += near * x[s, min(max(u, 0), height - 1), min(max(v, 0), width - 1), c]
        y[s, i, j, c] = total
    return y


for size, how in ((2, "nearest"), ((3, 1), "nearest"), ((2, 3), "bilinear"), (4, "bilinear")):
    make = lambda size=size, how=how, **k: layers.UpSampling2D(size, None, how, **k)  # noqa: E731
    name = f"UpSampling2D({size}, {how})"
    case(name, make, (2, 3, 4, 2), (1, 1, 1, 1), snake="up_sampling2d")(enlarged)


def bent(layer, x):
    y = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        shared = zip(place[1:], layer.alpha.shape, strict=True)
        alpha = layer.alpha[tuple(0 if size == 1 else k for k, size in shared)]
        y[place] = max(x[place], 0) - alpha * max(-x[place], 0)
    return y


for axes, x_shape, alpha_shape in (
    (None, (3, 4, 5, 2), (4, 5, 2)), ([1, 2], (3, 4, 5, 2), (1, 1, 2)),
    (2, (3, 4, 5, 2), (4, 1, 2)), (None, (4, 6), (6,)), ([1, 2, 3], (20, 9, 9, 3), (1, 1, 1)),
):  # fmt: skip
    make = lambda axes=axes, **k: layers.PReLU(shared_axes=axes, **k)  # noqa: E731
    parameters = (("alpha", alpha_shape),)
    case(f"PReLU({axes})", make, x_shape, snake="p_re_lu", parameters=parameters)(bent)


def normalised(layer, x):
    axes = sorted(axis % x.ndim for axis in layer.axis)
    y = np.empty(x.shape)
    for place in np.ndindex(*(1 if k in axes else n for k, n in enumerate(x.shape))):
        group = tuple(slice(None) if k in axes else place[k] for k in range(x.ndim))
        values = [float(v) for v in x[group].ravel()]
        mean = sum(values) / len(values)
        variance = sum((v - mean) ** 2 for v in values) / len(values)
        part = (x[group] - mean) / math.sqrt(variance + layer.epsilon)
        part = part if layer.gamma is None else part * layer.gamma
        y[group] = part if layer.beta is None else part + layer.beta
    return y


for axis, options, x_shape, shape in (
    (-1, {}, (3, 4, 5, 6), (6,)), ([1, 2, 3], {}, (5, 4, 3, 2), (4, 3, 2)),
    (-1, {"center": False, "epsilon": 0.1}, (70, 9), (9,)), ([2, 1], {}, (3, 4, 5, 2), (4, 5)),
    (1, {"scale": False}, (3, 4, 5), (4,)), (-1, {}, (20, 9, 9, 33), (33,)),
):  # fmt: skip
    make = lambda a=axis, o=options, **k: layers.LayerNormalization(a, **o, **k)  # noqa: E731
    parameters = tuple(
        (name, shape)
        for name, option in (("gamma", "scale"), ("beta", "center"))
        if options.get(option, True)
    )
    name = f"LayerNormalization({axis}, {options})"
    case(name, make, x_shape, snake="layer_normalization", parameters=parameters)(normalised)
