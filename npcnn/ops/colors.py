"""Pictures' colours, and how alike two pictures are: part of Keras's `ops.image`."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.checks import positive, positive_int
from npcnn.ops.dtypes import floats
from npcnn.ops.entry import Scalar, formula
from npcnn.ops.pointwise import absolute, clip, maximum, minimum, mod, where
from npcnn.ops.reductions import mean
from npcnn.ops.shaping import einsum, stack
from npcnn.ops.tape import require

COLORS = "three channels in the last axis"


def _planes(images: Any, name: str, data_format: Any) -> list[Any]:
    """Return a picture's three channels."""
    at = f"ops.image.{name}"
    known = data_format in (None, "channels_last")
    require(known, f"{at}(data_format)", "channels_last", data_format, "use transpose before it")
    fits = images.ndim in (3, 4) and images.shape[-1] == 3
    require(fits, at, f"(h, w, 3) or (n, h, w, 3): {COLORS}", images.shape, "give colours")
    return [images[(..., k)] for k in range(3)]


@formula(taken=floats)
def rgb_to_hsv(images: Any, data_format: Any = None) -> Any:
    """Return hue, saturation and value for red, green and blue, all from 0 to 1.

    >>> rgb_to_hsv(np.array([[[0.0, 1.0, 0.0]]])).round(3).tolist()
    [[[0.333, 1.0, 1.0]]]
    """
    small = float(np.finfo(images.dtype).eps)
    planes = _planes(images, "rgb_to_hsv", data_format)
    r, g, b = (where(absolute(one) < small, 0.0, one) for one in planes)
    value = maximum(maximum(r, g), b)
    width = value - minimum(minimum(r, g), b)
    saturation = where(value > 0, width / where(value > 0, value, 1.0), 0.0)
    rate = 1 / (6 * where(width > 0, width, 1.0))
    hue = where(value == g, rate * (b - r) + 2 / 6, rate * (r - g) + 4 / 6)
    hue = where(value == r, rate * (g - b), hue)
    hue = where(width > 0, hue, 0.0) + where(hue < 0, 1.0, 0.0)
    return stack([hue, saturation, value], axis=-1)


@formula(taken=floats)
def hsv_to_rgb(images: Any, data_format: Any = None) -> Any:
    """Return red, green and blue for hue, saturation and value.

    >>> hsv_to_rgb(np.array([[[0.5, 1.0, 1.0]]])).tolist()
    [[[0.0, 1.0, 1.0]]]
    """
    hue, saturation, value = _planes(images, "hsv_to_rgb", data_format)
    turn = mod(hue, 1.0) * 6.0
    shares = (
        absolute(turn - 3.0) - 1.0, 2.0 - absolute(turn - 2.0), 2.0 - absolute(turn - 4.0)
    )  # fmt: skip
    rest = 1.0 - saturation
    return stack([value * (rest + saturation * clip(one, 0.0, 1.0)) for one in shares], axis=-1)


@formula(2, taken=floats)
def ssim(
    image1: Any, image2: Any, max_val: Scalar = 1.0, filter_size: int = 11,
    filter_sigma: Scalar = 1.5, k1: Scalar = 0.01, k2: Scalar = 0.03, data_format: Any = None,
) -> Any:  # fmt: skip
    """Return how alike pictures are, up to 1: means, spreads and what they share, by windows.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to
    structural similarity", 2004.

    >>> x = np.random.default_rng(0).uniform(size=(12, 12, 3))
    >>> float(ssim(x, x))
    1.0
    """
    at = "ops.image.ssim"
    known = data_format in (None, "channels_last")
    require(known, f"{at}(data_format)", "channels_last", data_format, "use transpose before it")
    length = positive_int(filter_size, f"{at}(filter_size)")
    width = positive(filter_sigma, f"{at}(filter_sigma)")
    fits = image1.shape == image2.shape and image1.ndim in (3, 4)
    fits = fits and min(image1.shape[-3:-1]) >= length
    got = f"{image1.shape} and {image2.shape}"
    require(fits, at, f"two alike of {length} × {length} pixels or more", got, "a smaller filter")
    bell = np.exp(-((np.arange(length) - (length - 1) / 2) ** 2) / (2 * width**2))
    bell = bell / bell.sum()
    rows, columns = (_sliding(bell, n).astype(image1.dtype) for n in image1.shape[-3:-1])

    def near(x: Any) -> Any:
        return einsum("ri,...ijc,sj->...rsc", rows, x, columns)

    mean1, mean2 = near(image1), near(image2)
    own1, own2 = near(image1 * image1) - mean1 * mean1, near(image2 * image2) - mean2 * mean2
    shared = near(image1 * image2) - mean1 * mean2
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    above = (2.0 * mean1 * mean2 + c1) * (2.0 * shared + c2)
    below = (mean1 * mean1 + mean2 * mean2 + c1) * (own1 + own2 + c2)
    return mean(above / below, axis=(-3, -2, -1))


def _sliding(weights: Any, size: int) -> Any:
    """Return the matrix that takes sums by weights of an axis at each place they fit."""
    found = np.zeros((size - len(weights) + 1, size))
    for k, row in enumerate(found):
        row[k : k + len(weights)] = weights
    return found
