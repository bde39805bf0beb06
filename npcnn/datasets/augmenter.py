"""Pictures changed a little each time they are learnt from: turned, scaled, shifted, bent, cut."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import numpy as np

from npcnn import random
from npcnn.affine import Pair, Ranges
from npcnn.arguments import Count, Numbers, PositiveInt, argument_names, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, as_numbers, is_number, message, number, shown

Array = np.ndarray

AFFINE, ELASTIC, CUT = range(1, 4)  # keys: what is drawn for one has nothing to do with the others
MOST = 1e4  # pixels


def around(middle: float, low: float, high: float) -> Any:
    """Return the check of two numbers, from and to; a number r stands for middle ± r.

    >>> around(1.0, 0.1, 10.0)(0.25, "scale"), around(0.0, -180, 180)((5, -3), "rotation")
    ((0.75, 1.25), (-3.0, 5.0))
    """

    def check(value: Any, where: str) -> Pair:
        pair = value if isinstance(value, (tuple, list)) else ()
        if is_number(value) and abs(value) <= 1e9:
            pair = (middle - abs(value), middle + abs(value))
        if len(pair) != 2 or not all(is_number(r) and low <= r <= high for r in pair):
            expected = f"a number, or two, from {low:g} to {high:g}"
            raise ArgumentError(message(where, expected, shown(value), f"r is {middle:g} ± r"))
        first, last = sorted(map(float, pair))
        return first, last

    return check


def _shift(value: Any, where: str) -> tuple[Pair, Pair]:
    along = around(0.0, -MOST, MOST)
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return along(value[0], f"{where}, along rows"), along(value[1], f"{where}, along columns")
    return along(value, where), along(value, where)


def _part(value: Any, where: str) -> Pair:
    value = (0.0, value) if is_number(value) else value
    return around(0.0, 0.0, 1.0)(value, where)


class Augmenter:
    """What happens to each picture before a network learns from it; hand it to `fit(augmenter=…)`.

    Each time it is learnt from, a picture is turned, scaled, sheared, shifted and flipped about its
    middle, bent, and a rectangle is cut out of it: by numbers that are functions of (seed, epoch,
    sample), so that neither threads nor batches nor a resumed run change a bit. All is done in the
    step, and batches come from the samples as they are. Of several inputs, all pictures are changed
    by the same numbers. Targets stay what they are.

    Args:
        rotation: degrees, counter-clockwise.
        scale: of the picture, both ways; 0.1 is (0.9, 1.1). Its inverse is drawn evenly.
        shear: degrees.
        shift: pixels; two, or two pairs, are those along rows and along columns.
        horizontal_flip: whether half of all times left and right change places.
        vertical_flip: whether half of all times top and bottom change places.
        elastic: pixels by which the points of a grid move at most, each by itself.
        elastic_spacing: pixels from one point of that grid to the next.
        cut_out: the share of the height, and of the width, squared, that a rectangle takes away.
        interpolation: 'bilinear' or 'nearest'.
        fill_mode: what stands beyond the edge: 'constant', 'nearest', 'reflect' or 'wrap'.
        fill_value: what 'constant' fills with, and what stands where something was cut out.

    A number r is drawn evenly from −r to r (of cut_out: from 0 to r); a pair is from and to.

    Source: Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural Networks Applied to
    Visual Document Analysis", ICDAR 2003; DeVries, Taylor, "Improved Regularization of
    Convolutional Neural Networks with Cutout", 2017.

    >>> augmenter = Augmenter(shift=((0, 0), (1, 1)))
    >>> augmenter(np.arange(4, dtype=np.uint8).reshape(1, 1, 4, 1)).ravel()
    array([0., 0., 1., 2.], dtype=float32)
    """

    @checked
    def __init__(
        self, rotation: Annotated[Any, around(0.0, -360.0, 360.0)] = 0.0,
        scale: Annotated[Any, around(1.0, 0.05, 20.0)] = 0.0,
        shear: Annotated[Any, around(0.0, -80.0, 80.0)] = 0.0,
        shift: Annotated[Any, _shift] = 0.0, horizontal_flip: bool = False,
        vertical_flip: bool = False,
        elastic: Annotated[float, number] = 0.0, elastic_spacing: PositiveInt = 7,
        cut_out: Annotated[Any, _part] = 0.0,
        interpolation: Literal["bilinear", "nearest"] = "bilinear",
        fill_mode: Literal["constant", "nearest", "reflect", "wrap"] = "constant",
        fill_value: float = 0.0,
    ) -> None:  # fmt: skip
        self.rotation, self.scale, self.shear, self.shift = rotation, scale, shear, shift
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.elastic, self.elastic_spacing, self.cut_out = elastic, elastic_spacing, cut_out
        self.interpolation, self.fill_mode = interpolation, fill_mode
        self.fill_value = fill_value

    def get_config(self) -> dict[str, Any]:
        """Return the arguments; a checkpoint holds them."""
        return {name: getattr(self, name) for name in argument_names(type(self))}

    def __repr__(self) -> str:
        default = Augmenter().get_config()
        own = {k: v for k, v in self.get_config().items() if v != default[k]}
        return f"Augmenter({', '.join(f'{name}={value!r}' for name, value in own.items())})"

    @checked
    def __call__(
        self, x: Numbers, samples: Any = None, epoch: Count = 0, seed: random.Seed = 0
    ) -> Array:
        """Return pictures as an epoch would see them: a new array, of floats.

        Args:
            x: (n, rows, columns, channels), or (n, rows, columns), of any numbers.
            samples: their numbers in the data set; 0, 1, … if not given.
            epoch: counted from 0.
            seed: of the run.
        """
        where = "Augmenter(x)"
        if x.ndim not in (3, 4) or not x.size:
            fix = "give pictures"
            raise ArgumentError(message(where, "(n, rows, columns, channels)", str(x.shape), fix))
        real = x.astype(np.float64 if x.dtype == np.float64 else np.float32)
        numbers = np.arange(len(x))
        if samples is not None:
            numbers = as_numbers(samples, "Augmenter(samples)")
        if numbers.shape != (len(x),) or numbers.dtype.kind not in "iu":
            expected, got = f"{len(x)} whole numbers", shown(samples)
            raise ArgumentError(message("Augmenter(samples)", expected, got, "one a picture"))
        wide = real if x.ndim == 4 else real[..., np.newaxis]
        drawing = random.augmentation_key(seed=seed, epoch=epoch)
        found = self.changed(wide, numbers.astype(np.int64), drawing)
        return np.ascontiguousarray(found.reshape(x.shape))

    def changed(self, x: Array, numbers: Array, drawing: Array) -> Array:
        """Return the changed pictures; part of a step, so all it does is ops.

        Args:
            x: (N, H, W, C), float32 or float64.
            numbers: int64 (N,), the samples' numbers.
            drawing: int64 (1,), what `random.augmentation_key` makes of seed and epoch.
        """
        size = x.shape[1:3]
        ranges, fill = self.ranges(), self.fill_value
        if ranges != Ranges() or self.elastic:
            matrices = ops.random_affine(x, AFFINE, ranges, size, drawing, numbers)
            field = None
            if self.elastic:
                reach, spacing = abs(self.elastic), self.elastic_spacing
                field = ops.elastic_field(x, ELASTIC, reach, spacing, drawing, numbers)
            how = self.interpolation, self.fill_mode, fill
            x = ops.warp(x, matrices, size, *how, field)
        if self.cut_out[1]:
            x = ops.erase(x, CUT, (1.0, 1.0), self.cut_out, fill, drawing, numbers)
        return x

    def ranges(self) -> Ranges:
        """Return what the affine part is drawn from: where the result is read in the picture."""
        turned, slanted = (
            (math.radians(pair[0]), math.radians(pair[1])) for pair in (self.rotation, self.shear)
        )
        zoom = 1 / self.scale[1], 1 / self.scale[0]
        rows, columns = ((0.0 - pair[1], 0.0 - pair[0]) for pair in self.shift)
        flip = 0.5 * self.vertical_flip, 0.5 * self.horizontal_flip
        return Ranges(turned, slanted, (zoom, zoom), True, (rows, columns), flip)
