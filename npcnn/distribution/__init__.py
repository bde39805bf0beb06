"""One model trained by several processes, each on its part of every batch: MPI, by mpi4py."""

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.distribution.data_parallel import DataParallel

__all__ = ["DataParallel"]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)
