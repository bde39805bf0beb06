"""One picture turned, shifted, sheared, zoomed; of other channels or brightness: Keras 2's ways."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np

from npcnn.arguments import Numbers, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, count, message
from npcnn.preprocessing.convert import array_to_img, img_to_array

Array = np.ndarray
FillMode = Literal["nearest", "constant", "reflect", "wrap"]
MODES = {"constant": "scipy constant", "wrap": "scipy wrap"}


def check_order(value: Any, where: str) -> int:
    """Return 0 or 1, or raise ArgumentError."""
    if count(value, where) > 1:
        fix = "npcnn reads between pixels at the nearest (0) or bilinearly (1)"
        raise ArgumentError(message(where, "0 or 1", str(value), fix))
    return int(value)


Order = Annotated[int, check_order]


@checked
def apply_affine_transform(
    x: Numbers, theta: float = 0.0, tx: float = 0.0, ty: float = 0.0, shear: float = 0.0,
    zx: float = 1.0, zy: float = 1.0, fill_mode: FillMode = "nearest", cval: float = 0.0,
    order: Order = 1,
) -> Array:  # fmt: skip
    """Return a picture turned, shifted, sheared and zoomed about its middle.

    Args:
        x: (rows, columns, channels).
        theta: degrees.
        tx: columns to shift by, to the left.
        ty: rows, upwards.
        shear: degrees.
        zx: above 1, more of the width is seen.
        zy: of the height.
        fill_mode: what stands beyond the edge, as SciPy means it.
        cval: what 'constant' fills with.
        order: 1 reads between pixels bilinearly, 0 at the nearest.

    Source: keras.preprocessing.image.apply_affine_transform, with the channels last.

    >>> apply_affine_transform(np.arange(3.0).reshape(1, 3, 1), tx=1, fill_mode="constant").ravel()
    array([1., 2., 0.])
    """
    if x.ndim != 3:
        fix = "give one picture"
        where = "apply_affine_transform(x)"
        raise ArgumentError(message(where, "(rows, columns, channels)", str(x.shape), fix))
    if (theta, tx, ty, shear, zx, zy) == (0, 0, 0, 0, 1, 1) or not x.size:
        return x
    turn, slant = np.deg2rad(theta), np.deg2rad(shear)
    matrix = np.array(
        [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    )
    matrix = matrix @ np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    matrix = matrix @ np.array([[1, -np.sin(slant), 0], [0, np.cos(slant), 0], [0, 0, 1]])
    matrix = matrix @ np.diag([zx, zy, 1])
    height, width = x.shape[:2]
    # Keras takes the middle of rows for that of columns: of a square picture it is the same.
    middle = np.array([height / 2 - 0.5, width / 2 - 0.5])
    shift = middle + matrix[:2, 2] - matrix[:2, :2] @ middle
    six = [*matrix[0, :2], shift[0], *matrix[1, :2], shift[1]]
    real = x.dtype if x.dtype in ("float32", "float64") else np.dtype("float64")
    how, mode = ("nearest up", "bilinear")[order], MODES.get(fill_mode, fill_mode)
    y = ops.warp(x[np.newaxis].astype(real), np.array([six]), (height, width), how, mode, cval)[0]
    if x.dtype.kind in "iub":
        y = np.clip(np.rint(y), *_span(x.dtype))
    return np.ascontiguousarray(y).astype(x.dtype)


def _span(dtype: np.dtype) -> tuple[int, int]:
    return (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)


def channel_shift(x: Array, intensity: float) -> Array:
    """Return a picture with a number added, within what it held before."""
    return np.clip(x + intensity, x.min(), x.max())


def brightness_shift(x: Array, brightness: float) -> Array:
    """Return a picture as Pillow makes it brighter: numbers beyond 0 … 255 are scaled for that."""
    from PIL import ImageEnhance

    least, most = np.min(x), np.max(x)
    scaled = bool(least < 0 or most > 255)
    image = ImageEnhance.Brightness(array_to_img(x, scale=scaled)).enhance(brightness)
    found = img_to_array(image)
    return found / 255 * (most - least) + least if scaled else found
