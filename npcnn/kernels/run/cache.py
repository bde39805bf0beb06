"""Where compiled kernels are kept on disk, and what is believed of what lies there.

One file holds one compiled function: a digest of the rest, then what Numba makes of it. Its name
says what it was compiled from and for: the sources of the kernels, Numba's version, the machine,
the arguments' types. So a file is either right or not looked at, and processes that compile at once
write the same file twice, each under a name of its own first.

* An empty, cut or spoilt file does not match its digest: the function is compiled anew.
* What is read decides what runs. So files lie in a folder of their own, which must belong to this
  user, nobody else being allowed to write there; else nothing is read or kept.
* Where nothing can be written, functions are compiled anew in each process instead of failing.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import stat
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import caching
from numba.core.serialize import dumps

from npcnn.checks import NpcnnWarning, message

DIGEST = hashlib.sha256().digest_size


@functools.cache
def sources_digest() -> str:
    """Return a digest of the source files of the kernels."""
    digest, kernels = hashlib.sha256(), Path(__file__).parents[1]
    for path in sorted(kernels.rglob("*.py")):
        digest.update(path.relative_to(kernels).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


class _Files:
    """One function's files, as Numba's cache wants them: load, save, flush."""

    def __init__(self, folder: Path, name: str, stamp: Any) -> None:
        self.folder, self.name = folder, name
        self.version = _short((numba.__version__, sources_digest()))
        self.stamp = _short(stamp)

    def path(self, key: Any) -> Path:
        """Return the file of what is saved under the key."""
        return self.folder / f"{self.name}.{self.version}.{self.stamp}.{_short(key)}"

    def load(self, key: Any) -> Any:
        """Return what was saved under the key, None if there is nothing that can be used."""
        try:
            content = self.path(key).read_bytes() if trusted(self.folder) else b""
        except OSError:
            return None
        digest, data = content[:DIGEST], content[DIGEST:]
        return pickle.loads(data) if hashlib.sha256(data).digest() == digest else None

    def save(self, key: Any, data: Any) -> None:
        """Write the file; remove those that other versions, or other sources of it, left."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if not trusted(self.folder):
            return
        content = dumps(data)
        handle, name = tempfile.mkstemp(prefix=self.name, suffix=".part", dir=self.folder)
        try:
            with open(handle, "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            os.replace(name, self.path(key))
        finally:
            with contextlib.suppress(OSError):
                os.unlink(name)  # only there if something went wrong
        for other in self.folder.iterdir():
            name, *marks = other.name.rsplit(".", 3)
            own = name != self.name or marks[1:2] == [self.stamp]
            if other.suffix != ".part" and not (own and marks[:1] == [self.version]):
                with contextlib.suppress(OSError):
                    other.unlink()

    def flush(self) -> None:
        """Forget all: nothing here asks for it."""


def _short(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


@functools.cache
def _folder() -> Path:
    """Return the one folder of all kernels: Numba would take one for each folder of sources."""
    return Path(caching.FunctionCache(_short)._cache_path) / "npcnn"


@functools.cache
def trusted(folder: Path) -> bool:
    """Return whether only this user can have written there; say so if not."""
    if os.name != "posix":
        return True
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        return True
    own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    if own and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return True
    fix = "remove it, or name another folder in NUMBA_CACHE_DIR; until then each start compiles"
    expected = "a folder that is yours, where nobody else may write"
    got = f"owner {found.st_uid}, mode {stat.filemode(found.st_mode)}"
    warnings.warn(message(f"compiled code in {folder}", expected, got, fix), NpcnnWarning, 2)
    return False


class KernelCache(caching.FunctionCache):
    """Numba's cache of compiled functions, kept in the files above.

    Raises RuntimeError if there is no place to write.
    """

    def __init__(self, function: Callable, variant: str) -> None:
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp()
        name = f"{self._impl.filename_base}.{variant}"
        self._cache_file = _Files(_folder(), name, stamp)

    def place(self, sig: Any, target_context: Any) -> Path | None:
        """Return the file of a compiled function; None if it would not be written or read."""
        if not self._enabled or not trusted(self._cache_file.folder):
            return None
        return self._cache_file.path(self._index_key(sig, target_context.codegen()))

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what was kept, None if it was not.

        Numba would load all that it can compile first, which takes longer than all that is read.
        """
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled function."""
        try:
            super().save_overload(sig, data)
        except OSError:  # a full or vanished disk costs the next start time, not this run
            self.disable()
