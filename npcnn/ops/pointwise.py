"""Arithmetic, comparisons and the functions of one number, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.ops.dtypes import dtype_of, floats, numbers
from npcnn.ops.entry import op
from npcnn.ops.tape import Back, require

Array = np.ndarray
Made = tuple[Any, Back | None]

# Two numbers ------------------------------------------------------------------------------------


@op(2)
def add(x1: Any, x2: Any) -> Made:
    """Return x1 + x2.

    >>> add([1, 2], [3, 4]).tolist()
    [4, 6]
    """
    return np.add(x1, x2), lambda g: (g, g)


@op(2)
def subtract(x1: Any, x2: Any) -> Made:
    """Return x1 − x2.

    >>> subtract([1, 2], [3, 4]).tolist()
    [-2, -2]
    """
    return np.subtract(numbers(x1), numbers(x2)), lambda g: (g, -g)


@op(2)
def multiply(x1: Any, x2: Any) -> Made:
    """Return x1 · x2.

    >>> multiply([1, 2], [3, 4]).tolist()
    [3, 8]
    """
    return np.multiply(x1, x2), lambda g: (g * x2, g * x1)


@op(2)
def true_divide(x1: Any, x2: Any) -> Made:
    """Return x1 / x2.

    >>> true_divide([1, 3], [2, 2]).tolist()
    [0.5, 1.5]
    """
    x1, x2 = floats(x1), floats(x2)
    y = np.true_divide(x1, x2)
    return y, lambda g: (g / x2, -g * y / x2)


@op(2)
def divide_no_nan(x1: Any, x2: Any) -> Made:
    """Return x1 / x2, and 0 where x2 is 0.

    >>> divide_no_nan([1.0, 3.0], [0.0, 2.0]).tolist()
    [0.0, 1.5]
    """
    x1, x2 = floats(x1), floats(x2)
    safe = np.where(np.equal(x2, 0), 1, x2)
    y = np.where(np.equal(x2, 0), 0, np.true_divide(x1, safe))
    return y, lambda g: (np.where(np.equal(x2, 0), 0, g / safe), -g * y / safe)


@op(2)
def floor_divide(x1: Any, x2: Any) -> Made:
    """Return the whole part of x1 / x2.

    >>> floor_divide([-7], [2]).tolist()
    [-4]
    """
    x1, x2 = numbers(x1), numbers(x2)
    return np.floor_divide(x1, x2), None


@op(2)
def mod(x1: Any, x2: Any) -> Made:
    """Return the rest of x1 / x2.

    >>> mod([-7], [3]).tolist()
    [2]
    """
    x1, x2 = numbers(x1), numbers(x2)
    return np.mod(x1, x2), lambda g: (g, -g * np.floor_divide(x1, x2))


@op(2)
def power(x1: Any, x2: Any) -> Made:
    """Return x1 to the power of x2.

    >>> power([2, 3], [3, 2]).tolist()
    [8, 9]
    """
    x1, x2 = numbers(x1), numbers(x2)
    y = np.power(x1, x2)

    def back(g: Array) -> Any:
        by_exponent = np.where(np.equal(x1, 0), 0, y * np.log(np.where(x1 == 0, 1, x1)))
        slope = np.where(np.equal(x2, 0), 0, x2 * np.power(x1, np.where(x2 == 0, 1, x2 - 1)))
        return g * slope.astype(g.dtype), g * by_exponent.astype(g.dtype)

    return y, back


def _chosen(x1: Any, x2: Any, first: Any) -> Back:
    tie = np.where(np.equal(x1, x2), 0.5, np.where(first, 1.0, 0.0))
    return lambda g: (g * tie.astype(g.dtype), g * (1 - tie).astype(g.dtype))


@op(2)
def maximum(x1: Any, x2: Any) -> Made:
    """Return the larger of both; the gradient of equal ones is halved.

    >>> maximum([1, 5], [3, 4]).tolist()
    [3, 5]
    """
    return np.maximum(x1, x2), _chosen(x1, x2, np.greater(x1, x2))


@op(2)
def minimum(x1: Any, x2: Any) -> Made:
    """Return the smaller of both; the gradient of equal ones is halved.

    >>> minimum([1, 5], [3, 4]).tolist()
    [1, 4]
    """
    return np.minimum(x1, x2), _chosen(x1, x2, np.less(x1, x2))


@op(3, meet=1)
def where(condition: Any, x1: Any = None, x2: Any = None) -> Made:
    """Return x1 where the condition holds, x2 elsewhere; alone, the places where it does.

    >>> where([True, False], [1, 2], [3, 4]).tolist()
    [1, 4]

    >>> where([True, False], [1, 2], [3, 4]).tolist()
    [1, 4]
    """
    if x1 is None:
        return np.stack(np.where(condition)).astype("int32"), None
    require(x2 is not None, "ops.where", "both x1 and x2, or none", "one", "give the other one")
    yes = np.asarray(condition, bool)
    return np.where(yes, x1, x2), lambda g: (None, np.where(yes, g, 0), np.where(yes, 0, g))


@op(3)
def clip(x: Any, x_min: Any, x_max: Any) -> Made:
    """Return x held between two bounds.

    >>> clip([-1, 5], 0, 3).tolist()
    [0, 3]

    >>> clip([-1.0, 0.5, 2.0], 0, 1).tolist()
    [0.0, 0.5, 1.0]
    """
    x = numbers(x)
    inside = np.greater_equal(x, x_min) & np.less_equal(x, x_max)
    return np.clip(x, x_min, x_max), lambda g: (np.where(inside, g, 0), None, None)


def comparison(name: str, sign: str) -> Any:
    """Return NumPy's comparison of this name as a function of npcnn.ops."""
    function = getattr(np, name)

    def compare(x1: Any, x2: Any) -> Made:
        return function(x1, x2), None

    compare.__name__ = compare.__qualname__ = name
    compare.__doc__ = f"Return whether x1 {sign} x2, element by element."
    return op(2)(compare)


equal = comparison("equal", "=")
not_equal = comparison("not_equal", "≠")
greater = comparison("greater", ">")
greater_equal = comparison("greater_equal", "≥")
less = comparison("less", "<")
less_equal = comparison("less_equal", "≤")
logical_and = comparison("logical_and", "and")
logical_or = comparison("logical_or", "or")

# One number -------------------------------------------------------------------------------------


def of_one(name: str, value: Any, slope: Any, formula: str, taken: Any = floats) -> Any:
    """Return y = value(x) with dy/dx = slope(x, y); None for one that is 0 everywhere.

    `taken` says what the numbers are made before: floats, or with `numbers` whole ones stay whole.
    """

    def function(x: Any) -> Made:
        x = taken(x)
        y = value(x)
        return y, lambda g: (np.zeros_like(g) if slope is None else g * slope(x, y),)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return {formula}, element by element."
    return op(1)(function)


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


negative = of_one("negative", np.negative, lambda x, y: -1, "−x", numbers)
absolute = of_one("absolute", np.abs, lambda x, y: np.sign(x), "|x|", np.asarray)
square = of_one("square", np.square, lambda x, y: 2 * x, "x²", numbers)
sqrt = of_one("sqrt", np.sqrt, lambda x, y: 0.5 / y, "√x")
rsqrt = of_one("rsqrt", lambda x: 1 / np.sqrt(x), lambda x, y: -0.5 * y / x, "1 / √x")
reciprocal = of_one("reciprocal", lambda x: 1 / x, lambda x, y: -y * y, "1 / x")
exp = of_one("exp", np.exp, lambda x, y: y, "eˣ")
expm1 = of_one("expm1", np.expm1, lambda x, y: y + 1, "eˣ − 1")
log = of_one("log", np.log, lambda x, y: 1 / x, "ln x")
log1p = of_one("log1p", np.log1p, lambda x, y: 1 / (1 + x), "ln(1 + x)")
log2 = of_one("log2", np.log2, lambda x, y: 1 / (x * np.log(2)), "log₂ x")
log10 = of_one("log10", np.log10, lambda x, y: 1 / (x * np.log(10)), "log₁₀ x")
sin = of_one("sin", np.sin, lambda x, y: np.cos(x), "sin x")
cos = of_one("cos", np.cos, lambda x, y: -np.sin(x), "cos x")
tan = of_one("tan", np.tan, lambda x, y: 1 + y * y, "tan x")
arctan = of_one("arctan", np.arctan, lambda x, y: 1 / (1 + x * x), "arctan x")
sinh = of_one("sinh", np.sinh, lambda x, y: np.cosh(x), "sinh x")
cosh = of_one("cosh", np.cosh, lambda x, y: np.sinh(x), "cosh x")
tanh = of_one("tanh", np.tanh, lambda x, y: 1 - y * y, "tanh x")
sigmoid = of_one("sigmoid", _sigmoid, lambda x, y: y * (1 - y), "1 / (1 + e⁻ˣ)")
softplus = of_one("softplus", _softplus, lambda x, y: _sigmoid(x), "ln(1 + eˣ)")
relu = of_one("relu", lambda x: np.maximum(x, 0), lambda x, y: x > 0, "max(x, 0)", np.asarray)
silu = of_one(
    "silu", lambda x: x * _sigmoid(x),
    lambda x, y: _sigmoid(x) * (1 + x * (1 - _sigmoid(x))), "x · sigmoid(x)",
)  # fmt: skip
sign = of_one("sign", np.sign, None, "the sign of x", numbers)
floor = of_one("floor", np.floor, None, "the next whole number below")
ceil = of_one("ceil", np.ceil, None, "the next whole number above")
abs = absolute
swish = silu
divide = true_divide
pow = power


@op(1)
def round(x: Any, decimals: int = 0) -> Made:
    """Return x rounded, halves to even ones.

    >>> round([0.5, 1.5]).tolist()
    [0.0, 2.0]
    """
    return np.round(x, decimals), lambda g: (np.zeros_like(g),)


def question(name: str, function: Any, what: str) -> Any:
    """Return a function of npcnn.ops that asks something of each number, without a way back."""

    def ask(x: Any) -> Made:
        return function(x), None

    ask.__name__ = ask.__qualname__ = name
    ask.__doc__ = f"Return where x {what}."
    return op(1)(ask)


isnan = question("isnan", np.isnan, "is no number")
isfinite = question("isfinite", np.isfinite, "is finite")
isinf = question("isinf", np.isinf, "is infinite")
logical_not = question("logical_not", np.logical_not, "is false")


@op(1)
def cast(x: Any, dtype: Any) -> Made:
    """Return x in another dtype.

    >>> cast([1.7], "int32").tolist()
    [1]
    """
    y = np.asarray(x).astype(dtype_of(dtype))
    return y, (lambda g: (g,)) if y.dtype.kind == "f" else None


@op(1)
def stop_gradient(variable: Any) -> Made:
    """Return numbers as they are; the gradient ends here.

    >>> stop_gradient([1.0]).tolist()
    [1.0]
    """
    return np.asarray(variable), None
