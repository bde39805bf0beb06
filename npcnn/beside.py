"""A file beside the program that hides a library: said in one line, by the file's name.

Python looks beside the program first. A `numpy.py` there takes NumPy's place, and what then fails
is an attribute somewhere in NumPy or in npcnn. Loaded before NumPy is, like `blas`.
"""

from __future__ import annotations

import os
import sys

# What npcnn imports beyond Python itself, now or later. Each is a folder, so a file is another's.
LIBRARIES = (
    "PIL", "h5py", "llvmlite", "matplotlib", "numba", "numpy", "platformdirs", "tqdm",
)  # fmt: skip
# What of Python's own library is imported late: that it is hidden shows only then.
LATER = (
    "argparse", "asyncio", "base64", "bisect", "concurrent", "copy", "csv", "dataclasses",
    "difflib", "fcntl", "glob", "gzip", "hashlib", "hmac", "html", "http", "json", "pickle",
    "queue", "random", "secrets", "shutil", "socket", "string", "subprocess", "tarfile", "tempfile",
    "traceback", "urllib", "webbrowser", "zipfile", "zlib",
)  # fmt: skip


def hiding(names: tuple[str, ...] | frozenset[str]) -> list[str]:
    """Return the files beside the program that Python loads, or has loaded, for these names.

    >>> hiding(LIBRARIES)
    []
    """
    folder = os.path.abspath(sys.path[0]) if sys.path else ""
    if not os.path.isdir(folder) or folder == os.path.dirname(os.__file__):
        return []
    try:
        beside = [entry[:-3] for entry in os.listdir(folder) if entry.endswith(".py")]
    except OSError:
        return []
    found = sorted(set(beside).intersection(names).difference(sys.builtin_module_names))
    paths = {name: os.path.join(folder, f"{name}.py") for name in found}
    return [path for name, path in paths.items() if _comes_from(name, path)]


def _comes_from(name: str, path: str) -> bool:
    if name not in sys.modules:
        return True
    loaded = getattr(sys.modules[name], "__file__", None)
    return loaded is not None and os.path.abspath(loaded) == path


def line(path: str) -> str:
    """Return what there is to say of such a file."""
    name = os.path.basename(path)[:-3]
    whose = name if name in LIBRARIES else f"Python's own {name}"
    return (
        f"import npcnn: expected {whose}, got {path}, which hides it; give that file another name"
    )


def explain(error: Exception) -> None:
    """Raise an ImportError that names the file by which loading npcnn may have failed, if any."""
    for path in hiding(frozenset(LIBRARIES) | sys.stdlib_module_names):
        raise ImportError(line(path)) from error


def warn() -> None:
    """Warn of files by which something of npcnn will fail later."""
    for path in hiding(LIBRARIES + LATER):
        import warnings

        from npcnn.checks import NpcnnWarning

        warnings.warn(line(path), NpcnnWarning, stacklevel=3)
