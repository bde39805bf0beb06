"""Derivatives without derivation: what a gradient is held against.

**The complex step.** f(x + i·h·d) = f(x) + i·h·⟨∇f, d⟩ − h²… for a function made of analytic
pieces, so the imaginary part over h is the derivative along d. Nothing is subtracted, so nothing is
lost to rounding, and h = 1e-100 leaves no error of its own. Source: Squire, Trapp, "Using Complex
Variables to Estimate Derivatives of Real Functions", SIAM Review 1998. The ops of npcnn.reference
take complex numbers for this.

**Differences** serve where complex numbers cannot go (a stranger's layer with `np.abs` in it):
central ones, extrapolated, with a push that is shortened until the function looks smooth.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.backend import using
from npcnn.layers.parts import learnt
from npcnn.symbolic import leaves_of

if TYPE_CHECKING:
    from npcnn.layers import Layer

Array = np.ndarray

STEP = 1e-100
BY_DIFFERENCES = 1e-6  # the relative error that differences can tell from none
FIRST_PUSH = 2.0**-10  # relative to the array's size
SHORTER = 0.25
PUSHES = 9


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
        with np.errstate(all="ignore"):
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
            far_right, far_left, right, left = sides
            value = (4 * (right + left) - (far_right + far_left)) / 6
            bend = abs((right - left) - (far_right - far_left) / 2)
            doubt = abs(value - before) + bend
            if doubt <= best.doubt:
                best = Slope(value, doubt, 2 * left - far_left, 2 * right - far_right)
            if doubt <= 1e-3 * BY_DIFFERENCES * abs(value):
                break
            before, push = value, push * SHORTER
        return best

    def steady(self) -> bool:
        """Whether f gives the same output twice."""
        first, second = (self._pushed(0, 0.0, self.arrays[0]) for _ in range(2))
        return np.array_equal(first, second, equal_nan=True)

    def _pushed(self, k: int, push: float, direction: Array) -> Array:
        arrays = list(self.arrays)
        arrays[k] = arrays[k] + push * direction
        return np.array(self.f(arrays), np.float64)

    def beside(self, generator: np.random.Generator) -> tuple[Function, list[Array]]:
        """Return the function at a place close by, where nothing is tied, and its gradients."""
        arrays = []
        for array in self.arrays:
            size = 1e-3 * (largest_of(array) or 1.0)
            arrays.append(array + size * random_direction(array.shape, generator))
        return replace(self, arrays=arrays), self.backward(arrays)


def of_layer(
    layer: Layer, x: Any, upstream: Array, training: bool = False, step: int = 0,
    to_logits: tuple[str, ...] = (),
) -> Function:  # fmt: skip
    """Return ⟨upstream, output⟩ of a layer as a function of its input and parameters.

    Args:
        layer: built, float64; it is copied, not touched.
        x: its input, or a list of them for a layer that merges.
        upstream: the gradient by its output.
        training: as `forward` takes it.
        step: as `forward` takes it.
        to_logits: activations; what the layer's own starts from, if among them, is the output.
    """
    xs = list(x) if layer.merges else [x]
    count = len(xs)

    def twin(arrays: list[Array]) -> tuple[Layer, Any]:
        dtype = np.result_type(*arrays)
        given = [array.astype(dtype) for array in arrays[:count]]
        return _twin(layer, arrays[count:], dtype), given if layer.merges else given[0]

    def forward(arrays: list[Array]) -> Array:
        other, x = twin(arrays)
        y = other.forward(x, training, step)
        logits = other.logits_of(to_logits) if to_logits else y
        assert logits is not None
        return np.append(y, sum(other._added)) if adds else logits

    shape = upstream.shape

    def backward(arrays: list[Array], upstream: Array | None = None) -> list[Array]:
        other, x = twin(arrays)
        other.forward(x, training, step)
        back = other.backward_logits if to_logits else other.backward
        given = own if upstream is None else upstream
        grad_x = back(given[: given.size - adds].reshape(shape) if adds else given.copy(), True)
        assert grad_x is not None
        grad_xs = grad_x if layer.merges else [grad_x]
        return [*grad_xs, *(gradient for _, _, gradient in learnt(other))]

    layer = copy.deepcopy(layer) if layer.recorded else copy.copy(layer)
    layer.drop_kept()
    adds = layer.recorded  # to the loss, perhaps, besides
    own = np.append(upstream, 1.0) if adds else upstream
    arrays = [np.array(array) for array in (*xs, *(v for _, v, _ in learnt(layer)))]
    total = float(np.abs(own * forward(arrays)).sum())
    sizes = []  # were no two summands of different sign, or no activation saturated
    for array, gradient in zip(arrays, backward(arrays, np.abs(own)), strict=True):
        flat = total / (largest_of(array) or 1.0)
        sizes.append(max(flat, largest_of(gradient)))
    return Function(forward, arrays, own, backward, sizes)


def _twin(layer: Layer, parameters: list[Array], dtype: Any) -> Layer:
    """Return a copy of a layer, and of those in it, with others of what is learnt."""
    other = copy.deepcopy(layer)  # with all it keeps: `forward` may change that
    rest = iter(parameters)
    for one in leaves_of(other, by_weights=True):  # as `learnt` has them
        one.dtype = dtype
        for name in one.parameter_names:
            value = (next(rest) if one.trainable else vars(one)[name]).astype(dtype)
            one.bind(name, value, np.zeros(value.shape, dtype))
        for name in one.state_names:
            one.bind(name, vars(one)[name].astype(dtype), None)
    return other


def random_direction(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Return numbers of either sign from 1/2 to 3/2.

    They have 20 binary digits, so that adding one to a number of like size, times a short push,
    rounds next to nothing off.
    """
    sizes = generator.integers(2**19, 3 * 2**19, shape) / 2**20
    return sizes * generator.choice([-1.0, 1.0], shape)


def largest_of(array: Array) -> float:
    """Return the largest absolute value."""
    return float(np.abs(array).max(initial=0.0))
