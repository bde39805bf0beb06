"""Keras's `ops.image`: pictures resized, cut, padded, moved, blurred; (H, W, C) or (N, H, W, C).

>>> import numpy as np
>>> resize(np.arange(4.0).reshape(1, 2, 2, 1), (1, 1)).ravel()
array([1.5])
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import names
from npcnn.affine import pixels
from npcnn.backend import ops as engine
from npcnn.checks import positive_int
from npcnn.ops.colors import hsv_to_rgb, rgb_to_hsv, ssim
from npcnn.ops.dtypes import floats
from npcnn.ops.entry import Places, Scalar, formula, op, plain
from npcnn.ops.making import shape
from npcnn.ops.pointwise import Made
from npcnn.ops.reductions import sum
from npcnn.ops.shaping import get_item, moveaxis, pad, reshape, stack, take
from npcnn.ops.tape import require
from npcnn.shapes import output_size, padding_before_after

Array = np.ndarray
__all__ = [
    "affine_transform", "crop_images", "extract_patches", "gaussian_blur", "hsv_to_rgb",
    "map_coordinates", "pad_images", "resize", "rgb_to_grayscale", "rgb_to_hsv", "sobel_edges",
    "ssim",
]  # fmt: skip
if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)

MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def _check(x: Any, where: str, data_format: Any) -> tuple[int, int]:
    """Return rows and columns of pictures."""
    known = data_format in (None, "channels_last")
    require(known, f"{where}(data_format)", "channels_last", data_format, "use transpose before it")
    sizes = shape(x)
    require(len(sizes) in (3, 4), where, "(h, w, c) or (n, h, w, c)", sizes, "reshape it")
    return int(sizes[-3]), int(sizes[-2])


def _by_axes(x: Array, rows: Array, columns: Array) -> Made:
    """Return sums of pixels with weights along rows and along columns."""
    rows, columns = rows.astype(x.dtype), columns.astype(x.dtype)
    y = np.einsum("ri,...ijc,sj->...rsc", rows, x, columns, optimize=True)
    return y, lambda g: (np.einsum("ri,...rsc,sj->...ijc", rows, g, columns, optimize=True),)


# Resizing: Keys, "Cubic Convolution Interpolation", 1981, with a = −0.5; Lanczos's windowed sinc.


def _cubic(x: Array) -> Array:
    near = ((1.5 * x - 2.5) * x) * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x >= 2, 0, np.where(x >= 1, far, near))


def _lanczos(radius: int) -> Any:
    return lambda x: np.where(x > radius, 0, np.sinc(x) * np.sinc(x / radius))


_KERNELS: dict[str, Any] = {
    "bilinear": lambda x: np.maximum(0, 1 - x), "bicubic": _cubic, "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}  # fmt: skip


def _weights(size: int, to: int, interpolation: str, antialias: bool) -> Array:
    """Return what each pixel of an axis takes from each of another length, (to, size)."""
    step = size / to
    middles = (np.arange(to) + 0.5) * step - 0.5
    if interpolation == "nearest":
        return (np.floor(middles + 0.5)[:, np.newaxis] == np.arange(size)).astype(float)
    wide = max(step, 1.0) if antialias else 1.0
    apart = np.abs(middles[:, np.newaxis] - np.arange(size)) / wide
    found = _KERNELS[interpolation](apart)
    return found / found.sum(axis=1, keepdims=True)


@op(1)
def _resized(x: Any, size: Any, interpolation: str, antialias: bool) -> Made:
    numbers = np.asarray(x)
    own = [
        _weights(n, m, interpolation, antialias)
        for n, m in zip(numbers.shape[-3:-1], size, strict=True)
    ]
    if interpolation == "nearest":
        rows, columns = (one.argmax(axis=1) for one in own)
        y = numbers[..., rows[:, np.newaxis], columns, :]
        return y, _by_axes(numbers, *own)[1] if numbers.dtype.kind == "f" else None
    y, back = _by_axes(floats(numbers), *own)
    if numbers.dtype.kind in "iu":
        ends = np.iinfo(numbers.dtype)
        return np.clip(np.rint(y), ends.min, ends.max).astype(numbers.dtype), None
    return y, back


@formula()
def resize(
    images: Any, size: Any, interpolation: str = "bilinear", antialias: bool = False,
    crop_to_aspect_ratio: bool = False, pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant", fill_value: Scalar = 0.0, data_format: Any = None,
) -> Any:  # fmt: skip
    """Return pictures of another size, pixels being squares with a middle.

    Args:
        images: of any numbers; whole ones are rounded.
        size: rows and columns.
        interpolation: 'nearest', 'bilinear', 'bicubic', 'lanczos3' or 'lanczos5'.
        antialias: whether a smaller picture's pixels are means of all that they cover.
        crop_to_aspect_ratio: whether what is too long or wide is cut off before.
        pad_to_aspect_ratio: whether what is too short or narrow is filled up before.
        fill_mode: 'constant'.
        fill_value: what is filled up with.
        data_format: None or 'channels_last'.

    >>> resize(np.arange(4.0).reshape(1, 2, 2, 1), (4, 4), "nearest")[0, 0, :, 0].tolist()
    [0.0, 0.0, 1.0, 1.0]
    """
    height, width = _check(images, "ops.image.resize", data_format)
    known = interpolation in ("nearest", *_KERNELS)
    listed = "nearest, " + ", ".join(_KERNELS)
    require(known, "ops.image.resize(interpolation)", listed, interpolation, "take one")
    require(fill_mode == "constant", "ops.image.resize(fill_mode)", "constant", fill_mode, "pad it")
    both = crop_to_aspect_ratio and pad_to_aspect_ratio
    require(not both, "ops.image.resize", "crop or pad, not both", "both", "leave one out")
    require(
        np.size(size) == 2, "ops.image.resize(size)", "rows and columns", size, "such as (8, 8)"
    )
    high, wide = (positive_int(n, "ops.image.resize(size)") for n in size)
    require(high * wide < 1 << 28, "ops.image.resize(size)", "fewer pixels", size, "take less")
    rows, columns = int(width * high / wide), int(height * wide / high)
    if crop_to_aspect_ratio:
        rows, columns = max(min(height, rows), 1), max(min(width, columns), 1)
        top, left = int((height - rows) / 2), int((width - columns) / 2)
        images = get_item(images, (..., np.s_[top : top + rows], np.s_[left : left + columns],
                                   np.s_[:]))  # fmt: skip
    elif pad_to_aspect_ratio:
        top, left = (max(n, 0) // 2 for n in (rows - height, columns - width))  # of both edges
        edges = [(0, 0)] * (len(shape(images)) - 3) + [(top, top), (left, left), (0, 0)]
        images = pad(images, edges, constant_values=fill_value)
    return _resized(images, (high, wide), interpolation, bool(antialias))


@formula(taken=floats)
def rgb_to_grayscale(images: Any, data_format: Any = None) -> Any:
    """Return 0.2989 red + 0.587 green + 0.114 blue.

    >>> rgb_to_grayscale(np.ones((1, 2, 2, 3))).shape
    (1, 2, 2, 1)
    """
    _check(images, "ops.image.rgb_to_grayscale", data_format)
    sizes = images.shape
    require(sizes[-1] == 3, "ops.image.rgb_to_grayscale", "three channels", sizes, "it has colours")
    return sum(images * np.array([0.2989, 0.587, 0.114], images.dtype), axis=-1, keepdims=True)


def _edges(
    given: tuple[Any, ...], target: Any, size: int, sign: int, where: str
) -> tuple[int, int]:
    """Return what is added, or cut off, before and behind an axis: two of three are given."""
    first, last = (None if one is None else int(one) for one in given)
    total = None if target is None else sign * (int(target) - size)
    known = [one is not None for one in (first, last, total)]
    require(known.count(True) == 2, where, "two of an edge, the other, and the size", known,
            "give two")  # fmt: skip
    if first is None:
        first = total - last  # type: ignore[operator]
    if last is None:
        last = total - first  # type: ignore[operator]
    fits = min(first, last) >= 0 and (sign > 0 or first + last <= size)
    require(fits, where, "edges of 0 or more, within the picture", (first, last), "change the size")
    return first, last


@formula()
def pad_images(
    images: Any, top_padding: int | None = None, left_padding: int | None = None,
    bottom_padding: int | None = None, right_padding: int | None = None,
    target_height: int | None = None, target_width: int | None = None, data_format: Any = None,
) -> Any:  # fmt: skip
    """Return pictures with zeros around: of each axis two of both edges and the size are given.

    >>> pad_images(np.ones((1, 2, 2, 3)), 1, 0, target_height=4, target_width=2).shape
    (1, 4, 2, 3)
    """
    where = "ops.image.pad_images"
    height, width = _check(images, where, data_format)
    rows = _edges((top_padding, bottom_padding), target_height, height, 1, where)
    columns = _edges((left_padding, right_padding), target_width, width, 1, where)
    return pad(images, [(0, 0)] * (len(shape(images)) - 3) + [rows, columns, (0, 0)])


@formula()
def crop_images(
    images: Any, top_cropping: int | None = None, left_cropping: int | None = None,
    bottom_cropping: int | None = None, right_cropping: int | None = None,
    target_height: int | None = None, target_width: int | None = None, data_format: Any = None,
) -> Any:  # fmt: skip
    """Return parts of pictures: of an axis two of both edges and the size are given.

    >>> crop_images(np.ones((1, 4, 4, 3)), 1, 0, target_height=2, target_width=4).shape
    (1, 2, 4, 3)
    """
    where = "ops.image.crop_images"
    height, width = _check(images, where, data_format)
    top, foot = _edges((top_cropping, bottom_cropping), target_height, height, -1, where)
    left, right = _edges((left_cropping, right_cropping), target_width, width, -1, where)
    part = (..., np.s_[top : height - foot], np.s_[left : width - right], np.s_[:])
    return get_item(images, part)


def _pair(value: Any, where: str) -> tuple[int, int]:
    both = value if isinstance(value, (tuple, list)) else (value, value)
    require(len(both) == 2, where, "a number or two", value, "such as 3 or (3, 5)")
    return positive_int(both[0], where), positive_int(both[1], where)


@formula()
def extract_patches(
    images: Any, size: Any, strides: Any = None, dilation_rate: Any = 1, padding: str = "valid",
    data_format: Any = None,
) -> Any:  # fmt: skip
    """Return the pixels of each window side by side, (…, OH, OW, KH · KW · C).

    >>> extract_patches(np.ones((1, 4, 4, 3)), (2, 2)).shape
    (1, 2, 2, 12)
    """
    where = "ops.image.extract_patches"
    sizes = _check(images, where, data_format)
    window, steps = _pair(size, where), _pair(size if strides is None else strides, where)
    apart = _pair(dilation_rate, where)
    require(padding in ("valid", "same"), where, "valid or same", padding, "take one")
    channels, places = images.shape[-1], []
    for k in (0, 1):
        how = sizes[k], window[k], steps[k], padding, apart[k]
        count = output_size(*how)
        before, after = padding_before_after(*how)
        edges = [(0, 0)] * images.ndim
        edges[k - 3] = (before, after)
        images = pad(images, edges)
        places.append(np.arange(count)[:, None] * steps[k] + np.arange(window[k]) * apart[k])
    rows = take(images, places[0], axis=images.ndim - 3)  # (…, OH, KH, W, C)
    found = take(rows, places[1], axis=rows.ndim - 2)  # (…, OH, KH, OW, KW, C)
    found = moveaxis(found, -4, -3)
    counts = [len(one) for one in places]
    return reshape(found, [*images.shape[:-3], *counts, math.prod(window) * channels])


@op(1)
def _affine(images: Any, transform: Any, interpolation: str, fill_mode: str, fill: float) -> Made:
    x = floats(images)
    wide = x if x.ndim == 4 else x[np.newaxis]
    wide = np.ascontiguousarray(wide, "float64" if x.dtype == "float64" else "float32")
    matrices = np.atleast_2d(np.asarray(plain(transform), np.float64))
    fits = matrices.ndim == 2 and matrices.shape[1] == 8 and len(matrices) in (1, len(wide))
    where = "ops.image.affine_transform(transform)"
    require(fits, where, "eight numbers a picture", matrices.shape, "the last two are 0")
    require(not matrices[:, 6:].any(), where, "0 as the last two", matrices[0, 6:], "it is affine")
    places = np.ascontiguousarray(np.broadcast_to(matrices[:, :6], (len(wide), 6)))
    size, how = wide.shape[1:3], (interpolation, fill_mode)
    y = engine.warp(wide, places, size, *how, float(fill))

    def back(g: Array) -> Any:
        g = np.ascontiguousarray(g if x.ndim == 4 else g[np.newaxis], wide.dtype)
        found = engine.warp_backward(g, places, size, *how)
        return (found if x.ndim == 4 else found[0],)

    return np.asarray(y if x.ndim == 4 else y[0], x.dtype), back


@formula()
def affine_transform(
    images: Any, transform: Any, interpolation: str = "bilinear", fill_mode: str = "constant",
    fill_value: Scalar = 0, data_format: Any = None,
) -> Any:  # fmt: skip
    """Return pictures whose pixel (x, y) is read at (a0 x + a1 y + a2, b0 x + b1 y + b2).

    `transform` has a0, a1, a2, b0, b1, b2, 0, 0 of each picture, or of all; no gradient goes there.

    >>> x = np.arange(4.0).reshape(1, 2, 2, 1)
    >>> affine_transform(x, [1, 0, 1, 0, 1, 0, 0, 0])[0, :, :, 0].tolist()  # a pixel to the left
    [[1.0, 0.0], [3.0, 0.0]]
    """
    where = "ops.image.affine_transform"
    _check(images, where, data_format)
    known = interpolation in ("nearest", "bilinear") and fill_mode in MODES
    got = f"{interpolation}, {fill_mode}"
    require(known, where, f"nearest or bilinear, and one of {', '.join(MODES)}", got, "take those")
    return _affine(images, transform, interpolation, fill_mode, fill_value)


@op(2, meet=False)
def map_coordinates(
    inputs: Any, coordinates: Any, order: int, fill_mode: str = "constant", fill_value: Scalar = 0.0
) -> Made:
    """Return an array read at places between its numbers: at the nearest (0), or linearly (1).

    coordinates (axes, …); what comes out has its shape without the first axis.

    >>> map_coordinates([0.0, 10.0, 20.0], [[0.5, 2.0]], order=1).tolist()
    [5.0, 20.0]
    """
    where = "ops.image.map_coordinates"
    x, places = np.asarray(inputs), floats(coordinates)
    fits = places.ndim >= 2 and len(places) == x.ndim and order in (0, 1)
    got = f"{places.shape} of {x.shape}, order {order}"
    require(fits, where, "a row of places for each axis, order 0 or 1", got, "stack them")
    require(fill_mode in MODES, f"{where}(fill_mode)", ", ".join(MODES), fill_mode, "take one")
    low = np.floor(places) if order else np.rint(places)
    part = (places - low).astype(floats(x).dtype)
    corners = []
    for corner in itertools.product((0, 1) if order else (0,), repeat=x.ndim):
        pairs = [
            pixels((one + k).astype(np.int64), size, fill_mode)
            for one, k, size in zip(low, corner, x.shape, strict=True)
        ]
        known = np.logical_and.reduce([one for _, one in pairs])
        value = np.where(known, x[tuple(index for index, _ in pairs)], fill_value)
        sides = [p if k else 1 - p for p, k in zip(part, corner, strict=True)]
        corners.append((tuple(index for index, _ in pairs), known, value, sides, corner))
    y = np.zeros(places.shape[1:], floats(x).dtype)
    for _, _, value, sides, _ in corners:
        y = y + value * (math.prod(sides) if order else 1)

    def back(g: Array) -> Any:
        by_x, by_place = np.zeros(x.shape, g.dtype), np.zeros(places.shape, g.dtype)
        for index, known, value, sides, corner in corners:
            np.add.at(by_x, index, g * known * (math.prod(sides) if order else 1))
            for axis in range(x.ndim if order else 0):
                rest = math.prod(side for k, side in enumerate(sides) if k != axis)
                by_place[axis] += g * value * rest * (1 if corner[axis] else -1)
        return by_x, by_place

    return np.asarray(y if x.dtype.kind == "f" else np.rint(y)).astype(x.dtype), back


@op(1)
def gaussian_blur(
    images: Any, kernel_size: Places = (3, 3), sigma: Any = (1.0, 1.0), data_format: Any = None
) -> Made:
    """Return means of each pixel's neighbours by a bell curve; beyond the edge there are zeros.

    >>> gaussian_blur(np.ones((1, 4, 4, 3))).shape
    (1, 4, 4, 3)
    """
    x, where = floats(images), "ops.image.gaussian_blur"
    size = _check(x, where, data_format)
    lengths = _pair(tuple(kernel_size), f"{where}(kernel_size)")
    widths = [float(plain(one)) for one in np.ravel(plain(sigma))]
    require(len(widths) == 2 and min(widths) > 0, f"{where}(sigma)", "two above 0", sigma, "(1, 1)")
    matrices = []
    for n, length, width in zip(size, lengths[::-1], widths[::-1], strict=True):  # as in Keras
        bell = np.exp(-0.5 * ((np.arange(length) - (length - 1) / 2) / width) ** 2)
        apart = np.arange(n) - np.arange(n)[:, np.newaxis] + (length - 1) // 2
        known = (apart >= 0) & (apart < length)
        matrices.append(np.where(known, (bell / bell.sum())[np.clip(apart, 0, length - 1)], 0))
    return _by_axes(x, *matrices)


@formula(taken=floats)
def sobel_edges(images: Any, data_format: Any = None) -> Any:
    """Return how fast pixels change downwards and to the right, (…, H, W, C, 2).

    >>> sobel_edges(np.ones((1, 4, 4, 3))).shape
    (1, 4, 4, 3, 2)
    """
    _check(images, "ops.image.sobel_edges", data_format)
    lead = [(0, 0)] * (images.ndim - 3)
    wide = pad(images, [*lead, (1, 1), (1, 1), (0, 0)])

    def moved(i: int, j: int) -> Any:
        height, width = images.shape[-3:-1]
        return wide[(..., np.s_[i : i + height], np.s_[j : j + width], np.s_[:])]

    down: Any = 0.0
    right: Any = 0.0
    for k, weight in enumerate((1.0, 2.0, 1.0)):
        down = down + weight * (moved(2, k) - moved(0, k))
        right = right + weight * (moved(k, 2) - moved(k, 0))
    return stack([down, right], axis=-1)
