"""Threads that are given work: where none can be started, it is done at once, by who gives it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

from npcnn.blas import threads_can_be_started


class AtOnce(Executor):
    """Work that is done where it is given.

    >>> AtOnce().submit(pow, 2, 5).result()
    32
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do the work; return what came of it."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


def pool(workers: int, name: str = "npcnn") -> Executor:
    """Return what does work in so many threads, if there can be as many.

    >>> with pool(2) as threads:
    ...     threads.submit(pow, 2, 5).result()
    32
    """
    if threads_can_be_started(workers):
        return ThreadPoolExecutor(workers, name)
    return AtOnce()
