"""What JAX, below a real Keras, is told in the environment: compile quickly, and nothing twice."""

import contextlib
import importlib.util
import mmap
from pathlib import Path

UNFUSED = "xla_cpu_use_fusion_emitters"


def known_to_xla(flag):
    """XLA ends the process at a flag that it does not know."""
    found = importlib.util.find_spec("jaxlib")
    for path in (p for top in found.submodule_search_locations for p in Path(top).glob("*.so")):
        with path.open("rb") as file, contextlib.suppress(ValueError):  # an empty file
            if mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ).find(flag.encode()) >= 0:
                return True
    return False


def environment(folder):
    """Return the variables, with what is compiled kept in a folder that is one process's own."""
    if importlib.util.find_spec("jaxlib") is None:
        return {}
    flags = {"XLA_FLAGS": f"--{UNFUSED}=false"} if known_to_xla(UNFUSED) else {}
    return flags | {
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "JAX_COMPILATION_CACHE_DIR": str(folder),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
