"""Arrays in one row of bytes, and where each of them lies: what the page reads numbers from."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

Array = np.ndarray
Where = dict[str, Any]


class Bytes:
    """A row of bytes that grows; every array begins at a multiple of four.

    >>> row = Bytes()
    >>> row.add(np.zeros((2, 3)))
    {'at': 0, 'shape': [2, 3], 'type': 'float32'}
    >>> row.add(np.array([1], np.uint8), 255.0), len(row)
    ({'at': 24, 'shape': [1], 'type': 'uint8', 'divide': 255.0}, 28)
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, array: Array, divide: float | None = None) -> Where:
        """Append an array; return where it lies.

        Args:
            array: uint8 or float16 stay what they are, anything else becomes float32.
            divide: by what the page divides bytes.
        """
        kept = array if array.dtype in (np.uint8, np.float16) else array.astype(np.float32)
        kept = np.ascontiguousarray(kept)
        kept = kept.astype(kept.dtype.newbyteorder("<"), copy=False)
        where: Where = {"at": self._length, "shape": list(array.shape), "type": kept.dtype.name}
        if divide is not None:
            where["divide"] = divide
        content = kept.tobytes()
        self._parts.append(content + bytes(-len(content) % 4))
        self._length += len(self._parts[-1])
        return where

    def content(self) -> bytes:
        """Return all of it."""
        return b"".join(self._parts)


def as_json(value: Any) -> str:
    """Return JSON that a browser reads: it has no NaN and no infinity, they are null.

    >>> as_json({"loss": [0.5, math.nan]})
    '{"loss": [0.5, null]}'
    """
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
