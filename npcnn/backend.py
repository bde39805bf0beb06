"""Which of the two sets of ops is in use: the only switch.

``ops.conv2d(...)`` is the reference's or the Numba kernel's; whoever calls it cannot tell.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from npcnn.arguments import checked
from npcnn.checks import one_of

_PACKAGES = {"numba": "npcnn.kernels", "numpy": "npcnn.reference"}


class _Ops:
    """The ops of the backend in use, loaded when the first one is called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python's own questions load nothing
            raise AttributeError(name)
        package = importlib.import_module(_PACKAGES[get_backend()])
        if name not in package.__all__:
            raise AttributeError(f"{package.__name__} has no op {name!r}")
        vars(self).update({op: getattr(package, op) for op in package.__all__})
        return vars(self)[name]


ops = _Ops()
_name: str | None = None


def get_backend() -> str:
    """Return the name of the backend in use: 'numba' or 'numpy'.

    >>> get_backend() in ("numba", "numpy")
    True
    """
    global _name
    if _name is None:
        wanted = os.environ.get("NPCNN_BACKEND", "numba")
        _name = one_of(wanted, _PACKAGES, "environment variable NPCNN_BACKEND")
    return _name


def recorder() -> Any:
    """Return what can record the ops' work and replay it: the module `npcnn.kernels.tape`.

    None on a backend that has no such, and while somebody has put an op of their own in `ops`.
    """
    if get_backend() != "numba" or not ops.conv2d or vars(ops) != _own_ops():
        return None
    return sys.modules["npcnn.kernels.tape"]


@functools.cache
def _own_ops() -> dict[str, Any]:
    package = sys.modules["npcnn.kernels"]
    return {name: getattr(package, name) for name in package.__all__}


@checked
def use_backend(name: Literal["numba", "numpy"]) -> None:
    """Take the ops from Numba kernels ('numba', the default) or from plain NumPy ('numpy').

    Raises ArgumentError for another name. Models go on with the weights they have.

    >>> before = get_backend()
    >>> use_backend("numpy")
    >>> get_backend()
    'numpy'
    >>> use_backend(before)
    """
    global _name
    _name = name
    vars(ops).clear()


@contextmanager
def using(name: str) -> Iterator[None]:
    """Take the ops from this backend inside the with-block; then all is as it was.

    Ops that somebody put into `ops` come back too.

    >>> with using("numpy"):
    ...     get_backend()
    'numpy'
    """
    global _name
    name = one_of(name, _PACKAGES, "using(name)")
    before, held = get_backend(), dict(vars(ops))
    if name == before:
        yield
        return
    _name = name
    vars(ops).clear()
    try:
        yield
    finally:
        _name = before
        vars(ops).clear()
        vars(ops).update(held)
