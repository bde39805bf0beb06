"""CIFAR's binary form: found in a folder, or fetched into the cache; read here, never unpickled.

An archive holds files of records: a byte for each label, then 1,024 bytes of red, green and blue
each, row by row. Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images",
2009, and https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from npcnn.checks import FileError, FormatError, NpcnnError, message
from npcnn.datasets import fetch, stand_ins
from npcnn.datasets.idx_set import folder_of
from npcnn.datasets.stand_ins import VARIABLE

Bytes = NDArray[np.uint8]
Records = tuple[Bytes, Bytes]  # images (n, 32, 32, 3), labels (n, labels of a record)

SIDE = 32
PIXELS = 3 * SIDE * SIDE
UNPACKED = ("cifar-10-batches-bin", "cifar-100-binary")  # the folders in the archives
ROOM = 1 << 20  # bytes of an archive beside its pictures


class Archive(NamedTuple):
    """A data set as it is published: its name and its archive's, files, records, checksum, size."""

    name: str
    file: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    records: int  # in each of these files, the training files and the test file
    test_records: int
    labels: tuple[int, ...]  # how many values each label of a record has
    sha256: str
    size: int
    mirrors: tuple[str, ...]


def load(archive: Archive, path: str | None) -> tuple[Records, Records]:
    """Return the training and the test part.

    Args:
        archive: what is known of the data set.
        path: a folder with the archive or with the files in it, or None for what NPCNN_DATA
            names, the cache or a mirror.
    """
    where = f"{archive.name}.load_data"
    if path is None and stand_ins.wanted():
        train = archive.records * len(archive.train)
        return stand_ins.coloured(archive.name, train, archive.test_records, archive.labels)
    named = folder_of(archive.name, path, where)
    if named:
        folder, said = named
        try:
            return _split(_from_folder(archive, folder, said), archive)
        except NpcnnError:
            raise
        except OSError as error:
            got, fix = error.strerror or str(error), "check the files' rights"
            raise FileError(message(said, "readable files", got, fix)) from None
    folder = fetch.cache_folder(archive.name)
    try:
        return _split(_checked(archive, folder / archive.file), archive)
    except (NpcnnError, OSError):  # nothing there, or damaged
        pass
    fix = (
        f"set {VARIABLE} to a folder with a folder {archive.name} that holds the archive, or to "
        f"'drawn' for a stand-in, {fetch.VARIABLE} to a mirror of your own, or pass the folder"
    )
    files = fetch.fetch(
        archive.file,
        folder,
        fetch.mirrors_of(archive.name, archive.mirrors),
        lambda file: _checked(archive, file),
        archive.size,
        where,
        fix,
    )
    return _split(files, archive)


def _from_folder(archive: Archive, folder: Path, where: str) -> dict[str, Bytes]:
    names = (*archive.train, *archive.test)
    packed = folder / archive.file
    if os.path.isfile(packed):
        return _unpacked(archive, packed)
    for place in (folder, *(folder / name for name in UNPACKED)):
        files = [place / name for name in names]
        if all(os.path.isfile(file) for file in files):
            return {file.name: _from_file(archive, file) for file in files}
    expected = f"a folder with {archive.file}, or with {', '.join(names)}"
    got = f"{folder}" if os.path.isdir(folder) else f"{folder}, which is no folder"
    fix = "get the binary version; that for Python is made of pickles, which can run programs"
    raise FileError(message(where, expected, got, fix))


def _from_file(archive: Archive, file: Path) -> Bytes:
    with open(file, "rb") as stream:
        return _records(archive, file.name, file.stat().st_size, stream, file)


def _checked(archive: Archive, file: Path) -> dict[str, Bytes]:
    """Return an archive's files if it is, byte for byte, the one that is known."""
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    if digest.hexdigest() != archive.sha256:
        got, expected = f"{digest.hexdigest()[:12]}…", f"the sha256 {archive.sha256[:12]}…"
        raise FormatError(message(f"read {file}", expected, got, "get the file again"))
    return _unpacked(archive, file)


class _Bounded(io.RawIOBase):
    """What a compressed file holds, up to so many bytes and no further."""

    def __init__(self, stream: Any, most: int) -> None:
        self._stream, self._left = stream, most

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        chunk = self._stream.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(chunk)
        return chunk


def _unpacked(archive: Archive, file: Path) -> dict[str, Bytes]:
    """Read the files of an archive; nothing is written, and only what is expected is looked at."""
    import gzip

    due = dict.fromkeys(archive.train, archive.records)
    due |= dict.fromkeys(archive.test, archive.test_records)
    width = len(archive.labels) + PIXELS
    found: dict[str, Bytes] = {}
    try:
        with gzip.open(file) as packed:
            stream: Any = _Bounded(packed, width * sum(due.values()) + ROOM)
            with tarfile.open(fileobj=stream, mode="r|") as members:
                for member in members:
                    name = member.name.rpartition("/")[2]
                    if name in due and name not in found and member.isreg():
                        content = members.extractfile(member)
                        assert content is not None
                        where = f"{file}, {name}"
                        found[name] = _records(archive, name, member.size, content, where)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError) as error:
        if isinstance(error, NpcnnError):
            raise
        raise _wrong(file, "a whole .tar.gz archive", str(error)) from None
    missing = [name for name in due if name not in found]
    if missing:
        raise _wrong(file, f"an archive with {', '.join(due)}", f"none of {', '.join(missing)}")
    return found


def _records(archive: Archive, name: str, size: int, stream: Any, where: Any) -> Bytes:
    """Return a file's records, (n, labels and pixels), everything in them checked."""
    number = archive.test_records if name in archive.test else archive.records
    width = len(archive.labels) + PIXELS
    if size != number * width:
        raise _wrong(where, f"{number:,} records of {width:,} bytes", f"{size:,} bytes")
    content = stream.read(size)
    if len(content) != size:
        raise _wrong(where, f"{size:,} bytes", f"{len(content):,}")
    records = np.frombuffer(content, np.uint8).reshape(number, width)
    for column, classes in enumerate(archive.labels):
        most = int(records[:, column].max())
        if most >= classes:
            raise _wrong(where, f"labels from 0 to {classes - 1}", str(most))
    return records


def _split(files: dict[str, Bytes], archive: Archive) -> tuple[Records, Records]:
    return _part(files, archive, archive.train), _part(files, archive, archive.test)


def _part(files: dict[str, Bytes], archive: Archive, names: tuple[str, ...]) -> Records:
    """Put files together: images with their channels last, as Keras has them, and labels."""
    n, labels = sum(len(files[name]) for name in names), len(archive.labels)
    images = np.empty((n, SIDE, SIDE, 3), np.uint8)
    marks = np.empty((n, labels), np.uint8)
    start = 0
    for name in names:
        records = files[name]
        stop = start + len(records)
        marks[start:stop] = records[:, :labels]
        planes = records[:, labels:].reshape(-1, 3, SIDE, SIDE)
        images[start:stop] = planes.transpose(0, 2, 3, 1)
        start = stop
    return images, marks


def _wrong(file: Any, expected: str, got: str) -> FormatError:
    fix = "get the file again or name another folder"
    return FormatError(message(f"read {file}", expected, got, fix))
