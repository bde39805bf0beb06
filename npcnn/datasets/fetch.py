"""One file, fetched into the user's cache from the first of several mirrors that has it whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from npcnn.checks import FileError, FormatError, NpcnnError, message
from npcnn.files import atomic_write
from npcnn.streams import say

T = TypeVar("T")

VARIABLE = "NPCNN_MIRROR"
CHUNK = 1 << 16
LINE = 2000  # characters of the list of mirrors in an error


class MirrorError(NpcnnError):
    """A mirror did not answer, or not with the file."""


def cache_folder(name: str) -> Path:
    """Return where a data set is kept once it was fetched."""
    import platformdirs

    return platformdirs.user_cache_path("npcnn", appauthor=False) / name


def mirrors_of(name: str, published: tuple[str, ...]) -> list[str]:
    """Return the mirrors of a data set, the one that NPCNN_MIRROR names before all others.

    It may hold the set's files, or a folder for each data set.
    """
    own = os.environ.get(VARIABLE, "").strip().rstrip("/")
    return [*([f"{own}/", f"{own}/{name}/"] if own else []), *published]


def fetch(
    name: str,
    folder: Path,
    mirrors: list[str],
    check: Callable[[Path], T],
    most: int,
    where: str,
    fix: str,
) -> T:
    """Fetch a file into a folder; return what ``check`` returns of it.

    A mirror that fails, with what and with how much time is said on the standard error stream,
    goes to the end of ``mirrors``: for the next file others are asked first.

    Args:
        name: the file's, the same on every mirror.
        folder: where it is put, whole and checked; made if it is not there.
        mirrors: addresses of folders; the list's order is changed.
        check: reads a file; raises FormatError if it is not the one meant.
        most: bytes that it may have.
        where: the call that needs it, for the message.
        fix: what the user can do where no mirror has it.

    Raises:
        FileError: the folder cannot be written, or no mirror has the file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        got = error.strerror or str(error)
        raise FileError(message(f"write {folder}", "a writable cache folder", got, fix)) from None
    failures = []
    for number, mirror in enumerate(list(mirrors), 1):
        try:
            with atomic_write(folder / name) as temporary:
                _download(mirror + name, temporary, most)
                return check(temporary)
        except MirrorError as error:
            failures.append(f"{mirror} ({error})")
        except FormatError:
            failures.append(f"{mirror} (not the content that is known for {name})")
        mirrors.remove(mirror)
        mirrors.append(mirror)
        if number < len(mirrors):
            say(f"{where}: {failures[-1]}; asking {mirrors[0]}", "stderr")
    got = f"none; tried {', '.join(failures)}" if failures else "none; there are no mirrors"
    expected = f"{name} in {folder} or from a mirror"
    raise FileError(message(where, expected, got, fix, longest=LINE))


def _download(url: str, target: Path, most: int) -> None:
    """Download ``url`` into the file ``target`` with a progress bar."""
    import http.client

    from tqdm import tqdm

    from npcnn.datasets.paced import Pace, open_url

    network = (OSError, http.client.HTTPException, ValueError)
    pace = Pace()
    try:
        answer = open_url(url, pace)
    except network as error:
        raise MirrorError(_reason(error)) from error
    due = answer.headers.get("Content-Length", "")
    total = int(due) if due.isdecimal() and len(due) < 20 else None
    size = 0
    with (
        answer,
        open(target, "wb") as file,
        tqdm(total=total, desc=url, unit="B", unit_scale=True, disable=None) as bar,
    ):
        while max(size, total or 0) <= most:
            try:
                # One piece as it comes: read() would wait until it has all of them.
                chunk = answer.read1(CHUNK)
            except network as error:
                raise MirrorError(_reason(error)) from error
            if not chunk:
                break
            size += len(chunk)
            file.write(chunk)
            bar.update(len(chunk))
        else:
            raise MirrorError(f"more than {most:,} bytes")
    if total is not None and size != total:
        raise MirrorError(f"{size:,} of {total:,} bytes")


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", None) or error
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
