"""Derivatives without derivation: what a gradient is held against.

**The complex step.** f(x + i·h·d) = f(x) + i·h·⟨∇f, d⟩ − h²… for a function made of analytic
pieces, so the imaginary part over h is the derivative along d. Nothing is subtracted, so nothing is
lost to rounding, and h = 1e-100 leaves no error of its own. Source: Squire, Trapp, "Using Complex
Variables to Estimate Derivatives of Real Functions", SIAM Review 1998. The ops of npcnn.reference
take complex numbers for this.

**Halving.** One random direction d covers all entries of an array at once: a wrong entry shows in
⟨gradient, d⟩. Which entry it is, the direction restricted to one half of them tells, and so on.

**Differences** serve where complex numbers cannot go (a stranger's layer with `np.abs` in it):
central ones, extrapolated, with a push that is shortened until the function looks smooth.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.backend import using

if TYPE_CHECKING:
    from npcnn.layers import Layer

Array = np.ndarray

STEP = 1e-100
# A gradient may be the small difference of larger numbers, as p − 1 is: it is then known to the
# rounding of those, not of its own. Errors are measured by its own size or this share of theirs.
SHARE = 1e-5
BY_DIFFERENCES = 1e-6  # the relative error that differences can tell from none
FIRST_PUSH = 2.0**-10  # relative to the array's size
SHORTER = 0.25
PUSHES = 9
EXCUSES = 8  # entries that look wrong and are not, after which another place is looked at


class NotAnalyticError(Exception):
    """A function does not take complex numbers, or throws their imaginary part away."""


@dataclass(frozen=True)
class Slope:
    """A derivative by differences.

    Attributes:
        value: the central one. doubt: how far it may be off.
        left, right: the one-sided ones, which differ at a kink.
    """

    value: float
    doubt: float
    left: float
    right: float


@dataclass(frozen=True, eq=False)
class Function:
    """⟨upstream, f(arrays)⟩, a number, as a function of the arrays.

    Attributes:
        f: takes the arrays, real or one of them complex, and returns an array.
        arrays: float64, where the derivative is taken.
        upstream: the weights of f's outputs.
        backward: returns the gradients by all arrays at another place, from the backward pass that
            is being checked.
        sizes: for each array, the size of the numbers whose difference the gradient may be.
    """

    f: Callable[[list[Array]], Array]
    arrays: list[Array]
    upstream: Array
    backward: Callable[[list[Array]], list[Array]]
    sizes: list[float]

    def exact(self, k: int, direction: Array) -> float:
        """Return the derivative by array k along a direction, by a complex step.

        Raises NotAnalyticError where f does not take it or does not hand its imaginary part on.
        """
        arrays = list(self.arrays)
        arrays[k] = arrays[k] + 1j * STEP * direction
        try:
            with using("numpy"), warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("error")  # ComplexWarning: an imaginary part was discarded
                y = np.asarray(self.f(arrays))
        except Exception as error:
            raise NotAnalyticError from error
        if y.dtype.kind != "c" or y.shape != self.upstream.shape:
            raise NotAnalyticError
        return float((self.upstream * y.imag).sum() / STEP)

    def at(self, k: int, place: tuple[int, ...]) -> float:
        """Return the derivative by one entry, by a complex step or else by differences."""
        unit = np.zeros(self.arrays[k].shape)
        unit[place] = 1
        try:
            return self.exact(k, unit)
        except NotAnalyticError:
            return self.slope(k, unit).value

    def slope(self, k: int, direction: Array) -> Slope:
        """Return the derivative by array k along a direction, by differences.

        (4·D(h/2) − D(h)) / 3 of central differences D is off by h⁴ (Richardson). The doubt in it
        is how much it changes from one push to the next shorter one, and how far the gap between
        the one-sided differences is from halving with the push: at a kink the gap stays.
        """
        rms = float(np.sqrt(np.mean(np.square(self.arrays[k]))))
        push = FIRST_PUSH * 2.0 ** round(math.log2(rms if 1e-3 < rms < math.inf else 1.0))
        middle, before = self._pushed(k, 0.0, direction), math.nan
        best = Slope(math.nan, math.inf, math.nan, math.nan)
        for _ in range(PUSHES):
            sides = []
            for h in (push, push / 2):
                for step in (h, -h):
                    change = self._pushed(k, step, direction) - middle
                    sides.append(float((self.upstream * change).sum() / step))
            (far_right, far_left, right, left), half = sides, push / 2
            value = (4 * (right + left) - (far_right + far_left)) / 6
            bend = abs((right - left) - (far_right - far_left) / 2)
            doubt = abs(value - before) + bend
            if doubt <= best.doubt:
                best = Slope(value, doubt, 2 * left - far_left, 2 * right - far_right)
            if doubt <= 1e-3 * BY_DIFFERENCES * abs(value):
                break
            before, push = value, half * 2 * SHORTER
        return best

    def _pushed(self, k: int, push: float, direction: Array) -> Array:
        arrays = list(self.arrays)
        arrays[k] = arrays[k] + push * direction
        return np.array(self.f(arrays), np.float64)

    def beside(self, generator: np.random.Generator) -> tuple[Function, list[Array]]:
        """Return the function at a place close by, where nothing is tied, and its gradients."""
        arrays = []
        for array in self.arrays:
            size = 1e-3 * (_largest(array) or 1.0)
            arrays.append(array + generator.uniform(-size, size, array.shape))
        return replace(self, arrays=arrays), self.backward(arrays)


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
        decided: False where neither could tell right from wrong.
        wrong: the first few entries that are wrong.
        more: whether there are others.
    """

    error: float
    exact: bool = True
    decided: bool = True
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
    directions = [_direction(gradient.shape, generator) for _ in range(2)]
    try:
        along = [function.exact(k, direction) for direction in directions]
    except NotAnalyticError:
        return _by_differences(function, k, gradient, most, generator)
    if not np.isfinite(along).all():
        return Finding(math.nan, decided=False)
    off = max(abs(a - _dot(gradient, d)) for a, d in zip(along, directions, strict=True))
    largest, ground = _largest(gradient), SHARE * function.sizes[k]
    error = _share(off, max(largest, ground))
    if error > tolerance:
        return _closer(function, True, k, gradient, tolerance, most, generator)
    # What is there may be all rounding: smaller than an error that would pass, but not nothing.
    return Finding(error, decided=not 0 < max(largest, *map(abs, along)) <= tolerance * ground)


def of_layer(
    layer: Layer, x: Array, upstream: Array, training: bool = False, step: int = 0,
    to_logits: bool = False,
) -> Function:  # fmt: skip
    """Return ⟨upstream, output⟩ of a layer as a function of its input and parameters.

    Args:
        layer: built, float64; it is copied, not touched.
        x: its input.
        upstream: the gradient by its output.
        training: as `forward` takes it.
        step: as `forward` takes it.
        to_logits: whether what its softmax starts from is the output.
    """
    names = [name for name, _, _ in layer.parameters()]

    def twin(arrays: list[Array]) -> tuple[Layer, Array]:
        dtype = np.result_type(*arrays)
        other = copy.copy(layer)
        other.forget()
        other.dtype, other.place = dtype, None
        for name, array in zip(names, arrays[1:], strict=True):
            other.bind(name, array.astype(dtype), np.zeros(array.shape, dtype))
        return other, arrays[0].astype(dtype)

    def forward(arrays: list[Array]) -> Array:
        other, x = twin(arrays)
        y = other.forward(x, training, step)
        logits = other.logits if to_logits else y
        assert logits is not None
        return logits

    def backward(arrays: list[Array], upstream: Array = upstream) -> list[Array]:
        other, x = twin(arrays)
        other.forward(x, training, step)
        back: Any = other.backward_logits if to_logits else other.backward  # type: ignore[attr-defined]
        grad_x = back(upstream.copy(), True)
        return [grad_x, *(gradient for _, _, gradient in other.parameters())]

    arrays = [np.array(array) for array in (x, *(value for _, value, _ in layer.parameters()))]
    total = float(np.abs(upstream * forward(arrays)).sum())
    sizes = []  # were no two summands of different sign, or no activation saturated
    for array, gradient in zip(arrays, backward(arrays, np.abs(upstream)), strict=True):
        flat = total / (_largest(array) or 1.0)
        sizes.append(max(flat, _largest(gradient)))
    return Function(forward, arrays, upstream, backward, sizes)


def _by_differences(
    function: Function, k: int, gradient: Array, most: int, generator: np.random.Generator
) -> Finding:
    """Do as `examine` does where there is no complex step."""
    direction = _direction(gradient.shape, generator)
    found, given = function.slope(k, direction), _dot(gradient, direction)
    size = max(float(np.linalg.norm(gradient)), SHARE * function.sizes[k], abs(found.value) / 2)
    if not found.doubt <= BY_DIFFERENCES * size:
        return _beside(function, k, generator)
    error = _share(abs(found.value - given), size)
    if error <= BY_DIFFERENCES:
        return Finding(error, exact=False)
    return _closer(function, False, k, gradient, BY_DIFFERENCES, most, generator)


def _closer(
    function: Function, exact: bool, k: int, gradient: Array, tolerance: float, most: int,
    generator: np.random.Generator,
) -> Finding:  # fmt: skip
    """Find the wrong entries by halving; make sure of each by differences.

    An entry is excused where they find the gradient right (so f is not analytic) or a kink there
    (so f is tied, and the gradient is another of those that may be given).
    """

    def derivative(direction: Array) -> float:
        return function.exact(k, direction) if exact else function.slope(k, direction).value

    right = gradient.copy()
    wrong: list[Entry] = []
    excused: list[Entry] = []
    size = max(_largest(gradient), SHARE * function.sizes[k])
    direction = _direction(gradient.shape, generator)
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
    if not wrong and (excused and len(excused) < EXCUSES):
        return Finding(0.0, exact=False)
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
    """Hold the gradient at a place close by against differences."""
    there, gradients = function.beside(generator)
    direction = _direction(gradients[k].shape, generator)
    found, given = there.slope(k, direction), _dot(gradients[k], direction)
    size = max(float(np.linalg.norm(gradients[k])), SHARE * function.sizes[k], abs(found.value) / 2)
    error = _share(abs(found.value - given), size)
    # What is off by more than ten times the doubt is wrong, however large the doubt.
    if found.doubt <= BY_DIFFERENCES * size or error * size > 10 * found.doubt:
        return Finding(error, exact=False)
    return Finding(math.nan, exact=False, decided=False)


def _direction(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Return numbers of either sign from 1/2 to 3/2.

    They have 20 binary digits, so that adding one to a number of like size, times a short push,
    rounds next to nothing off.
    """
    sizes = generator.integers(2**19, 3 * 2**19, shape) / 2**20
    return sizes * generator.choice([-1.0, 1.0], shape)


def _only(direction: Array, first: int, stop: int) -> Array:
    """Return the direction with zeros everywhere but at flat places first … stop − 1."""
    some = np.zeros(direction.shape)
    some.flat[first:stop] = direction.flat[first:stop]
    return some


def _largest(array: Array) -> float:
    return float(np.abs(array).max(initial=0.0))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.inf if part else 0.0


def _dot(a: Array, b: Array) -> float:
    return float((a * b).sum())
