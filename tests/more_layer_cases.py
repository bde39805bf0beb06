"""More layers, each with an oracle in plain loops; they add themselves to layer_cases.CASES."""

import itertools
import math

import numpy as np
from layer_cases import case

from npcnn import layers


def standardised(layer, x):
    kept = sorted(axis % x.ndim for axis in layer.axis)
    mean, variance = (
        np.broadcast_to(one, [x.shape[axis] for axis in kept])
        for one in (layer.input_mean, layer.input_variance)
    )
    y = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        own = tuple(place[axis] for axis in kept)
        spread = max(math.sqrt(variance[own]), 1e-7)
        y[place] = (
            mean[own] + x[place] * spread if layer.invert else (x[place] - mean[own]) / spread
        )
    return y


for axis, mean, variance, invert, shape in (
    (-1, [0.5, -1, 0.1], [4, 0.25, 2], False, (3, 4, 5, 3)), (None, 0.2, 0.5, True, (2, 3, 4)),
    (1, 0.3, 2.0, False, (4, 3, 2)), ((1, -1), [[1, 2]], [[3, 4]], True, (2, 3, 5, 2)),
    ((2, 1), [0.1, 0.2, 0.3, 0.4], [1, 2, 3, 4], False, (70, 2, 4)), (None, 1, 2, False, (5, 4)),
    ([1, 2, 3], 0.1, 0.5, False, (40, 9, 9, 3)),
):  # fmt: skip
    make = lambda a=(axis, mean, variance, invert), **k: layers.Normalization(*a, **k)  # noqa: E731
    case(f"Normalization({axis}, {mean})", make, shape, snake="normalization")(standardised)


def grouped(layer, x):
    """Sample by sample and group by group, over all places."""
    axis = layer.axis % x.ndim
    y, size = np.empty(x.shape), x.shape[axis] // layer.groups
    gamma = np.ones(x.shape[axis]) if layer.gamma is None else np.array(layer.gamma)
    beta = np.zeros(x.shape[axis]) if layer.beta is None else np.array(layer.beta)
    places_of = [
        [p for p in np.ndindex(*x.shape[1:]) if p[axis - 1] // size == group]
        for group in range(layer.groups)
    ]
    for s, places in itertools.product(range(len(x)), places_of):
        values = [float(x[(s, *p)]) for p in places]
        mean = sum(values) / len(values)
        variance = sum((v - mean) ** 2 for v in values) / len(values)
        for p, v in zip(places, values, strict=True):
            y[(s, *p)] = (v - mean) / math.sqrt(variance + layer.epsilon)
            y[(s, *p)] = y[(s, *p)] * gamma[p[axis - 1]] + beta[p[axis - 1]]
    return y


for groups, axis, options, shape in (
    (2, -1, {}, (3, 4, 5, 6)), (1, -1, {"center": False}, (3, 2, 3)), (2, 1, {}, (2, 4, 5)),
    (-1, -1, {"scale": False, "epsilon": 0.1}, (2, 4, 3, 2)), (4, -1, {}, (70, 8)),
    (3, 2, {"center": False, "scale": False}, (2, 2, 6, 3)), (2, -1, {}, (140, 9, 9, 4)),
):  # fmt: skip
    make = lambda g=groups, a=axis, o=options, **k: layers.GroupNormalization(g, a, **o, **k)  # noqa: E731
    parameters = tuple(
        (name, (shape[axis],))
        for name, option in (("gamma", "scale"), ("beta", "center"))
        if options.get(option, True)
    )
    name = f"GroupNormalization({groups}, {axis})"
    case(name, make, shape, snake="group_normalization", parameters=parameters)(grouped)


def shrunk(layer, x):
    """By the root of the mean square, of the sum of squares, or of the variance."""
    axes, kind = sorted(axis % x.ndim for axis in layer.axis), type(layer).__name__
    y = np.empty(x.shape)
    for place in np.ndindex(*(1 if k in axes else n for k, n in enumerate(x.shape))):
        group = tuple(slice(None) if k in axes else place[k] for k in range(x.ndim))
        values = [float(v) for v in x[group].ravel()]
        mean = sum(values) / len(values) if kind == "LayerNormalization" else 0.0
        squares = sum((v - mean) ** 2 for v in values)
        if kind == "UnitNormalization":
            y[group] = x[group] / max(math.sqrt(squares), 1e-12)
        else:
            scale = layer.scale if kind == "RMSNormalization" else layer.gamma
            y[group] = x[group] * scale / math.sqrt(squares / len(values) + layer.epsilon)
    return y


for axis, shape, parameter in (
    (-1, (3, 4, 5, 6), (6,)), ([1, 2, 3], (5, 4, 3, 2), (4, 3, 2)), ([2, 1], (3, 4, 5, 2), (4, 5)),
    (1, (3, 4, 5), (4,)), (-1, (140, 9, 33), (33,)), (-1, (5, 1), (1,)),
):  # fmt: skip
    for name, snake, make, own in (
        ("RMSNormalization", "rms_normalization", layers.RMSNormalization, "scale"),
        ("UnitNormalization", "unit_normalization", layers.UnitNormalization, None),
        ("LayerNormalization", "layer_normalization",
         lambda a, **k: layers.LayerNormalization(a, rms_scaling=True, **k), "gamma"),
    ):  # fmt: skip
        if shape == (5, 1) and own != "scale":  # their outputs are −1 and 1 alone, or nothing
            continue
        parameters = () if own is None else ((own, parameter),)
        made = lambda make=make, a=axis, **k: make(a, **k)  # noqa: E731
        case(f"{name}({axis}), shrunk", made, shape, snake=snake, parameters=parameters)(shrunk)


@case("Identity", layers.Identity, (3, 4, 5, 2), (2, 3), snake="identity")
def same(layer, x):
    return x.copy()


def shared_out(layer, x):
    y = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        axis = layer.axis % x.ndim
        row = x[(*place[:axis], slice(None), *place[axis + 1 :])]
        y[place] = math.exp(x[place]) / sum(math.exp(v) for v in row)
    return y


for axis, shape in ((-1, (3, 4, 5)), (1, (3, 4, 5)), (2, (2, 3, 4, 5)), (-3, (2, 3, 4, 5))):
    make = lambda axis=axis, **k: layers.Softmax(axis, **k)  # noqa: E731
    case(f"Softmax({axis})", make, shape, snake="softmax")(shared_out)


def pooled(layer, x):
    n, height, width, channels = x.shape
    rows, columns = layer.output_size
    mean = isinstance(layer, layers.AdaptiveAveragePooling2D)
    y = np.empty((n, rows, columns, channels))
    for s, i, j, c in np.ndindex(y.shape):
        values = [
            float(x[s, u, v, c])
            for u in range(math.floor(i * height / rows), math.ceil((i + 1) * height / rows))
            for v in range(math.floor(j * width / columns), math.ceil((j + 1) * width / columns))
        ]
        y[s, i, j, c] = sum(values) / len(values) if mean else max(values)
    return y


for size, shape in (
    (2, (3, 4, 6, 2)), ((3, 2), (2, 5, 7, 3)), (1, (2, 3, 4, 1)), ((5, 4), (2, 3, 4, 2)),
):  # fmt: skip
    for which in ("Average", "Max"):
        make = lambda s=size, w=which, **k: getattr(layers, f"Adaptive{w}Pooling2D")(s, **k)  # noqa: E731
        snake = f"adaptive_{which.lower()}_pooling2d"
        case(f"Adaptive{which}Pooling2D({size})", make, shape, snake=snake)(pooled)
