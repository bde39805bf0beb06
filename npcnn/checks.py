"""The errors npcnn raises, the one form of their text, and the argument checks that many share.

Every message is a single line: *where: expected X, got Y; what to do.*
"""

from __future__ import annotations

import difflib
import math
import numbers
import os
import reprlib
from collections.abc import Iterable, Sized
from typing import Any

import numpy as np

from npcnn import mapped

__all__ = [
    "ArgumentError", "DtypeError", "FileError", "FormatError", "NpcnnError", "NpcnnWarning",
    "NumericsError", "StateError",
]  # fmt: skip


class NpcnnError(Exception):
    """Any error that npcnn itself raises."""


class ArgumentError(NpcnnError, ValueError):
    """An argument has a wrong value or shape."""


class DtypeError(NpcnnError, TypeError):
    """An argument has a wrong type or dtype."""


class StateError(NpcnnError, RuntimeError, ValueError):
    """A call came too early: the model is not built, compiled or fed yet; Keras's ValueError."""


class FileError(NpcnnError, OSError):
    """A file or folder cannot be found, read or written."""


class FormatError(NpcnnError, ValueError):
    """A file was read, and what it holds is wrong."""


class NumericsError(NpcnnError, ArithmeticError):
    """A NaN or an infinity arose where numbers were due."""


class NpcnnWarning(UserWarning):
    """Something that is allowed and will hardly end well."""


LONGEST = 240  # characters of one part of a message


def message(where: str, expected: str, got: str, fix: str, *, longest: int = LONGEST) -> str:
    """Return the one-line text of an error: ``where: expected …, got …; fix.``

    No part has more than ``longest`` characters, whatever was given; more than the default is for
    lists of what is wrong. What cannot be printed is escaped.

    >>> message("Dense(units)", "a positive integer", "-3", "say how many outputs it has")
    'Dense(units): expected a positive integer, got -3; say how many outputs it has.'
    """
    where, expected, got, fix = (bounded(part, longest) for part in (where, expected, got, fix))
    return f"{where}: expected {expected}, got {got}; {fix}."


def bounded(text: str, longest: int = LONGEST) -> str:
    """Return a text as one line that can be printed, its middle left out if it is long.

    >>> bounded("a" * 50, 11)
    'aaaaa…aaaaa'
    """
    if len(text) > 4 * longest:
        text = text[: 2 * longest] + text[-2 * longest :]
    text = " ".join(text.split())
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    half = (longest - 1) // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[-half:]}"


class _Shown(reprlib.Repr):
    """How a value is repeated in a message: a line of some 80 characters at most."""

    maxstring = maxother = maxlong = 80
    maxlevel = 2

    def repr_int(self, x: int, level: int) -> str:
        """Return the number, unless writing it out would take long."""
        if abs(x) >= 1 << 250:
            return f"an integer of {x.bit_length()} bits"
        return super().repr_int(x, level)


def shown(value: Any) -> str:
    """Return a value as a message repeats it: short, whatever it is.

    >>> shown(-3), shown(np.zeros((2, 3))), shown(10**400)
    ('-3', 'an array (2, 3) of float64', 'an integer of 1329 bits')
    """
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, np.ndarray):
        return f"an array {value.shape} of {bounded(str(value.dtype), 40)}"
    if isinstance(value, int):  # True and an enumeration's members, too
        return bounded(_Shown().repr_int(value, 0), 80)
    return bounded(_Shown().repr(value), 80)


def positive_int(
    value: Any, where: str, fix: str = "give a whole number of 1 or more", most: int = 2**63 - 1
) -> int:
    """Return ``value`` as an int of at least 1 and at most `most`, or raise ArgumentError."""
    if not is_whole(value) or not 1 <= value <= most:
        expected = "a positive integer" + (f" up to {most:,}" if most < LARGEST else "")
        raise ArgumentError(message(where, expected, shown(value), fix))
    return int(value)


def count(value: Any, where: str, fix: str = "give a whole number of 0 or more") -> int:
    """Return ``value`` as an int of at least 0, or raise ArgumentError."""
    if not is_whole(value) or not 0 <= value <= LARGEST:
        raise ArgumentError(message(where, "an integer of 0 or more", shown(value), fix))
    return int(value)


def whole(value: Any, where: str, fix: str = "give a whole number") -> int:
    """Return ``value`` as an int of 64 bits, or raise ArgumentError."""
    if not is_whole(value) or not -LARGEST <= value <= LARGEST:
        raise ArgumentError(message(where, "an integer", shown(value), fix))
    return int(value)


LARGEST = 2**63 - 1


def is_whole(value: Any) -> bool:
    """Whether value is an integer and no truth value."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether value is a finite real number and no truth value.

    >>> is_number(1.5), is_number(float("nan")), is_number(True), is_number(10**400)
    (True, False, False, False)
    """
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def number(
    value: Any, where: str, fix: str = "give such a number", most: float = math.inf
) -> float:
    """Return ``value`` as a finite float of at most `most` in size, or raise ArgumentError."""
    if is_number(value) and abs(value) <= most:
        return float(value)
    expected = "a finite number" + (f" up to {most:g} in size" if is_number(value) else "")
    raise ArgumentError(message(where, expected, shown(value), fix))


def non_negative(
    value: Any, where: str, fix: str = "give such a number", most: float = math.inf
) -> float:
    """Return ``value`` as a finite float from 0 to `most`, or raise ArgumentError."""
    if is_number(value) and 0 <= value <= most:
        return float(value)
    expected = "a number ≥ 0" + (f", at most {most:g}" if is_number(value) and value > 0 else "")
    raise ArgumentError(message(where, expected, shown(value), fix))


def positive(value: Any, where: str, fix: str = "give such a number", most: float = 1e30) -> float:
    """Return ``value`` as a float above 0 and at most `most`, or raise ArgumentError."""
    if is_number(value) and 0 < value <= most:
        return float(value)
    raise ArgumentError(message(where, f"a number > 0, at most {most:g}", shown(value), fix))


def fraction(value: Any, where: str, fix: str = "give such a number") -> float:
    """Return ``value`` as a float in [0, 1), or raise ArgumentError."""
    if is_number(value) and 0 <= value < 1:
        return float(value)
    expected = "a number from 0 up to, not including, 1"
    raise ArgumentError(message(where, expected, shown(value), fix))


def flag(value: Any, where: str) -> bool:
    """Return ``value`` as a bool; 0 and 1 are taken as well. Raises ArgumentError otherwise."""
    if isinstance(value, (bool, np.bool_)) or (is_whole(value) and value in (0, 1)):
        return bool(value)
    raise ArgumentError(message(where, "True or False", shown(value), "give True or False"))


def text(value: Any, where: str, fix: str = "give a text") -> str:
    """Return ``value`` as a str that can be written anywhere, or raise ArgumentError."""
    if isinstance(value, str) and len(value) <= 10_000:
        try:
            value.encode()
            if "\0" not in value:
                return str(value)
        except UnicodeEncodeError:  # half of a surrogate pair
            pass
    raise ArgumentError(message(where, "a text", shown(value), fix))


def check_name(value: Any, where: str, without: str = "/") -> str:
    """Return ``value`` if it is a text that files can keep as a name, or raise ArgumentError.

    Args:
        value: what is to become a name.
        where: for the message.
        without: characters that must not be in it, beside what no text may hold.

    >>> check_name("conv2d", "Conv2D(name)")
    'conv2d'
    """
    try:
        name = text(value, where)
    except ArgumentError:
        name = ""
    if name and not set(name) & set(without):
        return name
    barred = f"{without!r}, " if without else ""
    expected = f"a text without {barred}NUL or half a character"
    raise ArgumentError(message(where, expected, shown(value), "give a short text"))


def path(value: Any, where: str) -> str:
    """Return a file's name as text, or raise ArgumentError for what can be none."""
    try:
        name = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
        if isinstance(name, str) and name and "\0" not in name and os.fsencode(name):
            return name
    except (UnicodeEncodeError, TypeError):  # what no file system can hold; a broken __fspath__
        pass
    raise ArgumentError(message(where, "a path", shown(value), "give a file's name as text"))


def positive_pair(value: Any, where: str) -> tuple[int, int]:
    """Return one positive integer, or two, as a pair ``(rows, columns)``.

    >>> positive_pair(3, "Conv2D(kernel_size)")
    (3, 3)
    """
    both = value if isinstance(value, (tuple, list)) else (value, value)
    if len(both) == 2 and all(is_whole(v) and 1 <= v <= LARGEST for v in both):
        return int(both[0]), int(both[1])
    expected = "a positive integer or a pair of them"
    fix = "give one number for rows and columns alike, or a pair (rows, columns)"
    raise ArgumentError(message(where, expected, shown(value), fix))


def one_of(value: Any, choices: Iterable[str], where: str) -> str:
    """Return ``value`` if it is one of the names, or raise ArgumentError naming the nearest."""
    names, is_text = list(choices), isinstance(value, str)
    if is_text and value in names:
        return str(value)
    near = difflib.get_close_matches(bounded(str(value), 80), names, n=1) if is_text else []
    fix = f"perhaps {near[0]!r} was meant" if near else "use one of these names"
    raise ArgumentError(message(where, f"one of {', '.join(names)}", shown(value), fix))


def as_numbers(x: Any, where: str) -> np.ndarray:
    """Return x as an array of integers or floats with at least one axis, or raise DtypeError.

    A masked array is refused: what its mask hides would be learnt from.
    """
    if type(x) is np.ndarray and x.ndim and x.dtype.kind in "fiub":
        return x
    got, fix = "None" if x is None else "", ""
    if isinstance(x, np.ma.MaskedArray):
        got, fix = "a masked array", "fill what is masked with x.filled(…) or leave it out"
    try:
        x = np.asarray(x)
    except Exception as error:  # rows of different lengths; whatever an __array__ of others raises
        unequal = isinstance(x, (list, tuple))
        got = got or ("a list of unequal parts" if unequal else f"{shown(x)} ({error})")
        x = np.empty(0, object)
    if got or x.dtype.kind not in "fiub" or x.ndim == 0:
        got = got or (f"dtype {x.dtype}" if x.ndim else f"{x.dtype} without axes")
        fix = fix or "give an array of integers or floats, samples along the first axis"
        raise DtypeError(message(where, "an array of numbers", got, fix))
    return x


def arrays_in(value: Any, where: str) -> Any:
    """Return numbers as an array; a list or dict of arrays as one of arrays.

    Raises DtypeError for what is neither.
    """
    if isinstance(value, dict):
        return {str(name): as_numbers(one, where) for name, one in value.items()}
    listed = isinstance(value, (list, tuple)) and len(value) > 0
    if (
        listed
        and all(getattr(one, "ndim", 0) > 0 for one in value)
        and (len(value) > 1 or value[0].ndim > 1)
    ):
        return [as_numbers(one, where) for one in value]
    return as_numbers(value, where)


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


HEAVIEST = 1e12  # a weight or target; beyond it a float32 gradient's square is soon infinite


def check_finite(x: np.ndarray, where: str, dtype: Any = np.float64) -> None:
    """Raise ArgumentError if a number is none, or infinite in `dtype`; looks part by part."""
    if x.dtype.kind != "f":
        return
    largest = np.finfo(dtype).max
    part = max(1, 1_000_000 // max(1, math.prod(x.shape[1:])))
    first, last = mapped.own_rows(x)
    for start in range(first, last, part):
        some = x[start : min(start + part, last)]
        bad = ~(np.abs(some) <= largest)  # NaN is not below anything
        if bad.any():
            value = some[bad][0]
            got = f"{value} in sample {start + first_bad(bad)}"
            fix = "mend or drop that sample"
            expected = "finite numbers"
            if np.isfinite(value):
                expected, fix = f"numbers within {np.dtype(dtype)}", "scale the data"
            raise ArgumentError(message(where, expected, got, fix))


def check_weights(
    weights: Any, n: int, where: str, rows: tuple[int, ...] = ()
) -> np.ndarray | None:
    """Return sample weights as floats (n,) or (n, *rows), or raise an error; None stays None.

    Args:
        weights: a number for all; one a sample, (n,) or (n, 1); or one for each of the rows of
            outputs that a sample has, (n, *rows).
        n: how many samples there are.
        where: the call and argument, for the message.
        rows: a sample's rows: the axes of the output between the batch and the classes.
    """
    if weights is None:
        return None
    if is_number(weights):
        weights = np.full(n, float(weights))
    array = as_numbers(weights, where)
    if array.shape[-1] == 1 and array.shape[:-1] in ((n,), (n, *rows)):
        array = array[..., 0]
    if array.shape not in ((n,), (n, *rows)):
        expected = f"one weight a sample, ({n},)" + (f" or a row, {(n, *rows)}" if rows else "")
        raise ArgumentError(message(where, expected, str(array.shape), f"give {n} numbers"))
    check_finite(array, where)
    if (array < 0).any():
        fix = "use 0 to leave a sample out"
        got = f"{array.min()} in sample {first_bad(array < 0)}"
        raise ArgumentError(message(where, "weights ≥ 0", got, fix))
    check_size(array, where, "weights")
    return array.astype(np.float64)


def check_size(array: np.ndarray, where: str, what: str) -> None:
    """Raise ArgumentError for finite numbers with which training would run into infinity."""
    if array.dtype.kind == "b" or not array.size:
        return
    if max(float(array.max()), -float(array.min())) > HEAVIEST:
        got = str(array.max() if array.max() > HEAVIEST else array.min())
        fix = "scale them down: it is their ratio that matters"
        raise ArgumentError(message(where, f"{what} up to {HEAVIEST:g}", got, fix))


def first_bad(bad: np.ndarray) -> int:
    """Return the first sample that has a True in it."""
    return int(np.argwhere(bad)[0][0])
