"""How many threads compute, and who may use them.

The kernels run on Numba's threads. BLAS has threads of its own; two pools that both spin while
they wait for the other's cores make a step many times slower, so training holds BLAS to one.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from npcnn.checks import ArgumentError, message, positive_int

_wanted: int | None = None


def available_cores() -> int:
    """Return how many cores this process may use: by affinity, and by the container's quota.

    >>> available_cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = _container_quota(Path("/sys/fs/cgroup"))
    return cores if quota is None else max(1, min(cores, int(quota)))


def _container_quota(root: Path) -> float | None:
    """Return the cores' worth of time a control group grants, or None without a limit."""
    try:
        if (root / "cpu.max").exists():  # version 2: "quota period" or "max period"
            quota, period = (root / "cpu.max").read_text().split()[:2]
        else:
            quota = (root / "cpu" / "cpu.cfs_quota_us").read_text()
            period = (root / "cpu" / "cpu.cfs_period_us").read_text()
        return float(quota) / float(period) if quota != "max" and float(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


def get_num_threads() -> int:
    """Return how many threads the kernels use.

    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    """
    return _wanted if _wanted is not None else available_cores()


def set_num_threads(number: int) -> None:
    """Let the kernels use so many threads. Results are the same bits for any number.

    The default is the number of cores this process may use. Raises ArgumentError for anything but
    a positive integer, and for more threads than Numba was started with.

    >>> set_num_threads(1)
    """
    global _wanted
    number = positive_int(number, "set_num_threads(number)")
    if "npcnn.kernels.compile" in sys.modules:
        _apply(number)
    _wanted = number


def _apply(number: int) -> None:
    """Hand the number to Numba, which must be loaded."""
    import numba
    from numba.core import config

    settings: Any = config
    most = settings.NUMBA_NUM_THREADS
    if number > most:
        raise ArgumentError(
            message(
                "set_num_threads(number)",
                f"at most {most}, the threads Numba was started with",
                str(number),
                "set the environment variable NUMBA_NUM_THREADS before the start",
            )
        )
    numba.set_num_threads(number)


def prepare_numba() -> None:
    """Set what Numba and OpenMP read from the environment when they are loaded.

    What the user has set stays. GNU's OpenMP lets a waiting thread spin for milliseconds by
    default; where another program holds a core, the threads then keep each other from running.
    With seven processes on two cores a training step took 27 ms so, and 12 ms with spins of some
    100 µs, which still outlast the pauses inside a step on a quiet machine.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    if "numba" not in sys.modules and _wanted is not None:  # more threads than cores on request
        os.environ.setdefault("NUMBA_NUM_THREADS", str(max(_wanted, os.cpu_count() or 1)))


def apply_to_numba() -> None:
    """Give Numba, just loaded, the number of threads in force. Called by the kernels' package."""
    from numba.core import config

    settings: Any = config
    chosen = {"NUMBA_THREADING_LAYER", "NUMBA_THREADING_LAYER_PRIORITY"} & set(os.environ)
    if not chosen:  # OpenMP's threads wait for the next loop awake, where Numba's own sleep
        settings.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]
    _apply(min(get_num_threads(), settings.NUMBA_NUM_THREADS) if _wanted is None else _wanted)


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Hold NumPy's BLAS to one thread inside the with-block."""
    with _blas().limit(limits=1, user_api="blas"):
        yield


@functools.cache
def _blas() -> Any:
    """Return threadpoolctl's hold on NumPy's BLAS; finding it takes milliseconds, so once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
