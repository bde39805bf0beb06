"""NumPy's BLAS where no thread can be started; loaded before NumPy is.

OpenBLAS starts its threads when it is loaded. Where it cannot (a limit on processes, too little
address space), it ends the program by SIGINT or, where that is ignored, hangs or crashes at the
first large product. Told to use one thread it starts none. Later, too: a fork ends its threads (so
does a `subprocess` that could not be started), and whatever it is asked next starts them again,
except for a product while it is told to use one. npcnn's own threads are not affected: those that
cannot be started are done without (`kernels/run/crew.py`).
"""

from __future__ import annotations

import _thread
import os


def threads_can_be_started(number: int) -> bool:
    """Return whether so many threads more can run at once."""
    gate, ended = _thread.allocate_lock(), [_thread.allocate_lock() for _ in range(number)]
    gate.acquire()

    def wait(end: _thread.LockType) -> None:
        with gate:
            end.release()

    started = 0
    try:
        for end in ended:
            end.acquire()
            _thread.start_new_thread(wait, (end,))
            started += 1
    except (RuntimeError, MemoryError):
        return False
    finally:
        gate.release()
        for end in ended[:started]:
            end.acquire()
    return True


def can_be_asked(number: int) -> bool:
    """Return whether BLAS, which has had so many threads of its own, can be told anything.

    Its threads are none of Python's: where those of the system are so many more, they live. Else
    they have to be started, if they can be.
    """
    import threading  # late: a file beside the program may hide it, or what it imports

    try:
        others = len(os.listdir("/proc/self/task")) - threading.active_count()
    except OSError:  # not Linux: only a child that was forked is known to have none
        return True
    return others >= number or threads_can_be_started(number)


if "OPENBLAS_NUM_THREADS" not in os.environ and not threads_can_be_started(
    (os.cpu_count() or 1) - 1
):
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
