"""How many threads compute."""

from __future__ import annotations

from typing import Any


def single_threaded_blas() -> Any:
    """Return a context in which BLAS runs on one thread."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="blas")
