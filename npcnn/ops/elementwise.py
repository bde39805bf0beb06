"""Rarer functions of one number or two, element by element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npcnn.ops.dtypes import dtype_of, floats, numbers
from npcnn.ops.entry import Scalar, op
from npcnn.ops.pointwise import Made, comparison, of_one, question
from npcnn.ops.tape import require

Array = np.ndarray
HALF_ROOT = math.sqrt(math.pi) / 2


def _sinc_slope(x: Array, y: Array) -> Array:
    return np.where(x == 0, 0, (np.cos(math.pi * x) - y) / np.where(x == 0, 1, x))


def _each(function: Any) -> Any:
    """Return a function of Python's math as one of arrays."""
    whole = np.frompyfunc(function, 1, 1)
    return lambda x: np.asarray(whole(x), x.dtype)


def _erfinv(x: float) -> float:
    """Return the number whose error function is x, by Newton's method from Winitzki's start."""
    if not -1 < x < 1:
        return math.copysign(math.inf, x) if abs(x) == 1 else math.nan
    a, low = 0.147, math.log1p(-x * x)
    b = 2 / (math.pi * a) + low / 2
    y = math.copysign(math.sqrt(math.sqrt(b * b - low / a) - b), x)
    for _ in range(4):
        y -= (math.erf(y) - x) * HALF_ROOT * math.exp(y * y)
    return y


arccos = of_one("arccos", np.arccos, lambda x, y: -1 / np.sqrt(1 - x * x), "arccos x")
arcsin = of_one("arcsin", np.arcsin, lambda x, y: 1 / np.sqrt(1 - x * x), "arcsin x")
arccosh = of_one("arccosh", np.arccosh, lambda x, y: 1 / np.sqrt(x * x - 1), "arcosh x")
arcsinh = of_one("arcsinh", np.arcsinh, lambda x, y: 1 / np.sqrt(x * x + 1), "arsinh x")
arctanh = of_one("arctanh", np.arctanh, lambda x, y: 1 / (1 - x * x), "artanh x")
cbrt = of_one("cbrt", np.cbrt, lambda x, y: 1 / (3 * y * y), "the cube root of x")
exp2 = of_one("exp2", np.exp2, lambda x, y: y * math.log(2), "2ˣ")
deg2rad = of_one("deg2rad", np.deg2rad, lambda x, y: math.pi / 180, "x degrees as radians")
rad2deg = of_one("rad2deg", np.rad2deg, lambda x, y: 180 / math.pi, "x radians as degrees")
fabs = of_one("fabs", np.fabs, lambda x, y: np.sign(x), "|x|")
sinc = of_one("sinc", np.sinc, _sinc_slope, "sin(πx) / πx")
erfc = of_one("erfc", _each(math.erfc), lambda x, y: -np.exp(-x * x) / HALF_ROOT, "1 − erf(x)")
erfinv = of_one(
    "erfinv", _each(_erfinv), lambda x, y: HALF_ROOT * np.exp(y * y), "what has the erf x"
)
trunc = of_one("trunc", np.trunc, None, "x without what is behind the point", numbers)
real = of_one("real", np.real, lambda x, y: 1, "x, which is real", np.asarray)
conjugate = of_one("conjugate", np.conj, lambda x, y: 1, "x, which is real", np.asarray)
copy = of_one("copy", np.array, lambda x, y: 1, "a copy", np.asarray)
conj = conjugate

isposinf = question("isposinf", np.isposinf, "is ∞")
isneginf = question("isneginf", np.isneginf, "is −∞")
signbit = question("signbit", np.signbit, "has a sign")
isreal = question("isreal", np.isreal, "is a real number, as all are")
logical_xor = comparison("logical_xor", "or, not both,")


@op(2)
def arctan2(x1: Any, x2: Any) -> Made:
    """Return the angle of the point (x2, x1).

    >>> arctan2([1.0], [0.0]).round(4)
    array([1.5708], dtype=float32)
    """
    x1, x2 = floats(x1), floats(x2)
    squares = x1 * x1 + x2 * x2
    return np.arctan2(x1, x2), lambda g: (g * x2 / squares, -g * x1 / squares)


@op(2)
def hypot(x1: Any, x2: Any) -> Made:
    """Return √(x1² + x2²).

    >>> hypot([3.0], [4.0]).tolist()
    [5.0]
    """
    x1, x2 = floats(x1), floats(x2)
    y = np.hypot(x1, x2)
    return y, lambda g: (g * x1 / y, g * x2 / y)


@op(2)
def logaddexp(x1: Any, x2: Any) -> Made:
    """Return ln(e^x1 + e^x2).

    >>> logaddexp([0.0], [0.0]).round(4)
    array([0.6931], dtype=float32)
    """
    x1, x2 = floats(x1), floats(x2)
    y = np.logaddexp(x1, x2)
    return y, lambda g: (g * np.exp(x1 - y), g * np.exp(x2 - y))


@op(2)
def logaddexp2(x1: Any, x2: Any) -> Made:
    """Return log₂(2^x1 + 2^x2).

    >>> logaddexp2([0.0], [0.0]).tolist()
    [1.0]
    """
    x1, x2 = floats(x1), floats(x2)
    y = np.logaddexp2(x1, x2)
    return y, lambda g: (g * np.exp2(x1 - y), g * np.exp2(x2 - y))


def _first(x1: Array, x2: Array, chosen: Array) -> Any:
    """Return the way back from one of two numbers; equal ones share it."""
    tie = np.where(np.equal(x1, x2), 0.5, np.where(chosen, 1.0, 0.0))
    return lambda g: (g * tie.astype(g.dtype), g * (1 - tie).astype(g.dtype))


@op(2)
def fmax(x1: Any, x2: Any) -> Made:
    """Return the larger of both, and of a number and NaN the number.

    >>> fmax([1.0, math.nan], [0.0, 2.0]).tolist()
    [1.0, 2.0]
    """
    return np.fmax(x1, x2), _first(x1, x2, np.greater(x1, x2) | np.isnan(x2))


@op(2)
def fmin(x1: Any, x2: Any) -> Made:
    """Return the smaller of both, and of a number and NaN the number.

    >>> fmin([1.0, math.nan], [0.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    return np.fmin(x1, x2), _first(x1, x2, np.less(x1, x2) | np.isnan(x2))


@op(2)
def fmod(x1: Any, x2: Any) -> Made:
    """Return the rest of x1 / x2, with the sign of x1.

    >>> fmod([-7.0], [3.0]).tolist()
    [-1.0]
    """
    x1, x2 = numbers(x1), numbers(x2)
    return np.fmod(x1, x2), lambda g: (g, -g * np.trunc(x1 / x2))


@op(2)
def heaviside(x1: Any, x2: Any) -> Made:
    """Return 0 below 0, 1 above, and x2 at it.

    >>> heaviside([-1.0, 0.0, 2.0], 0.5).tolist()
    [0.0, 0.5, 1.0]
    """
    x1, x2 = floats(x1), floats(x2)
    return np.heaviside(x1, x2), lambda g: (np.zeros_like(g), np.where(np.equal(x1, 0), g, 0))


@op(2, meet=False)
def ldexp(x1: Any, x2: Any) -> Made:
    """Return x1 · 2^x2.

    >>> ldexp([3.0], [2]).tolist()
    [12.0]
    """
    x1, x2 = floats(x1), np.asarray(x2)
    require(x2.dtype.kind in "iub", "ops.ldexp(x2)", "whole numbers", x2, "use exp2 for others")
    scale = np.exp2(x2.astype(x1.dtype))
    return x1 * scale, lambda g: (g * scale, None)


@op(2)
def nextafter(x1: Any, x2: Any) -> Made:
    """Return the number of the same kind that comes next to x1 on the way to x2.

    >>> bool((nextafter([1.0], [2.0]) > 1).all())
    True
    """
    return np.nextafter(floats(x1), floats(x2)), None


@op(2)
def isclose(
    x1: Any, x2: Any, rtol: Scalar = 1e-05, atol: Scalar = 1e-08, equal_nan: bool = False
) -> Made:
    """Return where |x1 − x2| ≤ atol + rtol · |x2|.

    >>> isclose([1.0, 1.0], [1.0, 1.1]).tolist()
    [True, False]
    """
    return np.isclose(x1, x2, float(rtol), float(atol), equal_nan), None


@op(2)
def allclose(
    x1: Any, x2: Any, rtol: Scalar = 1e-05, atol: Scalar = 1e-08, equal_nan: bool = False
) -> Made:
    """Return whether |x1 − x2| ≤ atol + rtol · |x2| everywhere.

    >>> bool(allclose([1.0, 1.0], [1.0, 1.1]))
    False
    """
    return np.asarray(np.allclose(x1, x2, float(rtol), float(atol), equal_nan)), None


@op(1)
def nan_to_num(
    x: Any, nan: Scalar = 0.0, posinf: Scalar | None = None, neginf: Scalar | None = None
) -> Made:
    """Return x with numbers in place of NaN and ∞; without others the largest there are.

    >>> nan_to_num([math.nan, 1.0]).tolist()
    [0.0, 1.0]
    """
    x = np.asarray(x)
    return np.nan_to_num(x, True, nan, posinf, neginf), lambda g: (np.where(np.isfinite(x), g, 0),)


@op(1)
def saturate_cast(x: Any, dtype: Any) -> Made:
    """Return x in another dtype, held to what it has numbers for.

    >>> saturate_cast([-5.0, 300.0], "uint8").tolist()
    [0, 255]
    """
    x, kind = np.asarray(x), dtype_of(dtype)
    if kind.kind == "b":
        return x.astype(kind), None
    ends: Any = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    if kind.kind == "f" or x.dtype.kind == "f":
        low, high = float(ends.min), float(ends.max)
    else:
        own = np.iinfo("uint8" if x.dtype.kind == "b" else x.dtype)
        low, high = (min(max(one, own.min), own.max) for one in (int(ends.min), int(ends.max)))
    held = np.asarray(np.clip(x, low, high))
    over, under = x >= high, x <= low
    y = held.astype(kind)
    if kind.kind != "f" and x.dtype.kind == "f":  # floats have not all of the largest whole numbers
        y = np.where(over, ends.max, np.where(under, ends.min, y)).astype(kind)
    return y, (lambda g: (np.where(over | under, 0, g),)) if kind.kind == "f" else None


def _bits(name: str, function: Any, sign: str) -> Any:
    def both(x: Any, y: Any) -> Made:
        return function(x, y), None

    both.__name__ = both.__qualname__ = name
    both.__doc__ = f"Return x {sign} y of whole numbers, bit by bit."
    return op(2)(both)


bitwise_and = _bits("bitwise_and", np.bitwise_and, "and")
bitwise_or = _bits("bitwise_or", np.bitwise_or, "or")
bitwise_xor = _bits("bitwise_xor", np.bitwise_xor, "or, not both,")
bitwise_left_shift = _bits("bitwise_left_shift", np.left_shift, "moved up by")
bitwise_right_shift = _bits("bitwise_right_shift", np.right_shift, "moved down by")
left_shift = _bits("left_shift", np.left_shift, "moved up by")
right_shift = _bits("right_shift", np.right_shift, "moved down by")
bitwise_not = question("bitwise_not", np.bitwise_not, "has no bit")
bitwise_invert = bitwise_not


@op(2)
def gcd(x1: Any, x2: Any) -> Made:
    """Return the largest whole number that divides both.

    >>> gcd([12], [18]).tolist()
    [6]
    """
    return np.gcd(x1, x2), None


@op(2)
def lcm(x1: Any, x2: Any) -> Made:
    """Return the smallest whole number that both divide.

    >>> lcm([4], [6]).tolist()
    [12]
    """
    return np.lcm(x1, x2), None
