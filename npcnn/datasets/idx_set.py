"""A data set of four IDX files, as MNIST is: found in a folder, or fetched into the cache."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from npcnn.checks import ArgumentError, FileError, FormatError, NpcnnError, message
from npcnn.datasets import fetch, idx, stand_ins
from npcnn.datasets.stand_ins import VARIABLE

Images = NDArray[np.uint8]
Split = tuple[Images, Images]


class Part(NamedTuple):
    """One of the four files: its name as published, its shape, and a sha256 that is known.

    The sum is that of the content, which mirrors may compress in several ways, or, where only that
    is known, of the compressed file.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str
    of_file: bool = False


def parts(*sums: str, of_files: bool = False) -> tuple[Part, ...]:
    """Return the four files of MNIST's layout, whose sums these are.

    >>> parts("a", "b", "c", "d")[1]
    Part(name='train-labels-idx1-ubyte', shape=(60000,), sha256='b', of_file=False)
    """
    whole = {"train": 60_000, "t10k": 10_000}
    named = [
        (f"{part}-{kind}-ubyte", (count, *shape))
        for part, count in whole.items()
        for kind, shape in (("images-idx3", (28, 28)), ("labels-idx1", ()))
    ]
    return tuple(Part(*one, of, of_files) for one, of in zip(named, sums, strict=True))


def load(
    name: str,
    parts: tuple[Part, ...],
    mirrors: tuple[str, ...],
    path: str | None,
    where: str,
    mmap_mode: Literal["r"] | None = None,
) -> tuple[Split, Split]:
    """Return ``(x_train, y_train), (x_test, y_test)`` of the data set ``name``.

    Args:
        name: also that of its folder in the cache, in NPCNN_DATA and on NPCNN_MIRROR.
        parts: training images, training labels, test images, test labels.
        mirrors: addresses of folders that hold the files, compressed.
        path: a folder that holds the files, or None.
        where: the call, for the message.
        mmap_mode: "r" leaves the elements of plain files of a named folder in them.

    Raises:
        ArgumentError: no folder is named whose files could be mapped.
    """
    if path is None and stand_ins.wanted():
        draw = stand_ins.digits if name == "mnist" else stand_ins.grey
        return draw(name, parts[0].shape[0], parts[2].shape[0])
    named = folder_of(name, path, where)
    if named is None and mmap_mode is not None:
        fix = f"unpack the files with gunzip, and pass their folder or set {VARIABLE} to it"
        expected, got = "a folder with plain files", "none, and the cache's files are compressed"
        raise ArgumentError(message(f"{where}(mmap_mode)", expected, got, fix))
    if named is not None:
        found = _from_folder(*named, parts, mmap_mode)
    else:
        found = _from_cache(name, parts, mirrors, where)
    x_train, y_train, x_test, y_test = found
    return (x_train, y_train), (x_test, y_test)


def folder_of(name: str, path: str | None, where: str) -> tuple[Path, str] | None:
    """Return the folder that the user names and where it is named; None if nowhere.

    NPCNN_DATA names a folder with MNIST's files, or one that holds a folder for each data set.
    """
    if path is not None:
        return Path(path).expanduser(), f"{where}(path)"
    if not os.environ.get(VARIABLE):
        return None
    folder = Path(os.environ[VARIABLE]).expanduser()
    if os.path.isdir(folder / name):
        return folder / name, VARIABLE
    return (folder, VARIABLE) if name == "mnist" else None


def _from_folder(
    folder: Path, where: str, parts: tuple[Part, ...], mmap_mode: Literal["r"] | None
) -> list[Images]:
    expected = "a folder with the four IDX files"
    if not os.path.isdir(folder):
        got = f"{folder}, which is no folder"
        raise FileError(message(where, expected, got, "check the path"))
    files = [_find(folder, part) for part in parts]
    missing = [part.name for part, file in zip(parts, files, strict=True) if file is None]
    if missing:
        got = f"{folder} without {', '.join(missing)}"
        fix = "add them (plain or .gz), or take read_idx for files of other names"
        raise FileError(message(where, expected, got, fix, longest=fetch.LINE))
    arrays = [
        idx.read_idx(file, dtype=np.uint8, shape=(None, *part.shape[1:]), mmap_mode=mmap_mode)
        for part, file in zip(parts, files, strict=True)
        if file is not None
    ]
    for images, labels, name in (
        (arrays[0], arrays[1], "train"),
        (arrays[2], arrays[3], "t10k"),
    ):
        if len(images) != len(labels):
            due = f"as many labels as images ({len(images)}) in the {name} files of {folder}"
            raise FormatError(message(where, due, str(len(labels)), "get both files again"))
    return arrays


def _find(folder: Path, part: Part) -> Path | None:
    for name in (part.name, part.name.replace("-idx", ".idx")):
        for file in (folder / name, folder / f"{name}.gz"):
            if os.path.isfile(file):
                return file
    return None


def _from_cache(
    name: str, parts: tuple[Part, ...], published: tuple[str, ...], where: str
) -> list[Images]:
    folder = fetch.cache_folder(name)
    mirrors = fetch.mirrors_of(name, published)
    fix = (
        f"set {VARIABLE} to a folder with the four files, or to 'drawn' for a stand-in, "
        f"{fetch.VARIABLE} to a mirror of your own, or pass that folder"
    )
    arrays = []
    for part in parts:
        array = _cached(folder, part)
        if array is None:
            array = fetch.fetch(
                f"{part.name}.gz",
                folder,
                mirrors,
                lambda file, part=part: _checked(file, part),  # type: ignore[misc]
                most_bytes(part),
                where,
                fix,
            )
        arrays.append(array)
    return arrays


def most_bytes(part: Part) -> int:
    """Return how many bytes the compressed file may have: no more than it has unpacked, nearly."""
    return int(np.prod(part.shape)) + (1 << 16)


def _cached(folder: Path, part: Part) -> Images | None:
    """Return what the cache holds, or None if that is nothing or damaged."""
    file = _find(folder, part)
    try:
        return None if file is None else _checked(file, part)
    except NpcnnError:
        return None


def _checked(file: Path, part: Part) -> Images:
    """Read a file of which everything is known beforehand; no more is unpacked than it should."""
    digest = hashlib.sha256()
    if part.of_file:
        digest.update(file.read_bytes())
        _compare(file, digest.hexdigest(), part)
    array = idx.read_idx(file, dtype=np.uint8, shape=part.shape)
    if not part.of_file:
        digest.update(idx.header(array))
        digest.update(array.data)
        _compare(file, digest.hexdigest(), part)
    return array


def _compare(file: Path, digest: str, part: Part) -> None:
    if digest != part.sha256:
        expected = f"content with the sha256 {part.sha256[:12]}…"
        got = f"{digest[:12]}…"
        raise FormatError(message(f"read {file}", expected, got, "get the file again"))
