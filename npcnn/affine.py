"""Affine transformations of pictures: what they are drawn from, what fills what is beyond."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

Pair = tuple[float, float]

# What stands for a pixel beyond the edge of a row a b c d. The first five are Keras 3's; the last
# two are what SciPy, and so ImageDataGenerator, means by 'constant' and 'wrap'.
FILL_MODES = {
    "constant": 0,  # k k k k | a b c d | k k k k, and between d and k as between pixels
    "nearest": 1,  # a a a a | a b c d | d d d d
    "reflect": 2,  # d c b a | a b c d | d c b a
    "wrap": 3,  # a b c d | a b c d | a b c d
    "mirror": 4,  # d c b | a b c d | c b a
    "scipy constant": 5,  # k as soon as a place is beyond a or d
    "scipy wrap": 6,  # places beyond come in again at the other end: d is a
}
# How a place between pixels is read. 'nearest' goes to the even one half way, as Keras's
# affine_transform does; 'nearest up' to the next, as resizing and SciPy do.
INTERPOLATIONS = {"nearest": 0, "bilinear": 1, "nearest up": 2}


def pixels(index: np.ndarray, size: int, fill_mode: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a pixel for each whole place along an axis, and whether it is one; see FILL_MODES.

    >>> pixels(np.arange(-2, 5), 3, "reflect")[0]
    array([1, 0, 0, 1, 2, 2, 1])
    """
    inside = np.ones(index.shape, bool)
    if fill_mode in ("constant", "scipy constant"):
        inside = (index >= 0) & (index < size)
    if fill_mode == "reflect":
        index = (np.abs((2 * index + 1 + 2 * size) % (4 * size) - 2 * size) - 1) // 2
    elif fill_mode == "wrap":
        index = index % size
    elif fill_mode == "mirror" and size > 1:
        index = np.abs((index + size - 1) % (2 * size - 2) - (size - 1))
    return np.clip(index, 0, size - 1), inside


SLOTS = 8  # random numbers a sample


class Ranges(NamedTuple):
    """What a sample's transformation is drawn from, each number evenly between two.

    A pixel at (x, y) = (column, row) of the result is read in the picture at
    ``c + shift + R·S·Z·F ((x, y) − c')``, where c and c' are the middles of picture and result,
    R = ((cos, −sin), (sin, cos)) of the rotation, S = ((1, tan shear), (0, 1)), Z the zooms along
    columns and rows and F the flips; (u·y, v·x) of the slant is added, which is about the corner.

    Attributes:
        rotation: radians.
        shear: radians.
        zoom: (along rows, along columns): above 1, more of the picture is seen.
        one_zoom: whether the number along rows is taken for both.
        shift: (along rows, along columns), in pixels.
        flip: (upside down, left to right): the share of samples.
        one_flip: whether one number decides both.
        places: (rows, columns): from so many whole shifts one is drawn for the whole batch; 0 for
            none.
        slant: (u, v), both of the other sign in half of all samples. What decides them are the
            numbers that rotation, shear and flip are drawn by.
    """

    rotation: Pair = (0.0, 0.0)
    shear: Pair = (0.0, 0.0)
    zoom: tuple[Pair, Pair] = ((1.0, 1.0), (1.0, 1.0))
    one_zoom: bool = False
    shift: tuple[Pair, Pair] = ((0.0, 0.0), (0.0, 0.0))
    flip: Pair = (0.0, 0.0)
    one_flip: bool = False
    places: tuple[int, int] = (0, 0)
    slant: tuple[Pair, Pair] = ((0.0, 0.0), (0.0, 0.0))

    def flat(self) -> list[float]:
        """Return all numbers in order, as kernels read them."""
        zoom, shift = [*self.zoom[0], *self.zoom[1]], [*self.shift[0], *self.shift[1]]
        flip = [*self.flip, self.one_flip]
        slant = [*self.slant[0], *self.slant[1]]
        numbers = [*self.rotation, *self.shear, *zoom, self.one_zoom, *shift, *flip, *self.places]
        return numbers + slant


def ranges_rule(x: Any, key: Any, ranges: Any, size: Any, step: Any = None,
                samples: Any = None) -> str | None:  # fmt: skip
    """Say so unless they are finite numbers in their places."""
    fits = isinstance(ranges, Ranges) and all(map(math.isfinite, ranges.flat()))
    fits = fits and _is_size(size) and _are_numbers(x, step, samples)
    return None if fits else f"ranges {ranges} to {size}"


def warp_rule(x: Any, matrices: Any, size: Any, interpolation: str, fill_mode: str,
              fill_value: float, field: Any = None) -> str | None:  # fmt: skip
    """Say so unless there are six float64 numbers a sample, a field that fits, and known names."""
    known = interpolation in INTERPOLATIONS and fill_mode in FILL_MODES
    fits = matrices.shape[1] == 6 and matrices.dtype == "float64" and _is_size(size)
    fits = fits and min(x.shape[1:3]) > 0
    fits = fits and (field is None or _is_field(field, x, size))
    return None if known and fits else f"{matrices.shape} {interpolation} {fill_mode} {size}"


def warp_backward_rule(grad_y: Any, matrices: Any, size: Any, interpolation: str,
                       fill_mode: str, field: Any = None) -> str | None:  # fmt: skip
    """Say so unless there are six float64 numbers a sample, a field that fits, and known names."""
    fits = field is None or _is_field(field, grad_y, grad_y.shape[1:3])
    found = warp_rule(grad_y, matrices, size, interpolation, fill_mode, 0.0)
    return found if fits else f"a field for grad_y {grad_y.shape}"


def field_rule(x: Any, key: Any, reach: Any, spacing: Any, step: Any = None,
               samples: Any = None) -> str | None:  # fmt: skip
    """Say so unless reach is a number, and spacing whole."""
    fits = math.isfinite(reach) and isinstance(spacing, int) and spacing >= 1
    fits = fits and min(x.shape[1:3]) > 0 and _are_numbers(x, step, samples)
    return None if fits else f"reach {reach}, spacing {spacing} for x {x.shape}"


def gaussian_rule(x: Any, key: Any, chance: Any, scale: Any, step: Any = None,
                  samples: Any = None) -> str | None:  # fmt: skip
    """Say so unless these are two pairs of shares."""
    fits = all(len(pair) == 2 and 0 <= pair[0] <= pair[1] <= 1 for pair in (chance, scale))
    fits = fits and min(x.shape[1:3]) > 0 and _are_numbers(x, step, samples)
    return None if fits else f"chance {chance}, scale {scale} for x {x.shape}"


def erase_rule(x: Any, key: Any, chance: Any, share: Any, value: Any, step: Any = None,
               samples: Any = None, *rest: Any) -> str | None:  # fmt: skip
    """Say so unless these are two pairs of shares, a number or one a channel, and like noise."""
    noise, limits = rest or (None, (0.0, 0.0))
    fits = all(len(pair) == 2 and 0 <= pair[0] <= pair[1] <= 1 for pair in (chance, share))
    values = value if isinstance(value, tuple) else (value,) * x.shape[3]
    fits = fits and len(values) == x.shape[3] and all(map(math.isfinite, (*values, *limits)))
    fits = fits and len(limits) == 2 and _are_numbers(x, step, samples)
    fits = fits and (noise is None or (noise.shape, noise.dtype) == (x.shape, x.dtype))
    return None if fits else f"chance {chance}, share {share}, value {value}"


def erase_backward_rule(grad_y: Any, key: Any, chance: Any, share: Any, step: Any = None,
                        samples: Any = None) -> str | None:  # fmt: skip
    """Say so unless these are two pairs of shares."""
    return erase_rule(grad_y, key, chance, share, 0.0, step, samples)


def color_rule(x: Any, key: Any, ranges: Any, step: Any = None) -> str | None:
    """Say so unless there are six numbers."""
    fits = isinstance(ranges, tuple) and len(ranges) == 6 and all(map(math.isfinite, ranges))
    return None if fits and min(x.shape[1:3]) > 0 else f"ranges {ranges} for x {x.shape}"


def color_backward_rule(grad_y: Any, x: Any, key: Any, ranges: Any, step: Any = None) -> str | None:
    """Say so unless there are six numbers."""
    return color_rule(x, key, ranges, step)


def _is_size(size: Any) -> bool:
    pair = isinstance(size, tuple) and len(size) == 2
    return pair and all(isinstance(n, int) and n > 0 for n in size)


def _are_numbers(x: Any, step: Any, samples: Any) -> bool:
    """Whether step is one int64, and samples one for each sample; or None."""
    fits = step is None or (getattr(step, "size", 0) == 1 and step.dtype == "int64")
    if samples is None:
        return fits
    return fits and getattr(samples, "shape", None) == (len(x),) and samples.dtype == "int64"


def _is_field(field: Any, x: Any, size: Any) -> bool:
    return getattr(field, "shape", None) == (len(x), 2, *size) and field.dtype == x.dtype
