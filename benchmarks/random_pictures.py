"""Random layers that take pictures, as plain descriptions (random_parts.py).

Shapes are counted here anew, so that neither library is its own judge.
"""

from __future__ import annotations

import math
import random
from typing import Any

from random_parts import Drawn, Layer, Shape, both, pair, weighted

FILLS = ["reflect", "constant", "wrap", "nearest"]

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


def adaptive(r: random.Random, shape: Shape) -> Layer:
    to = (r.randint(1, shape[0]), r.randint(1, shape[1]))
    name = r.choice(["AdaptiveAveragePooling2D", "AdaptiveMaxPooling2D"])
    return name, {"output_size": list(to)}, (*to, shape[2])


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
    """Return one of the layers that move pictures, or their colours, in training."""
    how = {"fill_mode": r.choice(FILLS), "interpolation": r.choice(["bilinear", "nearest"])}
    unit = {"value_range": [0, 1]}
    moving: list[tuple[str, dict[str, Any]]] = [
        # to the size that they have: as in inference Keras cuts none smaller
        ("RandomCrop", {"height": shape[0], "width": shape[1], "seed": 7}),
        ("RandomFlip", {"mode": r.choice(["horizontal", "vertical"])}),
        ("RandomRotation", {"factor": 0.2, **how}),
        ("RandomTranslation", {"height_factor": 0.2, "width_factor": [-0.1, 0.3], **how}),
        ("RandomZoom", {"height_factor": 0.2, **how}),
        ("RandomShear", {"x_factor": 0.2}),
        ("RandomPerspective", {"factor": 0.5}),
        ("RandomElasticTransform", {"factor": 0.5, **unit}),
        ("RandomErasing", {"factor": 0.5, **unit}),
        ("RandomGaussianBlur", {"factor": 0.5, **unit}),
        ("RandomContrast", {"factor": 0.3, **unit}),
        ("RandomBrightness", {"factor": 0.3, **unit}),
        ("RandomInvert", {"factor": 0.5, **unit}),
        ("RandomPosterization", {"factor": 4, **unit}),
        ("RandomSharpness", {"factor": 0.5, **unit}),
    ]
    colours: list[tuple[str, dict[str, Any]]] = [
        ("RandomGrayscale", {"factor": 0.5}),
        ("RandomHue", {"factor": 0.2, **unit}),
        ("RandomSaturation", {"factor": 0.5}),
        ("RandomColorDegeneration", {"factor": 0.5, **unit}),
        ("RandomColorJitter", {"brightness_factor": 0.2, **unit}),
    ]
    name, arguments = r.choice(moving + colours * (shape[2] == 3))
    return name, arguments, shape
