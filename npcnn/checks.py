"""The errors npcnn raises, the one form of their text, and the argument checks that many share.

Every message is a single line: *where: expected X, got Y; what to do.*
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sized
from typing import Any

import numpy as np


class NpcnnError(Exception):
    """Any error that npcnn itself raises."""


class ArgumentError(NpcnnError, ValueError):
    """An argument has a wrong value or shape."""


class DtypeError(NpcnnError, TypeError):
    """An argument has a wrong type or dtype."""


class StateError(NpcnnError, RuntimeError):
    """A call came too early: the model is not built, compiled or fed yet."""


class FileError(NpcnnError, OSError):
    """A file or folder cannot be found, read or written."""


class FormatError(NpcnnError, ValueError):
    """A file was read, and what it holds is wrong."""


class NumericsError(NpcnnError, ArithmeticError):
    """A NaN or an infinity arose where numbers were due."""


class NpcnnWarning(UserWarning):
    """Something that is allowed and will hardly end well."""


def message(where: str, expected: str, got: str, fix: str) -> str:
    """Return the one-line text of an error: ``where: expected …, got …; fix.``

    >>> message("Dense(units)", "a positive integer", "-3", "say how many outputs it has")
    'Dense(units): expected a positive integer, got -3; say how many outputs it has.'
    """
    line = f"{where}: expected {expected.strip()}, got {got.strip()}; {fix}."
    return " ".join(line.split())


def positive_int(value: Any, where: str, fix: str = "give a whole number of 1 or more") -> int:
    """Return ``value`` as an int of at least 1, or raise ArgumentError."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(message(where, "a positive integer", repr(value), fix))
    return int(value)


def positive_pair(value: Any, where: str) -> tuple[int, int]:
    """Return one positive integer, or two, as a pair ``(rows, columns)``.

    >>> positive_pair(3, "Conv2D(kernel_size)")
    (3, 3)
    """
    both = value if isinstance(value, (tuple, list)) else (value, value)
    if len(both) == 2 and all(
        isinstance(v, (int, np.integer)) and not isinstance(v, bool) and v >= 1 for v in both
    ):
        return int(both[0]), int(both[1])
    expected = "a positive integer or a pair of them"
    fix = "give one number for rows and columns alike, or a pair (rows, columns)"
    raise ArgumentError(message(where, expected, repr(value), fix))


def fraction(value: Any, where: str, fix: str = "give such a number") -> float:
    """Return ``value`` as a float in [0, 1), or raise ArgumentError."""
    if (
        isinstance(value, (int, float, np.floating))
        and not isinstance(value, bool)
        and 0 <= value < 1
    ):
        return float(value)
    expected = "a number from 0 up to, not including, 1"
    raise ArgumentError(message(where, expected, repr(value), fix))


def one_of(value: Any, choices: Iterable[str], where: str) -> str:
    """Return ``value`` if it is one of the names, or raise ArgumentError naming the nearest."""
    names = list(choices)
    if isinstance(value, str) and value in names:
        return value
    near = difflib.get_close_matches(str(value), names, n=1)
    fix = f"perhaps {near[0]!r} was meant" if near else "use one of these names"
    raise ArgumentError(message(where, f"one of {', '.join(names)}", repr(value), fix))


def as_numbers(x: Any, where: str) -> np.ndarray:
    """Return x as an array of integers or floats with at least one axis, or raise DtypeError."""
    got = "None" if x is None else ""
    try:
        x = np.asarray(x)
    except ValueError:  # rows of different lengths
        x, got = np.empty(0, object), "a list of unequal parts"
    if x.dtype.kind not in "fiub" or x.ndim == 0:
        got = got or (f"dtype {x.dtype}" if x.ndim else f"{x.dtype} without axes")
        fix = "give an array of integers or floats, samples along the first axis"
        raise DtypeError(message(where, "an array of numbers", got, fix))
    return x


def same_length(first: Sized, second: Sized, where: str, names: tuple[str, str]) -> None:
    """Raise ArgumentError unless both hold as many samples."""
    if len(first) != len(second):
        raise ArgumentError(
            message(
                where,
                f"as many {names[1]} as {names[0]} ({len(first)})",
                str(len(second)),
                f"give one entry of {names[1]} for each sample",
            )
        )
