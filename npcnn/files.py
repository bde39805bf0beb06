"""Writing a file so that it is either the old one or the whole new one, never a part."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from npcnn.checks import ArgumentError, FileError, message, shown
from npcnn.checks import path as check_path


class MissingFileError(FileError, FileNotFoundError, ValueError):
    """There is no such file; in Keras FileNotFoundError, for a whole model ValueError."""


SUFFIX = ".npcnn.part"
WEIGHTS = ".weights.h5"
_A_DAY = 86_400.0  # seconds; where files cannot be locked, a temporary that old is nobody's


def extension(path: Any, where: str) -> str:
    """Return the ending of a model's file, '.keras' or '.h5', or raise ArgumentError."""
    name = check_path(path, where)
    for known in (".keras", ".h5"):
        if name.lower().endswith(known) and not name.lower().endswith(WEIGHTS):
            return known
    fix = "end the file's name in one of them"
    if name.lower().endswith(WEIGHTS):
        fix = "save_weights() and load_weights() are for weights alone"
    raise ArgumentError(message(where, "a name ending in .keras or .h5", shown(name), fix))


def open_regular(path: str) -> IO[bytes]:
    """Open a file to read bytes; OSError for a folder, and for a pipe or device that might hang."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        kind = os.fstat(handle).st_mode
        if not stat.S_ISREG(kind):
            what = "a folder" if stat.S_ISDIR(kind) else "a device, pipe or socket"
            raise OSError(errno.EINVAL, f"{what}, no file")
        return os.fdopen(handle, "rb")
    except OSError:
        os.close(handle)
        raise


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it takes the name ``path``.

    The temporary file is flushed to the disk, renamed over the target, and the folder's entry is
    flushed too. If the block raises, the temporary is removed and the target is untouched.
    An operating system error in the block (disk full, no permission) becomes a FileError.
    Through a link the file that it points to is written. While it lives, the writer holds a lock on
    its temporary; those of killed writers, which nobody holds, are removed first.

    >>> import pathlib, tempfile
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
    >>> with atomic_write(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    target = _target(Path(check_path(path, "write")))
    remove_leftovers(target.parent)
    try:
        old = target.stat().st_mode & 0o777 if target.exists() else None
        temporary, handle = _locked_temporary(target, 0o666 if old is None else old)
    except OSError as error:
        raise _cannot_write(target, error) from error
    try:
        yield temporary
        _flush(temporary)
        if old is not None:
            temporary.chmod(old)
        os.replace(temporary, target)
        _flush(target.parent)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise _cannot_write(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)


def remove_leftovers(folder: str | os.PathLike[str]) -> None:
    """Remove from a folder the temporaries of writers that were killed; the living keep theirs."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        left = [e for e in entries if e.name.startswith(".") and e.name.endswith(SUFFIX)]
        for entry in left:
            with contextlib.suppress(OSError):
                if entry.is_file(follow_symlinks=False):
                    _remove_if_dead(entry.path)


def _target(path: Path) -> Path:
    """Return the file that is to be written: for a link, the one at its end."""
    try:
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        kind = target.lstat().st_mode if target.exists() or target.is_symlink() else stat.S_IFREG
    except OSError as error:
        raise _cannot_write(path, error) from error
    if stat.S_ISREG(kind):
        return target
    if stat.S_ISDIR(kind):
        raise FileError(message(f"write {path}", "a file name", "a folder", "name a file in it"))
    got = "a link in a circle" if stat.S_ISLNK(kind) else "a device, pipe or socket"
    raise FileError(message(f"write {path}", "a file name", got, "name another one"))


def _locked_temporary(target: Path, mode: int) -> tuple[Path, int | None]:
    """Return a new file beside the target, and the handle whose lock says that we are alive.

    Whoever removes leftovers may see the file before it is locked; then it is made once more.
    """
    while True:
        path = target.parent / f".{target.name[:30]}.{secrets.token_hex(4)}{SUFFIX}"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode | 0o600)
        except FileExistsError:
            continue
        if sys.platform == "win32":  # an open file cannot be renamed there
            os.close(handle)
            return path, None
        _lock(handle, wait=True)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), path.lstat()):
                return path, handle
        os.close(handle)


def _lock(handle: int, wait: bool) -> bool | None:
    """Lock an open file; return whether that was possible, None where there are no such locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _remove_if_dead(path: str) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        mine = _lock(handle, wait=False)
        if mine is None:
            mine = time.time() - os.fstat(handle).st_mtime > _A_DAY
        if mine and sys.platform != "win32":
            os.unlink(path)
    finally:
        os.close(handle)
    if mine and sys.platform == "win32":
        os.unlink(path)


def _cannot_write(target: Path, error: OSError) -> FileError:
    fix = "check that the folder exists, that you may write there and that the disk has room"
    got = error.strerror or str(error) or type(error).__name__
    return FileError(message(f"write {target}", "a writable place", got, fix))


def _flush(path: Path) -> None:
    if path.is_dir() and os.name == "nt":  # Windows has no handle on a folder to flush
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
