"""How numbers go from rank to rank: as they are, or gradients as bfloat16, half the bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

Array = np.ndarray


class Wire:
    """The form in which parts of a vector are sent; gradients come first in it, then state.

    Args:
        gradients: how many numbers are gradients.
        dtype: of the vector.
        short: whether gradients are rounded to bfloat16 whenever two were added up, and sent so.
    """

    def __init__(self, gradients: int, dtype: Any, short: bool) -> None:
        self.gradients, self.dtype, self.short = gradients, np.dtype(dtype), short

    def round(self, vector: Array, start: int = 0) -> Array:
        """Round the gradients in place, in a part that begins here; return it."""
        if self.short:
            own = vector[: max(0, self.gradients - start)]
            own[...] = from_bfloat16(to_bfloat16(own), self.dtype)
        return vector

    def bytes_of(self, vector: Array, start: int, stop: int) -> Iterator[Array]:
        """Yield the bytes of a part, whose gradients are rounded."""
        cut = self._cut(start, stop)
        if cut > start:
            yield to_bfloat16(vector[start:cut]).view(np.uint8)
        yield vector[cut:stop].view(np.uint8)

    def length(self, start: int, stop: int) -> int:
        """Return how many bytes a part has."""
        cut = self._cut(start, stop)
        return 2 * (cut - start) + self.dtype.itemsize * (stop - cut)

    def read(self, sent: Array, start: int, stop: int) -> Array:
        """Return the part that these bytes are."""
        short = 2 * (self._cut(start, stop) - start)
        rest = numbers(sent[short:], self.dtype)
        if not short:
            return rest
        return np.concatenate([from_bfloat16(numbers(sent[:short], np.uint16), self.dtype), rest])

    def _cut(self, start: int, stop: int) -> int:
        """Return where a part's numbers begin that are sent as they are."""
        return min(max(start, self.gradients), stop) if self.short else start


def numbers(sent: Array, dtype: Any) -> Array:
    """Return the numbers that these bytes are, aligned."""
    return np.require(sent.view(dtype), requirements="A")


def to_bfloat16(x: Array) -> Array:
    """Return the upper 16 bits of float32 numbers, rounded to the nearest, at a tie to even.

    >>> to_bfloat16(np.array([1.0, 1.0 + 2**-8, 1.0 + 3 * 2**-8]))
    array([16256, 16256, 16258], dtype=uint16)
    """
    single = np.asarray(x, np.float32)
    bits = single.view(np.uint32)
    upper = (bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(single), 0x7FC0, upper).astype(np.uint16)


def from_bfloat16(bits: Array, dtype: Any) -> Array:
    """Return the numbers that 16 bits each are.

    >>> from_bfloat16(np.array([16258], np.uint16), "float32")
    array([1.015625], dtype=float32)
    """
    return (bits.astype(np.uint32) << 16).view(np.float32).astype(dtype)
