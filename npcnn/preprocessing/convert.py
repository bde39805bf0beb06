"""Pictures of Pillow's and arrays, each made from the other; files read and written."""

from __future__ import annotations

import io
import os
import pathlib
from typing import Annotated, Any, Literal

import numpy as np

from npcnn import config
from npcnn.arguments import ChannelsLast, Numbers, checked
from npcnn.backend import ops
from npcnn.checks import (
    ArgumentError,
    DtypeError,
    FormatError,
    as_numbers,
    message,
    path,
    positive_pair,
    shown,
)
from npcnn.datasets.picture import (
    MOST_PIXELS,
    Limits,
    PictureError,
    from_file,
    opened,
    strict,
)
from npcnn.files import atomic_write
from npcnn.layers.warping import resize
from npcnn.layers.warping import smart_resize as smart

Array = np.ndarray
ColorMode = Literal["grayscale", "rgb", "rgba"]
Resampling = Literal["nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"]
MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
FIX = "repair or convert it"


def _source(value: Any, where: str) -> Any:
    """Return a path as text, or a file in memory as it is."""
    if isinstance(value, io.BytesIO):
        return value
    return path(os.fsdecode(value) if isinstance(value, bytes) else value, where)


Source = Annotated[Any, _source]


def _dtype(value: Any, where: str) -> np.dtype:
    """Return a dtype of numbers from its name, or from NumPy's object for it."""
    known = isinstance(value, np.dtype) or (
        isinstance(value, type) and issubclass(value, np.number)
    )
    if known or (isinstance(value, str) and value in np.sctypeDict):
        found = np.dtype(value)
        if found.kind in "fiu":
            return found
    raise DtypeError(message(where, "a dtype", shown(value), "give a name such as 'float32'"))


def _picture(value: Any, where: str) -> Array:
    """Return a Pillow image or an array as an array of two or three axes."""
    try:
        x = as_numbers(value, where)
    except DtypeError:
        fix = "give what load_img returned"
        raise DtypeError(message(where, "a picture", shown(value), fix)) from None
    if x.ndim not in (2, 3):
        fix = "give one picture"
        raise ArgumentError(message(where, "two or three axes", str(x.shape), fix))
    return x


def _size(value: Any, where: str) -> tuple[int, int]:
    """Return rows and columns, no more pixels than a picture file may have."""
    rows, columns = positive_pair(value, where)
    if rows * columns > MOST_PIXELS:
        expected, fix = f"at most {MOST_PIXELS:,} pixels", "give rows and columns"
        raise ArgumentError(message(where, expected, shown(value), fix))
    return rows, columns


PictureFormat = Literal["png", "jpeg", "jpg", "bmp", "gif", "tiff", "webp"]
Size = Annotated[Any, _size]
Dtype = Annotated[Any, _dtype]
Picture = Annotated[Any, _picture]


@checked
def load_img(
    path: Source, color_mode: ColorMode = "rgb", target_size: Size | None = None,
    interpolation: Resampling = "nearest", keep_aspect_ratio: bool = False,
) -> Any:  # fmt: skip
    """Return a picture file as a Pillow image.

    Six formats are opened (BMP, GIF, JPEG, PNG, TIFF, WebP), up to 16,777,216 pixels.

    Args:
        path: a file's name, or an io.BytesIO of its content.
        color_mode: 'grayscale', 'rgb' or 'rgba'.
        target_size: (rows, columns) to resize to; None leaves the picture as it is.
        interpolation: how Pillow resizes.
        keep_aspect_ratio: whether the largest part of the right proportions is cut out first.

    Raises:
        FileError: there is no such file. FormatError: it is no picture, damaged or too large.

    >>> import tempfile
    >>> name = tempfile.mkdtemp() + "/a.png"
    >>> save_img(name, np.zeros((4, 6, 3)))
    >>> load_img(name, target_size=(2, 3)).size
    (3, 2)
    """

    def use(image: Any) -> Any:
        kept = color_mode == "grayscale" and image.mode in ("I;16", "I")
        found = image.copy() if kept else image.convert(MODES[color_mode])
        if target_size is None or found.size == target_size[::-1]:
            return found
        return _resized(found, target_size[::-1], interpolation, keep_aspect_ratio)

    limits = Limits(MOST_PIXELS)
    if not isinstance(path, io.BytesIO):
        return from_file(path, use, limits, "load_img", FIX)
    try:
        with strict(), opened(path.getvalue(), limits) as image:
            return use(image)
    except PictureError as error:
        raise FormatError(message("load_img(path)", "a picture", str(error), FIX)) from None


def _resized(image: Any, size: tuple[int, int], interpolation: str, keep: bool) -> Any:
    """Return a Pillow image of another (columns, rows), as Keras makes it."""
    from PIL import Image

    how = getattr(Image.Resampling, interpolation.upper())
    if not keep:
        return image.resize(size, how)
    width, height = image.size
    rows = min(height, width * size[1] // size[0])
    columns = min(width, height * size[0] // size[1])
    left, top = (width - columns) // 2, (height - rows) // 2
    return image.resize(size, how, box=(left, top, left + columns, top + rows))


@checked
def img_to_array(
    img: Picture, data_format: ChannelsLast = None, dtype: Dtype | None = None
) -> Array:
    """Return a Pillow image as an array (rows, columns, channels).

    Args:
        img: a Pillow image, or an array of two or three axes.
        data_format: None or 'channels_last'.
        dtype: of the array; None is `npcnn.config.floatx()`.

    >>> img_to_array(np.zeros((2, 3), np.uint8)).shape
    (2, 3, 1)
    """
    x = img.astype(config.floatx() if dtype is None else dtype)
    return x if x.ndim == 3 else x[:, :, np.newaxis]


@checked
def array_to_img(
    x: Numbers, data_format: ChannelsLast = None, scale: bool = True, dtype: Dtype | None = None
) -> Any:
    """Return an array (rows, columns, 1, 3 or 4 channels) as a Pillow image.

    Args:
        x: one picture.
        data_format: None or 'channels_last'.
        scale: whether to stretch the numbers to 0 … 255.
        dtype: to compute in; None is `npcnn.config.floatx()`.

    >>> array_to_img(np.arange(6).reshape(2, 3, 1)).getpixel((2, 1))
    255
    """
    from PIL import Image

    x = np.asarray(x, config.floatx() if dtype is None else dtype)
    if x.ndim != 3 or x.shape[2] not in (1, 3, 4) or 0 in x.shape:
        expected, fix = "(rows, columns, 1, 3 or 4 channels)", "give one picture"
        raise ArgumentError(message("array_to_img(x)", expected, str(x.shape), fix))
    if not np.isfinite(x).all():
        raise ArgumentError(message("array_to_img(x)", "finite numbers", "others", "mend them"))
    if scale:
        x = x - x.min()
        most = x.max()
        x = (x / most if most != 0 else x) * 255
    if x.shape[2] == 1 and x.max() > 255:
        return Image.fromarray(x[:, :, 0].astype("int32"))
    with np.errstate(invalid="ignore"):
        pixels = x.astype("uint8")
    return Image.fromarray(pixels[:, :, 0] if x.shape[2] == 1 else pixels)


@checked
def save_img(
    path: Source, x: Numbers, data_format: ChannelsLast = None, file_format: str | None = None,
    scale: bool = True, **kwargs: Any,
) -> None:  # fmt: skip
    """Write an array (rows, columns, channels) to a picture file.

    Args:
        path: the file's name, whose ending is the format; or an io.BytesIO.
        x: one picture.
        data_format: None or 'channels_last'.
        file_format: such as 'png', if the ending does not say it.
        scale: whether to stretch the numbers to 0 … 255.
        kwargs: for Pillow's `save`.

    >>> content = io.BytesIO()
    >>> save_img(content, np.zeros((2, 2, 1)), file_format="png")
    >>> content.getvalue()[1:4]
    b'PNG'
    """
    if file_format is None and isinstance(path, str):
        file_format = pathlib.Path(path).suffix[1:]
    form = "jpeg" if (file_format or "").lower() == "jpg" else (file_format or "").lower()
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and form == "jpeg":
        image = image.convert("RGB")
    content = io.BytesIO()
    try:
        image.save(content, form, **kwargs)
    except (KeyError, ValueError, OSError, TypeError) as error:
        fix = "name a format that Pillow writes, such as 'png'"
        where = "save_img(file_format)"
        raise ArgumentError(
            message(where, "a picture format", f"{form!r} ({error})", fix)
        ) from None
    if isinstance(path, io.BytesIO):
        path.write(content.getvalue())
        return
    with atomic_write(path) as aside:
        aside.write_bytes(content.getvalue())


@checked
def smart_resize(
    x: Numbers, size: Size, interpolation: Literal["bilinear", "nearest"] = "bilinear",
    data_format: ChannelsLast = None,
) -> Array:  # fmt: skip
    """Return pictures of another size, float32, their largest part of its proportions resized.

    Args:
        x: (rows, columns, channels), or (n, rows, columns, channels).
        size: (rows, columns).
        interpolation: 'bilinear' or 'nearest'.
        data_format: None or 'channels_last'.

    >>> smart_resize(np.zeros((340, 500, 3)), (20, 20)).shape
    (20, 20, 3)
    """
    if x.ndim not in (3, 4) or 0 in x.shape:
        expected = "(rows, columns, channels), or several"
        raise ArgumentError(message("smart_resize(x)", expected, str(x.shape), "give pictures"))
    found = resized(x if x.ndim == 4 else x[np.newaxis], size, interpolation, True)
    return found if x.ndim == 4 else found[0]


def resized(x: Array, size: tuple[int, int], interpolation: str, crop: bool) -> Array:
    """Return pictures (n, rows, columns, channels) of another size, in float32."""
    x, now = x.astype("float32"), x.shape[1:3]
    for warp in smart(now, size, interpolation) if crop else [resize(now, size, interpolation)]:
        x = ops.warp(x, ops.random_affine(x, 0, warp.ranges, warp.size), *warp[1:])
    return np.ascontiguousarray(x)
