"""Writing a file so that it is either the old one or the whole new one, never a part."""

from __future__ import annotations

import contextlib
import glob
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from npcnn.checks import FileError, message


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it takes the name ``path``.

    The temporary file is flushed to the disk, renamed over the target, and the folder's entry is
    flushed too. If the block raises, the temporary is removed and the target is untouched.
    An operating system error in the block (disk full, no permission) becomes a FileError.

    >>> import pathlib, tempfile
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
    >>> with atomic_write(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    target = Path(path)
    if target.is_dir():
        raise FileError(message(f"write {target}", "a file name", "a folder", "name a file in it"))
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=".part", dir=target.parent
        )
    except OSError as error:
        raise _cannot_write(target, error) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _flush(temporary)
        temporary.chmod(_mode(target))
        os.replace(temporary, target)
        _flush(target.parent)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise _cannot_write(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove temporaries that writers of ``path`` left when they were killed.

    Call it only where no other writer of that file can be alive.
    """
    target = Path(path)
    for leftover in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        with contextlib.suppress(OSError):
            leftover.unlink()


def _cannot_write(target: Path, error: OSError) -> FileError:
    fix = "check that the folder exists, that you may write there and that the disk has room"
    got = error.strerror or str(error) or type(error).__name__
    return FileError(message(f"write {target}", "a writable place", got, fix))


def _mode(target: Path) -> int:
    """Return the permissions of the file being replaced, or those a new file would get."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _flush(path: Path) -> None:
    if path.is_dir() and os.name == "nt":  # Windows has no handle on a folder to flush
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
