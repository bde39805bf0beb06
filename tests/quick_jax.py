"""What JAX, below a real Keras, is told in the environment: compile quickly, and nothing twice."""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import mmap
import os
import platform
import shutil
import tempfile
from pathlib import Path

import platformdirs

UNFUSED = "xla_cpu_use_fusion_emitters"
MOST = 20_000  # of what is kept: twice what all tests compile; a file has 5 KB


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
        "JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES": "none",  # or the folder is part of each name
    }


def shelf():
    """Return where what JAX compiled is kept from one run of the tests to the next.

    JAX writes its files in place, so that a folder cannot be two processes' at once, and one that
    is killed leaves half a file: each run has a folder of its own (see `take` and `keep`).
    """
    with contextlib.suppress(OSError):
        about = Path("/proc/cpuinfo").read_text("utf-8").partition("\n\n")[0]
        about = "".join(sorted(line for line in about.splitlines() if line.startswith("flags")))
        about += f"{platform.machine()} {importlib.metadata.version('jaxlib')}"
        name = hashlib.sha256(about.encode()).hexdigest()[:16]
        return Path(platformdirs.user_cache_dir("npcnn")) / "tests" / f"jax-{name}"
    return None  # another system's processor is not known well enough to run what is found


def take(shelf, folder):
    """Put what earlier runs kept into a run's own folder."""
    with contextlib.suppress(OSError):
        for path in shelf.iterdir():
            if path.name.endswith("-cache"):
                put(path, folder / path.name)


def keep(folder, shelf):
    """Add what a run compiled to what is kept: whole files only, whoever else does so now."""
    with contextlib.suppress(OSError):
        shelf.mkdir(parents=True, exist_ok=True)
        there = set(os.listdir(shelf))
        if len(there) > MOST:
            shutil.rmtree(shelf)
            return
        with tempfile.TemporaryDirectory(dir=shelf) as within:
            for path in folder.glob("*-cache"):
                if path.name not in there:
                    shutil.copyfile(path, f"{within}/{path.name}")
                    os.replace(f"{within}/{path.name}", shelf / path.name)


def put(path, target):
    """Link a file, or copy it to another disk."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)
