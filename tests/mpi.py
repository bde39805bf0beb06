"""Programs in several processes under MPI, where it is there."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from runs import PATIENCE, environment

BESIDE = Path(sys.executable).parent / "mpiexec"
MPIEXEC = str(BESIDE) if BESIDE.exists() else shutil.which("mpiexec")
HAS_MPI = importlib.util.find_spec("mpi4py") is not None and MPIEXEC is not None
needs_mpi = pytest.mark.skipif(not HAS_MPI, reason='without mpi4py and an MPI (the extra "mpi")')


def ranks(program, count, folder, backend="numpy", **options):
    """Return exit code, standard output and error of a program in so many ranks; 0: no MPI."""
    line = [sys.executable, str(program), json.dumps(options)]
    if count:
        line = [MPIEXEC, "-n", str(count), *line]
    extra = {  # Open MPI: more ranks than cores, and in a container
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe", "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "NPCNN_BACKEND": backend,
    }  # fmt: skip
    done = subprocess.run(
        line, cwd=folder, env=environment(**extra), capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr
