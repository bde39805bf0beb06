"""How every Numba kernel of npcnn is compiled and kept on disk: one decorator for all.

What differs from ``numba.njit(cache=True)``:

* The key on disk also holds a digest of all files of this package and the way of compiling, so
  that a change in one file never meets code compiled from another (Numba's own key tells neither).
* Compiled code goes into a file whose name no other process uses, and only then into the index.
  Numba numbers its files 1, 2, 3 …; of two processes that compile float32 and float64 at once, one
  may replace the other's file while the index still points to it.
* Where nothing can be written, kernels are compiled anew in each process instead of failing.
"""

from __future__ import annotations

import functools
import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core import caching, config
from numba.core.ccallback import CFunc

SETTINGS: Any = config  # its entries come from the environment
JIT = not SETTINGS.DISABLE_JIT
# For calls of helpers: of each literal 0 Numba would make, and compile, a type of its own.
ZERO = np.int64(0)


@functools.cache
def sources_digest() -> str:
    """Return a digest of the source files of this package."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


class _IndexFirstLast(caching.IndexDataCacheFile):
    """Numba's index and data files, with data names of their own and the data written first."""

    def save(self, key: Any, data: Any) -> None:
        overloads = self._load_index()
        name = overloads.get(key) or f"{self._index_name[:-4]}.{uuid.uuid4().hex[:12]}.nbc"
        self._save_data(name, data)
        overloads = self._load_index()
        overloads[key] = name
        self._save_index(overloads)


class _KernelCache(caching.FunctionCache):
    """Numba's cache of compiled functions, with the stricter key and the safer files."""

    def __init__(self, function: Callable, variant: str) -> None:
        super().__init__(function)
        own = self._cache_file
        self._cache_file = _IndexFirstLast(
            cache_path=self._cache_path,
            filename_base=f"{self._impl.filename_base}.{variant}",
            source_stamp=(own._source_stamp, sources_digest()),
        )

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError:  # a full or vanished disk costs the next start time, not this run
            self.disable()


def _keep_on_disk(dispatcher: Any, function: Callable, variant: str) -> None:
    try:
        dispatcher._cache = _KernelCache(function, variant)
    except RuntimeError:  # "no locator available": nowhere to write
        pass
    except AttributeError:  # another Numba may arrange its cache otherwise
        dispatcher.enable_caching()


def _njit(function: Callable, **options: Any) -> Any:
    common: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    return numba.njit(function, **common, **options)


def kernel(function: Callable) -> Callable:
    """Return the function compiled for speed: no GIL, no bounds checks, NumPy's error model.

    With NUMBA_DISABLE_JIT=1 the function comes back as it is.

    >>> kernel(lambda a, b: a + b)(1, 2)
    3
    """
    if not JIT:
        return function
    dispatcher = _njit(function)
    _keep_on_disk(dispatcher, function, "kernel")
    return dispatcher


def helper(function: Callable) -> Callable:
    """Return the function compiled for the use of other kernels only, without an entry for Python.

    Its code ends up in the file of each kernel that calls it.
    """
    if not JIT:
        return function
    return _njit(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def native_function(signature: Any, function: Callable) -> int:
    """Compile a function with C's calling convention; return its address (0 without the JIT)."""
    if not JIT:
        return 0
    options = {"nopython": True, "nogil": True, "error_model": "numpy", "boundscheck": False}
    compiled = CFunc(function, (signature.args, signature.return_type), {}, options)
    _keep_on_disk(compiled, function, "native")
    compiled.compile()
    return int(compiled.address or 0)
