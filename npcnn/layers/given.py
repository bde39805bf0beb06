"""What a call is given, and what it returns: tensors in lists, tuples and dicts, and other things.

A graph knows tensors by number. `taken` takes them out of such a structure, and `filled` puts
others into their places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from npcnn.checks import ArgumentError, message
from npcnn.ops.tape import Tensor
from npcnn.symbolic import KerasTensor

DEEPEST = 64  # lists within lists


class Place:
    """Where a tensor stands in a structure, by its number."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and other.number == self.number

    __hash__ = None  # type: ignore[assignment]


class Given(NamedTuple):
    """The arguments of a call, with places where tensors stood."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def taken(value: Any, is_tensor: Callable[[Any], bool]) -> tuple[Any, list[Any]]:
    """Return a structure with places in the tensors' stead, and the tensors.

    Those of a dict come in the order of its keys, as in Keras.

    Raises:
        ArgumentError: lists lie in lists without end, or nearly.

    >>> taken((np.ones(1), {"a": np.ones(2), "b": 3}), is_array)[0][1]["b"]
    3
    """
    found: list[Any] = []

    def one(value: Any, depth: int = 0) -> Any:
        if depth > DEEPEST:
            fix = "give the arrays in one list"
            expected = f"at most {DEEPEST} lists within each other"
            raise ArgumentError(message("a call's arguments", expected, "more", fix))
        if is_tensor(value):
            found.append(value)
            return Place(len(found) - 1)
        if isinstance(value, dict):
            ready = {key: one(value[key], depth + 1) for key in sorted(value, key=str)}
            return {key: ready[key] for key in value}
        if isinstance(value, (list, tuple)):
            return _like(value, [one(part, depth + 1) for part in value])
        return value

    return one(value), found


def filled(structure: Any, tensors: Sequence[Any]) -> Any:
    """Return a structure with these tensors in its places."""
    if isinstance(structure, Place):
        return tensors[structure.number]
    if isinstance(structure, dict):
        return {key: filled(value, tensors) for key, value in structure.items()}
    if isinstance(structure, (list, tuple)):
        return _like(structure, [filled(value, tensors) for value in structure])
    return structure


def _like(value: Any, parts: list[Any]) -> Any:
    """Return parts in a list or tuple as the value is one."""
    if isinstance(value, list):
        return parts
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)


def is_symbolic_one(value: Any) -> bool:
    """Return whether a value is a symbolic tensor."""
    return isinstance(value, KerasTensor)


def is_array(value: Any) -> bool:
    """Return whether a value holds numbers: an array, or what is recorded of one."""
    return isinstance(value, (np.ndarray, Tensor))


def same(one: Any, other: Any) -> bool:
    """Return whether two structures are equal; arrays in them are so if they are one."""
    if isinstance(one, (list, tuple)) and type(one) is type(other):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return one is other
    return bool(one == other)
