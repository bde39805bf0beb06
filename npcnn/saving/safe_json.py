"""JSON from a file nobody vouches for: size, depth and numbers are bounded."""

from __future__ import annotations

import json
from typing import Any

from npcnn.checks import FormatError, message
from npcnn.saving.budget import Budget

MAX_BYTES = 4 * 2**20  # times the budget's argument
MAX_DEPTH = 32
MAX_DIGITS = 100  # the state of NumPy's generators has 39
_VALUES = 3  # commas, colons and brackets that cost as much as an object of HDF5


def largest(budget: Budget) -> int:
    """Return how many bytes of JSON are read."""
    return int(MAX_BYTES * max(1.0, budget.times))


def parse_json(
    text: bytes | str, where: str, budget: Budget | None = None, most: int | None = None
) -> dict[str, Any]:
    """Return the JSON object in `text`, or raise FormatError.

    Args:
        text: UTF-8; objects and lists nested at most 32 deep; no NaN or infinity.
        where: file and place, for the message.
        budget: of the file it is in; None is one of its own.
        most: bytes that are read; None is 4 MiB.

    >>> parse_json('{"a": [1, 2]}', "example")
    {'a': [1, 2]}
    """
    fix = "the file is damaged or no Keras model"
    budget = budget or Budget(where, len(text))
    most = largest(budget) if most is None else most
    if len(text) > most:
        got = f"{len(text)} bytes"
        raise FormatError(message(where, f"JSON of at most {most} bytes", got, fix))
    if isinstance(text, bytes):
        signs = sum(map(text.count, (b",", b":", b"[", b"{")))
    else:
        signs = sum(map(text.count, ",:[{"))
    budget.take("objects", signs // _VALUES)
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        value = json.loads(decoded, parse_int=_int, parse_float=_float, parse_constant=_constant)
    except RecursionError:
        expected = f"JSON at most {MAX_DEPTH} deep"
        raise FormatError(message(where, expected, "a deeper one", fix)) from None
    except ValueError as error:
        raise FormatError(message(where, "JSON in UTF-8", f"{error}"[:200], fix)) from error
    if not isinstance(value, dict):
        raise FormatError(message(where, "a JSON object", type(value).__name__, fix))
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return value
    raise FormatError(message(where, f"JSON at most {MAX_DEPTH} deep", "a deeper one", fix))


def _int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"an integer of {len(digits)} digits")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {digits[:20]}, beyond what a float holds")
    return value


def _constant(name: str) -> float:
    raise ValueError(f"the number {name}")
