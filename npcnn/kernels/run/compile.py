"""How every Numba kernel of npcnn is compiled: one decorator for each use.

What differs from ``numba.njit(cache=True)``: fewer passes (`pipeline.py`), and safer files
(`cache.py`), so that a change in one file never meets code compiled from another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba.core import config
from numba.core.ccallback import CFunc
from numba.core.compiler_lock import global_compiler_lock

from npcnn.garbage import no_collection
from npcnn.kernels.run import assistant
from npcnn.kernels.run.cache import KernelCache
from npcnn.kernels.run.notice import compiling
from npcnn.kernels.run.pipeline import Compiler, HelperCompiler
from npcnn.kernels.run.target import TARGET, Dispatcher

SETTINGS: Any = config  # its entries come from the environment
JIT = not SETTINGS.DISABLE_JIT
# For calls of helpers: of each literal 0 Numba would make, and compile, a type of its own.
ZERO = np.int64(0)
COMPILER: Any = Compiler
# No memory is got in a kernel, so that no references are to be counted.
OPTIONS: dict[str, Any] = {
    "nopython": True, "nogil": True, "error_model": "numpy", "boundscheck": False, "_nrt": False,
}  # fmt: skip
# Where native functions are only to be noted, not compiled: those asked for so far.
planned: list[tuple[Any, Callable]] | None = None


def _keep_on_disk(compiled: Any, function: Callable, variant: str) -> None:
    with contextlib.suppress(RuntimeError):  # "no locator available": nowhere to write
        compiled._cache = KernelCache(function, variant)


class _Native(CFunc):
    """A function with C's calling convention that says when it is being compiled."""

    _targetdescr = TARGET

    @global_compiler_lock
    def compile(self) -> None:
        place = place_of(self)
        try:
            if place is not None:
                assistant.share(place)
            with no_collection():  # which takes a thirtieth of the time, and finds next to nothing
                super().compile()
        except BaseException:  # Ctrl-C among them
            assistant.dismiss()
            raise

    def _compile_uncached(self) -> Any:
        with compiling():
            return super()._compile_uncached()  # type: ignore[misc]


def kernel(function: Callable) -> Callable:
    """Return the function compiled for speed: no GIL, no bounds checks, NumPy's error model.

    With NUMBA_DISABLE_JIT=1 the function comes back as it is.

    >>> kernel(lambda a, b: a + b)(1, 2)
    3
    """
    if not JIT:
        return function
    dispatcher = Dispatcher(function, targetoptions=OPTIONS, pipeline_class=COMPILER)
    _keep_on_disk(dispatcher, function, "kernel")
    return dispatcher


def helper(function: Callable) -> Callable:
    """Return the function compiled for the use of other kernels only, without an entry for Python.

    Its code ends up in the file of each kernel that calls it.
    """
    if not JIT:
        return function
    inner = {**OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return Dispatcher(function, targetoptions=inner, pipeline_class=HelperCompiler)


def native(signature: Any, function: Callable) -> Any:
    """Return what compiles a function with C's calling convention."""
    arguments = signature.args, signature.return_type
    compiled = _Native(function, arguments, {}, OPTIONS, pipeline_class=COMPILER)
    _keep_on_disk(compiled, function, "native")
    return compiled


def place_of(compiled: Any) -> Path | None:
    """Return where such a function is kept once it is compiled; None if it is not kept."""
    cache, target = compiled._cache, compiled._targetdescr.target_context
    return cache.place(compiled._sig, target) if isinstance(cache, KernelCache) else None


def native_function(signature: Any, function: Callable) -> int:
    """Compile a function with C's calling convention; return its address (0 without the JIT)."""
    if not JIT:
        return 0
    if planned is not None:
        planned.append((signature, function))
        return 1
    compiled = native(signature, function)
    compiled.compile()
    return int(compiled.address or 0)
