"""What reading one file may cost, whatever the file says of itself."""

from __future__ import annotations

from typing import IO, Any

from npcnn.checks import ArgumentError, FormatError, is_number, message, shown

# kind → (what any file may take, and how much more for each byte that it has)
LIMITS = {
    "bytes": (16 * 2**20, 4.0),  # read or unpacked, an array that is named twice counted twice
    "objects": (100_000, 1 / 64),  # headers, messages, entries, members visited; a few µs each
    "names": (50_000, 1 / 128),  # texts and names compared
}


class Budget:
    """Bytes, objects and names that reading one file may still take, in proportion to its size.

    Args:
        where: the file, for the message.
        size: of the file in bytes.
        times: how many times the usual limits; what the user gave as `budget`.

    Raises:
        ArgumentError: `times` is no number above 0.

    >>> Budget("a.keras", 1000, 2).left["names"]
    100015.625
    """

    def __init__(self, where: str, size: int, times: Any = 1) -> None:
        if not is_number(times) or times <= 0:
            fix = "1 is the usual one, 10 allows ten times as much"
            raise ArgumentError(message("budget", "a number above 0", shown(times), fix))
        self.where, self.times = where, float(times)
        self.left = {k: self.times * (base + size * each) for k, (base, each) in LIMITS.items()}

    def take(self, kind: str, count: int) -> None:
        """Count off what is about to be read, or raise FormatError before it is."""
        self.left[kind] -= count
        if self.left[kind] < 0:
            fix = "it is damaged or made to exhaust; if you trust it, raise the argument budget"
            got = f"one that takes too many {kind} for its size"
            raise FormatError(message(self.where, "a file that can be read", got, fix))


class Metered:
    """A binary stream to be read by others, each byte of it counted.

    Args:
        stream: seekable.
        budget: what it is counted off.

    Attributes:
        entry: while this is not 0, every so many bytes read count as an object as well.
    """

    def __init__(self, stream: IO[bytes], budget: Budget) -> None:
        self.stream, self.budget, self.entry = stream, budget, 0
        self.size = stream.seek(0, 2)
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, count: int = -1) -> bytes:
        """Return at most `count` bytes, fewer at the end; never is room made for more."""
        left = max(0, self.size - self.tell())
        count = left if count < 0 else min(count, left)
        self.budget.take("bytes", count)
        if self.entry:
            self.budget.take("objects", count // self.entry)
        return self.stream.read(count)
