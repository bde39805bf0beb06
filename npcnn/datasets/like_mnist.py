"""A picture of a digit made as MNIST's makers made theirs, stage by stage.

"The original black and white (bilevel) images from NIST were size normalized to fit in a 20x20
pixel box while preserving their aspect ratio. The resulting images contain grey levels as a result
of the anti-aliasing technique used by the normalization algorithm. The images were centered in a
28x28 image by computing the center of mass of the pixels, and translating the image so as to
position this point at the center of the 28x28 field."
(LeCun, Cortes, Burges: "The MNIST database", http://yann.lecun.com/exdb/mnist/.)

NIST's were scanned forms. What a camera gives has shadows and grain besides, so the paper's
brightness is estimated at every place and taken away first.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from npcnn.arguments import Path, PositiveInt, checked
from npcnn.datasets.drawn import BOX, SIDE, centred
from npcnn.datasets.picture import MOST_PIXELS, Limits, PictureError, from_file

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]

WORK = 256  # rows and columns that a picture is made smaller to: the box has 20
COARSE = 48  # rows and columns on which the paper is looked at
STROKE = 0.3  # of the side: no stroke is that wide, so paper is seen around every one
FAINT = 24  # grey levels: less than that between ink and paper is no writing
SOFT = 0.5  # of the level between ink and paper: over how much of it ink fades away
GRAIN = 3  # rows and columns: spots smaller than that, in a picture of WORK, are no ink
FIX = "repair or convert it, and show one digit alone; max_pixels admits larger pictures"


class MnistStages(NamedTuple):
    """The stages of `mnist_stages`, uint8 each; the last one is what a network gets.

    Attributes:
        grey, ink: (rows, columns), of the whole picture.
        cropped: (rows, columns), of what has ink.
        boxed: (20, n) or (n, 20), n at most 20.
        centred: (28, 28).
    """

    grey: Bytes
    ink: Bytes
    cropped: Bytes
    boxed: Bytes
    centred: Bytes


@checked
def mnist_stages(path: Path, *, max_pixels: PositiveInt = MOST_PIXELS) -> MnistStages:
    """Return what becomes of a picture that is made like MNIST's, every stage of it.

    1. ``grey``: turned as the camera says, transparency laid on paper, grey, 256 × 256 at most;
    2. ``ink``: paper 0, ink up to 255, whichever of the two was the brighter one;
    3. ``cropped``: the rows and columns that have ink;
    4. ``boxed``: scaled, its ratio kept, into 20 × 20;
    5. ``centred``: in 28 × 28, its centre of mass in the middle, moved by whole pixels.

    Args:
        path: the picture of one digit, dark on bright or bright on dark.
        max_pixels: larger pictures are refused.

    Raises:
        FileError: there is no such file.
        FormatError: it is no picture, is too large, or shows nothing but paper.

    Source: http://yann.lecun.com/exdb/mnist/.

    >>> import tempfile
    >>> from PIL import Image, ImageDraw
    >>> name = f"{tempfile.mkdtemp()}/one.png"
    >>> one = Image.new("L", (90, 120), "white")
    >>> ImageDraw.Draw(one).line((40, 20, 40, 100), fill="black", width=9)
    >>> one.save(name)
    >>> [stage.shape for stage in mnist_stages(name)]
    [(120, 90), (120, 90), (81, 9), (20, 2), (28, 28)]
    """
    result: MnistStages = from_file(path, stages, Limits(max_pixels), "mnist_stages", FIX)
    return result


def stages(image: Any) -> MnistStages:
    """Return the stages of a Pillow image."""
    grey = _grey(image)
    ink = _ink(grey)
    cropped = _cropped(ink)
    boxed = _boxed(cropped)
    field = np.zeros((1, SIDE, SIDE), np.uint8)
    top, left = ((SIDE - size) // 2 for size in boxed.shape)
    field[0, top : top + boxed.shape[0], left : left + boxed.shape[1]] = boxed
    return MnistStages(grey, ink, cropped, boxed, centred(field)[0])


def _grey(image: Any) -> Bytes:
    """Return the picture as one sees it, in grey, and not larger than needed."""
    from PIL import Image, ImageOps

    # First without a copy of all pixels; what is left out is grain where strokes are so wide.
    image.thumbnail((8 * WORK, 8 * WORK), Image.Resampling.NEAREST)
    if image.mode[0] in "IF":  # of more than 256 levels, which Pillow would cut off
        values = np.asarray(image, np.float64)
        values = (values - values.min()) * (255 / max(np.ptp(values), 1e-9))
        image = Image.fromarray(np.rint(values).astype(np.uint8))
    image.thumbnail((4 * WORK, 4 * WORK), Image.Resampling.BOX)
    image = ImageOps.exif_transpose(image)
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("LA")
        grey, alpha = (np.asarray(band, np.float64) for band in image.split())
        # What was drawn tells what it was drawn on: the opposite.
        paper = 255 if (grey * alpha).sum() <= 127.5 * alpha.sum() else 0
        mixed = (grey * alpha + paper * (255 - alpha)) / 255
        image = Image.fromarray(np.rint(mixed).astype(np.uint8))
    image = image.convert("L")
    image.thumbnail((WORK, WORK), Image.Resampling.LANCZOS)
    return np.array(image)


def _ink(grey: Bytes) -> Bytes:
    """Return how much ink every pixel has: 0 for paper, whatever its shade, to 255.

    Dark ink takes a share of the light that the paper would give back, 1 − grey / paper, in shadow
    as in light; bright ink adds to it.
    """
    level = grey.astype(np.float64)
    light = _light(level)
    # Ink is where the surface fits least: cubed, since little differences are the paper's.
    if (_resized(level - light, COARSE) ** 3).sum() < 0:
        level = np.minimum(level / np.maximum(light, 1), 2)
        paper = 2 - _opened(2 - level)
        above = 255 * (1 - level / np.maximum(paper, 1e-3))
    else:
        level -= light
        above = level - _opened(level)
    above = np.clip(above, 0, 255)
    threshold = _threshold(above)
    solid = above[above > threshold]
    if solid.size == 0 or solid.mean() < FAINT:
        raise PictureError("one without ink that stands out from the paper")
    soft = (above - (1 - SOFT) * threshold) / (2 * SOFT * threshold)
    return np.rint(255 * np.clip(soft, 0, 1)).astype(np.uint8)


def _light(level: Floats) -> Floats:
    """Return the paper's level as a surface of second order through the edges, which show paper."""
    coarse = _resized(level, COARSE)
    edge = np.ones(coarse.shape, bool)
    edge[1:-1, 1:-1] = False
    surface = np.linalg.lstsq(_terms(coarse)[edge], coarse[edge], rcond=None)[0]
    return _terms(level) @ surface


def _terms(level: Floats) -> Floats:
    """Return 1, x, y, xy, x², y² at the middle of every pixel; x and y from −1 to 1."""
    y, x = (2 * (np.arange(n) + 0.5) / n - 1 for n in level.shape)
    y, x = np.meshgrid(y, x, indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * y, x**2, y**2], axis=-1)


def _opened(level: Floats) -> Floats:
    """Return the level without what is narrower than a window wider than any stroke: paper."""
    from PIL import Image

    coarse = _resized(level, COARSE)
    half = max(1, round(STROKE * max(coarse.shape) / 2))
    for reduce in (np.min, np.max, np.mean):  # an opening, and its steps made smooth
        for axis in (0, 1):
            pad = [(0, 0), (0, 0)]
            pad[axis] = (half, half)
            padded = np.pad(coarse, pad, mode="edge")
            coarse = reduce(sliding_window_view(padded, 2 * half + 1, axis), axis=-1)
    rows, columns = level.shape
    image = Image.fromarray(coarse.astype(np.float32))
    smooth = image.resize((columns, rows), Image.Resampling.BILINEAR)
    return np.asarray(smooth, np.float64)


def _resized(level: Floats, longest: int) -> Floats:
    """Return the means of boxes of pixels, no more than so many a side: free of grain."""
    from PIL import Image

    rows, columns = level.shape
    scale = min(1.0, longest / max(rows, columns))
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    image = Image.fromarray(level.astype(np.float32))
    return np.asarray(image.resize(size, Image.Resampling.BOX), np.float64)


def _threshold(values: NDArray[Any]) -> float:
    """Return the level that parts two kinds of values best (Otsu 1979).

    It is where the variance between the two kinds, w₀ w₁ (μ₀ − μ₁)², is largest.
    """
    counts, edges = np.histogram(values, 256, (0, 256))
    middles = edges[:-1] + 0.5
    below = np.cumsum(counts)[:-1]
    above = counts.sum() - below
    sums = np.cumsum(counts * middles)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / above
        between = below * above * apart**2
    between = np.nan_to_num(between)
    best = np.flatnonzero(between == between.max())  # a plateau where no value lies
    return float(edges[1 + best[len(best) // 2]])


def _cropped(ink: Bytes) -> Bytes:
    """Return the part that holds ink; spots of grain in a large picture are not looked at."""
    from PIL import Image, ImageFilter

    solid = ink
    if max(ink.shape) >= WORK // 2:
        solid = np.asarray(Image.fromarray(ink).filter(ImageFilter.MedianFilter(GRAIN)))
        solid = solid if (solid > 127).any() else ink
    rows, columns = (np.flatnonzero((solid > 127).any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _boxed(cropped: Bytes) -> Bytes:
    from PIL import Image

    box = int(BOX)
    rows, columns = (max(1, round(size * box / max(cropped.shape))) for size in cropped.shape)
    return np.array(Image.fromarray(cropped).resize((columns, rows), Image.Resampling.BICUBIC))
