"""Ctrl-C comes before an update or after it, never in its midst."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import signal
import threading
from types import FrameType
from typing import Any

# Below the module `signal`, whose own part, naming handlers, would take most of the time.
_get: Any = _signal.getsignal
_set: Any = _signal.signal
SIGINT = int(signal.SIGINT)


class Deferred:
    """A with-block inside which a Ctrl-C only takes effect when the block has ended.

    Python calls signal handlers in its main thread alone, so other threads need nothing. A SIGINT
    that ends the program, or is ignored, is left to do so.

    >>> done = []
    >>> try:
    ...     with Deferred():
    ...         signal.raise_signal(signal.SIGINT)
    ...         done.append("all of it")
    ... except KeyboardInterrupt:
    ...     print(done)
    ['all of it']
    """

    __slots__ = ("came", "handler")

    def __enter__(self) -> None:
        self.came: tuple[int, FrameType | None] | None = None
        self.handler: Any = None
        if threading.get_ident() == threading.main_thread().ident:
            handler = _get(SIGINT)
            if callable(handler):
                self.handler = handler
                _set(SIGINT, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.came = number, frame

    def __exit__(self, *_: object) -> None:
        if self.handler is None:
            return
        _set(SIGINT, self.handler)
        if self.came is not None:
            self.handler(*self.came)
