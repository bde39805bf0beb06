"""Lines for whoever looks on: they never stop what they tell about."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

quiet = False  # in all ranks but the first of a distributed run: standard output is the first's


def say(line: str, to: str = "stdout") -> None:
    """Print a line to standard output, or to standard error, if there is one, and at once.

    What the stream's encoding lacks is printed as its escape. A program without a console
    (`pythonw`) has no streams; some that programs put in their place only have `write`. Where
    nothing can be written any more, the line is lost: a terminal is gone, a pipe's reader, the
    disk is full.

    >>> say("Epoch 1/2")
    Epoch 1/2
    """
    stream: Any = getattr(sys, to)
    if stream is None or (quiet and to == "stdout"):
        return
    lasting = Lasting(stream)
    lasting.write(readable(line, stream) + "\n")
    if hasattr(stream, "flush"):
        lasting.flush()


class Lasting:
    """A stream that may be written to for ever: what it cannot take is lost.

    >>> class Full:
    ...     def write(self, text):
    ...         raise OSError(28, "No space left on device")
    >>> Lasting(Full()).write("a line")
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> None:
        """Write a text if that is possible."""
        with contextlib.suppress(OSError, ValueError):  # the latter where it is closed
            self.stream.write(text)

    def flush(self) -> None:
        """Send what was written on its way if that is possible."""
        with contextlib.suppress(OSError, ValueError):
            self.stream.flush()


def readable(text: str, stream: Any) -> str:
    """Return the text with what the stream's encoding lacks as escapes."""
    encoding = getattr(stream, "encoding", None)
    if not isinstance(encoding, str):
        return text
    return text.encode(encoding, "backslashreplace").decode(encoding)


def is_terminal(stream: Any) -> bool:
    """Return whether somebody sees the stream's lines change."""
    ask = getattr(stream, "isatty", None)
    with contextlib.suppress(OSError, ValueError):
        return ask is not None and bool(ask())
    return False
