"""A `call` or a `forward` that calls its own layer again, and so for ever."""

from __future__ import annotations

import threading
from typing import Any

from npcnn.checks import ArgumentError, message

DEEPEST = 8  # a layer may call itself on smaller and smaller pictures, say


class EndlessCallError(ArgumentError):
    """Nothing else need be tried: another way to the same call has no end either."""


class _Depths(threading.local):
    def __init__(self) -> None:
        self.of: dict[int, int] = {}


_depths = _Depths()


class Within:
    """A with-block in which a layer's own code runs, in this thread.

    >>> def call():
    ...     with Within(call, "Layer.call(x)"):
    ...         call()
    >>> call()
    Traceback (most recent call last):
    npcnn.nested.EndlessCallError: Layer.call(x): expected an end, got 8 calls of itself \
within each other; call something else in it.
    """

    __slots__ = ("key",)

    def __init__(self, layer: Any, where: str) -> None:
        self.key = id(layer)
        if _depths.of.get(self.key, 0) == DEEPEST:
            got, fix = f"{DEEPEST} calls of itself within each other", "call something else in it"
            raise EndlessCallError(message(where, "an end", got, fix))

    def __enter__(self) -> None:
        _depths.of[self.key] = _depths.of.get(self.key, 0) + 1

    def __exit__(self, *_: object) -> None:
        _depths.of[self.key] -= 1
        if not _depths.of[self.key]:
            del _depths.of[self.key]
