"""Lines for whoever looks on: they never stop what they tell about."""

from __future__ import annotations

import sys
from typing import Any


def say(line: str, to: str = "stdout") -> None:
    """Print a line to standard output, or to standard error, if there is one, and at once.

    What the stream's encoding lacks is printed as its escape. A program without a console
    (`pythonw`) has no streams; some that programs put in their place only have `write`.

    >>> say("Epoch 1/2")
    Epoch 1/2
    """
    stream: Any = getattr(sys, to)
    if stream is None:
        return
    stream.write(readable(line, stream) + "\n")
    if hasattr(stream, "flush"):
        stream.flush()


def readable(text: str, stream: Any) -> str:
    """Return the text with what the stream's encoding lacks as escapes."""
    encoding = getattr(stream, "encoding", None)
    if not isinstance(encoding, str):
        return text
    return text.encode(encoding, "backslashreplace").decode(encoding)


def is_terminal(stream: Any) -> bool:
    """Return whether somebody sees the stream's lines change."""
    ask = getattr(stream, "isatty", None)
    return ask is not None and bool(ask())
