"""Two trainings on one machine: they make their steps by turns, so that neither waits for long."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """What only one may have at a time, given in the order in which it was asked for.

    >>> turns = Turns()
    >>> with turns.mine():
    ...     print("a step")
    a step
    """

    def __init__(self) -> None:
        self._row: deque[object] = deque()
        self._moved = threading.Condition()

    def take(self) -> None:
        """Wait for one's turn."""
        own = object()
        with self._moved:
            self._row.append(own)
            self._moved.wait_for(lambda: self._row[0] is own)

    def give(self) -> None:
        """End it."""
        with self._moved:
            self._row.popleft()
            self._moved.notify_all()

    @contextmanager
    def mine(self) -> Iterator[None]:
        """Take a turn for what the with-block does."""
        self.take()
        try:
            yield
        finally:
            self.give()
