"""What an op was given, held against its contract, a text in OPS (`npcnn/contracts.py`)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from npcnn.checks import ArgumentError, DtypeError, message

FLOATS = (np.dtype("float32"), np.dtype("float64"))


class Argument(NamedTuple):
    """One array of an op, as its contract says."""

    name: str
    front: list[str]  # the axes before `...`, or all of them
    back: list[str] | None  # the axes behind it; None without `...`
    optional: bool
    written: bool
    free: bool  # of any dtype
    many: bool  # a list of them


def parsed(part: str) -> Argument:
    """Return an argument from its part of a contract: '=grad_bias?: F'."""
    name, axes = part.split(":")
    own = name.strip(" =~?*")
    front, dots, back = axes.partition("...")
    behind = back.split() if dots else None
    flags = [sign in name for sign in "?=~*"]
    return Argument(own, front.split(), behind, *flags)


def in_place(function: Callable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Return arguments given by name in their places, defaults among them."""
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.args


def check(name: str, arguments: list[Argument], arrays: tuple[Any, ...], exact: bool) -> None:
    """Raise DtypeError or ArgumentError unless the arrays are what the contract says.

    Args:
        name: of the op.
        arguments: its contract's.
        arrays: what it was given.
        exact: whether complex numbers are refused.
    """
    lengths: dict[str, Any] = {"1": 1, "2": 2, "3": 3}
    dtype = None
    for argument, array in _each(name, arguments, arrays):
        if array is None and argument.optional:
            continue
        if not isinstance(array, np.ndarray):
            wrong(name, argument, "an array", f"{type(array).__name__}", True)
        if not argument.free:
            if array.dtype not in FLOATS and (exact or array.dtype.kind != "c"):
                wrong(name, argument, "float32 or float64", str(array.dtype), True)
            if dtype is None or (not exact and array.dtype.kind == "c"):
                dtype = array.dtype
            if array.dtype != dtype and (exact or dtype.kind != "c" or argument.written):
                wrong(name, argument, f"{dtype}, as the others", str(array.dtype), True)
        lengths_here = [] if argument.many else _lengths(name, argument, array.shape)
        for letter, length in lengths_here:
            if lengths.setdefault(letter, length) != length:
                known = f"{letter} = {lengths[letter]} in ({_axes(argument)})"
                wrong(name, argument, known, str(array.shape), False)


def _each(name: str, arguments: list[Argument], arrays: tuple[Any, ...]) -> Iterator[Any]:
    """Yield (argument, array), for each array of a list too."""
    for argument, given in zip(arguments, arrays, strict=True):
        if not argument.many:
            yield argument, given
            continue
        if not isinstance(given, (list, tuple)) or not given:
            wrong(name, argument, "a list of arrays", type(given).__name__, True)
        for array in given:
            yield argument, array


def _lengths(name: str, argument: Argument, shape: tuple[int, ...]) -> list[tuple[str, Any]]:
    """Return (letter, length) for each axis; what stands for `...` has the letter `...`."""
    front, back = argument.front, argument.back
    least = len(front) + len(back or ())
    if len(shape) < least or (back is None and len(shape) > least):
        wrong(name, argument, f"axes ({_axes(argument)})", str(shape), False)
    pairs: list[tuple[str, Any]] = list(zip(front, shape, strict=False))
    if back is not None:
        stop = len(shape) - len(back)
        pairs += [("...", shape[len(front) : stop]), *zip(back, shape[stop:], strict=True)]
    return pairs


def _axes(argument: Argument) -> str:
    dots = [] if argument.back is None else ["...", *argument.back]
    return " ".join([*argument.front, *dots])


def _has_arrays(value: Any) -> bool:
    return isinstance(value, np.ndarray) or (isinstance(value, list) and _has_arrays(value[0]))


def follow(name: str, rule: Callable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise ArgumentError if the op's rule finds that its arguments do not fit together."""
    fix = "give an op what its docstring asks for"
    try:
        found = rule(*args, **kwargs)
    except (TypeError, ValueError, ZeroDivisionError):
        found = f"options {str(tuple(a for a in args if not _has_arrays(a)))[:60]}"
    if found is not None:
        raise ArgumentError(message(f"ops.{name}", "arguments that fit together", found, fix))


def wrong(name: str, argument: Argument, expected: str, got: str, dtype: bool) -> None:
    """Raise the error of an array that is not what it must be."""
    kind = DtypeError if dtype else ArgumentError
    fix = "a layer's forward and backward give arrays of the layer's dtype and shapes"
    raise kind(message(f"ops.{name}({argument.name})", expected, got, fix))
