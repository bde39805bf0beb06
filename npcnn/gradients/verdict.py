"""Is a gradient right, and if not, where?

**Halving.** One random direction d covers all entries of an array at once: a wrong entry shows in
⟨gradient, d⟩. Which entry it is, the direction restricted to one half of them tells, and so on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from npcnn.gradients.derivatives import (
    BY_DIFFERENCES,
    Function,
    NotAnalyticError,
    Slope,
    largest_of,
    random_direction,
)

Array = np.ndarray

# A gradient may be the small difference of larger numbers, as p − 1 is: it is then known to the
# rounding of those, not of its own. Errors are measured by its own size or this share of theirs.
SHARE = 1e-5
EXCUSES = 8  # entries that look wrong and are not, after which another place is looked at
TOO_SMALL = "smaller than rounding"
UNSTEADY = "another output at each call"


@dataclass(frozen=True)
class Entry:
    """An entry of a gradient that is wrong.

    Attributes:
        place: where it is.
        gradient: what was given. derivative: what it should be.
    """

    place: tuple[int, ...]
    gradient: float
    derivative: float


@dataclass
class Finding:
    """What was found of one gradient.

    Attributes:
        error: max |gradient − derivative| over its entries / the size it is measured by.
        exact: whether complex steps said so; else differences did.
        unknown: why neither could tell right from wrong, if so.
        wrong: the first few entries that are wrong.
        more: whether there are others.
    """

    error: float
    exact: bool = True
    unknown: str = ""
    wrong: list[Entry] = field(default_factory=list)
    more: bool = False


def examine(
    function: Function, k: int, gradient: Array, tolerance: float, most: int,
    generator: np.random.Generator,
) -> Finding:  # fmt: skip
    """Hold a gradient by array k against the function's derivative.

    Args:
        function: whose gradient it is said to be.
        k: by which of its arrays.
        gradient: of that array's shape.
        tolerance: the largest relative error that passes.
        most: how many wrong entries to look for.
        generator: of the directions.
    """
    if not gradient.size:
        return Finding(0.0)
    bad = ~np.isfinite(gradient)
    if bad.any():
        places = [tuple(int(i) for i in place) for place in np.argwhere(bad)]
        wrong = [
            Entry(place, float(gradient[place]), function.at(k, place)) for place in places[:most]
        ]
        return Finding(math.nan, wrong=wrong, more=len(places) > most)
    directions = [random_direction(gradient.shape, generator) for _ in range(2)]
    try:
        along = [function.exact(k, direction) for direction in directions]
    except NotAnalyticError:
        return _by_differences(function, k, gradient, most, generator)
    if not np.isfinite(along).all():
        return Finding(math.nan, unknown="the derivative is not finite")
    off = max(abs(a - _dot(gradient, d)) for a, d in zip(along, directions, strict=True))
    largest, ground = largest_of(gradient), _ground(function, k)
    error = _share(off, max(largest, ground))
    if error > tolerance:
        return _closer(function, True, k, gradient, tolerance, most, generator)
    # What is there may be all rounding: smaller than an error that would pass, but not nothing.
    rounding = 0 < max(largest, *map(abs, along)) <= tolerance * ground
    return Finding(error, unknown=TOO_SMALL if rounding else "")


def _ground(function: Function, k: int) -> float:
    """Return what a smaller gradient's error is measured by; rounding adds up as √entries."""
    return SHARE * function.sizes[k] * max(1.0, math.sqrt(function.arrays[k].size) / 4)


def _by_differences(
    function: Function, k: int, gradient: Array, most: int, generator: np.random.Generator
) -> Finding:
    """Do as `examine` does where there is no complex step."""
    if not function.steady():
        return Finding(math.nan, exact=False, unknown=UNSTEADY)
    error, doubt = _along(function, k, gradient, generator)
    if not doubt <= BY_DIFFERENCES:
        return _beside(function, k, generator)
    if error <= BY_DIFFERENCES:
        return Finding(error, exact=False)
    return _closer(function, False, k, gradient, BY_DIFFERENCES, most, generator)


def _along(
    function: Function, k: int, gradient: Array, generator: np.random.Generator
) -> tuple[float, float]:
    """Return a gradient's relative error by differences along one direction, and its doubt."""
    direction = random_direction(gradient.shape, generator)
    found, ground = function.slope(k, direction), _ground(function, k)
    size = max(float(np.linalg.norm(gradient)), abs(found.value) / 2)
    if 0 < size <= BY_DIFFERENCES * ground:
        return 0.0, math.inf  # all rounding
    off, size = abs(found.value - _dot(gradient, direction)), max(size, ground)
    return _share(off, size), _share(found.doubt, size)


def _closer(
    function: Function, exact: bool, k: int, gradient: Array, tolerance: float, most: int,
    generator: np.random.Generator,
) -> Finding:  # fmt: skip
    """Find the wrong entries by halving; make sure of each by differences.

    An entry is excused where they find the gradient right (so f is not analytic) or a kink there
    (so f is tied, and the gradient is another of those that may be given).
    """
    if not function.steady():
        return Finding(math.nan, exact=False, unknown=UNSTEADY)

    def derivative(direction: Array) -> float:
        return function.exact(k, direction) if exact else function.slope(k, direction).value

    right = gradient.copy()
    wrong: list[Entry] = []
    excused: list[Entry] = []
    size = max(largest_of(gradient), _ground(function, k))
    direction = random_direction(gradient.shape, generator)
    while len(wrong) <= most and len(excused) < EXCUSES:
        rest = derivative(direction) - _dot(right, direction)
        if not abs(rest) > tolerance * size:
            break
        place = _halve(lambda d: derivative(d) - _dot(right, d), direction, rest)
        unit = _only(np.ones(gradient.shape), place, place + 1)
        right.flat[place] = derivative(unit)
        where = tuple(int(i) for i in np.unravel_index(place, gradient.shape))
        entry = Entry(where, float(gradient.flat[place]), float(right.flat[place]))
        size = max(size, abs(entry.derivative))
        if abs(entry.derivative - entry.gradient) <= tolerance * size:
            break  # nothing that one entry could be blamed for
        (wrong if _is_wrong(function.slope(k, unit), entry) else excused).append(entry)
    if not wrong:
        return _beside(function, k, generator)
    error = max(abs(entry.derivative - entry.gradient) for entry in wrong) / size
    return Finding(error, exact, wrong=wrong[:most], more=len(wrong) > most)


def _halve(residual: Callable[[Array], float], direction: Array, rest: float) -> int:
    """Return the flat place of an entry at which the residual along a direction is not zero."""
    first, stop = 0, direction.size
    while stop - first > 1:
        middle = (first + stop) // 2
        left = residual(_only(direction, first, middle))
        if abs(left) >= abs(rest - left):
            stop, rest = middle, left
        else:
            first, rest = middle, rest - left
    return first


def _is_wrong(slope: Slope, entry: Entry) -> bool:
    """Whether differences agree that an entry is wrong."""
    given = entry.gradient
    size = max(abs(slope.value), abs(given))
    if slope.doubt <= 1e-3 * size:
        return abs(slope.value - given) > 10 * slope.doubt + BY_DIFFERENCES * size
    low, high = sorted((slope.left, slope.right))  # at a kink, all between the two may be given
    return not low - 1e-3 * size <= given <= high + 1e-3 * size


def _beside(function: Function, k: int, generator: np.random.Generator) -> Finding:
    """Hold the gradient at a place close by against differences, along two directions."""
    there, gradients = function.beside(generator)
    found = [_along(there, k, gradients[k], generator) for _ in range(2)]
    # What is off by many times the doubt is wrong, though the doubt be too large to say right.
    if all(doubt <= max(BY_DIFFERENCES, min(1e-3, error / 30)) for error, doubt in found):
        return Finding(max(error for error, _ in found), exact=False)
    return Finding(math.nan, exact=False, unknown="too rough or too small for differences")


def _only(direction: Array, first: int, stop: int) -> Array:
    """Return the direction with zeros everywhere but at flat places first … stop − 1."""
    some = np.zeros(direction.shape)
    some.flat[first:stop] = direction.flat[first:stop]
    return some


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.inf if part else 0.0


def _dot(a: Array, b: Array) -> float:
    return float((a * b).sum())
