"""Which files a folder or a pattern means, and which label each of them has."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from npcnn.checks import FileError, message
from npcnn.datasets.picture import SUFFIXES

MOST_CLASSES = 256  # as many as uint8 tells apart
WHERE = "load_image_folder(pattern)"


class Files(NamedTuple):
    """Paths, and the label of each; None where the name is to say it and does not."""

    paths: list[str]
    labels: list[int | None]


def find(name: str) -> Files:
    """Return the pictures that a folder or a pattern means, sorted by name.

    A folder holds pictures named by their label, or a folder of pictures for each class.

    Raises:
        FileError: nothing is found, or not what a label can be told of.
    """
    if os.path.isdir(name):
        return _in_folder(name)
    paths = sorted(_matches(name))
    if not paths:
        fix = "check the folder and the pattern, which is like 'train_images/*.jpg'"
        raise FileError(message(WHERE, "pictures", f"nothing that matches {name!r}", fix))
    return Files(paths, [_label(path) for path in paths])


def _in_folder(folder: str) -> Files:
    pictures = _pictures(folder)
    classes = {
        entry: files
        for entry in sorted(_entries(folder))
        if os.path.isdir(os.path.join(folder, entry))
        and (files := _pictures(os.path.join(folder, entry)))
    }
    where = f"load_image_folder({folder!r})"
    expected = "pictures named by their label (00017_5.jpg), or a folder of pictures for each class"
    if pictures and classes:
        got = f"both: {os.path.basename(pictures[0])} and the folder {next(iter(classes))}"
        fix = "name the pictures that are meant by a pattern, such as 'folder/*.jpg'"
        raise FileError(message(where, expected, got, fix))
    if pictures:
        return Files(pictures, [_label(path) for path in pictures])
    if not classes:
        fix = f"check the folder; pictures end in {', '.join(sorted(SUFFIXES))}"
        raise FileError(message(where, expected, "neither", fix))
    numbers = _numbers(list(classes), where)
    paths = [path for files in classes.values() for path in files]
    return Files(
        paths, [n for n, files in zip(numbers, classes.values(), strict=True) for _ in files]
    )


def _numbers(names: Sequence[str], where: str) -> list[int]:
    """Return a class's number for each folder: that in its name, or its place among them."""
    if all(name.isascii() and name.isdecimal() and int(name[:4]) < MOST_CLASSES for name in names):
        numbers = [int(name) for name in names]
        if len(set(numbers)) == len(numbers) and max(numbers) < MOST_CLASSES:
            return numbers
    if len(names) > MOST_CLASSES:
        expected, fix = f"{MOST_CLASSES} classes at most", "load them in parts"
        raise FileError(message(where, expected, str(len(names)), fix))
    return list(range(len(names)))


def _pictures(folder: str) -> list[str]:
    """Return the files directly in a folder that are named as pictures are, sorted."""
    return [
        os.path.join(folder, name)
        for name in sorted(_entries(folder))
        if Path(name).suffix.lower() in SUFFIXES and not os.path.isdir(os.path.join(folder, name))
    ]


def _entries(folder: str) -> list[str]:
    """Return the names in a folder; hidden ones are left out, as by glob."""
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".")]
    except OSError as error:
        got = f"{folder}: {error.strerror or error}"
        raise FileError(message(WHERE, "a readable folder", got, "check its rights")) from None


def _label(path: str) -> int | None:
    label = Path(path).stem[-1:]
    return int(label) if label in set("0123456789") else None


def _matches(pattern: str) -> set[str]:
    """Return what matches as by glob, where ``**`` goes through every folder once.

    Python's own follows links again and again until the system refuses: two links to the folder
    that they are in make 2⁴⁰ names.
    """
    parts = Path(pattern).parts
    if "**" not in parts:
        return set(glob.glob(pattern))
    at = parts.index("**")
    rest = [part for part in parts[at + 1 :] if part != "**"] or ["*"]
    found: set[str] = set()
    roots = glob.glob(os.path.join(*parts[:at])) if at else [""]
    for root in roots:
        for folder in _folders(root):
            found.update(glob.glob(os.path.join(glob.escape(folder), *rest)))
    return {path for path in found if not os.path.isdir(path)}


def _folders(root: str) -> Iterator[str]:
    """Yield a folder and all below it, each once, whatever links lead to it."""
    seen: set[tuple[int, int]] = set()
    for folder, below, _ in os.walk(root or ".", followlinks=True):
        status = os.stat(folder)
        place = status.st_dev, status.st_ino
        below[:] = sorted(name for name in below if not name.startswith("."))
        if place in seen:
            below.clear()
            continue
        seen.add(place)
        yield os.path.relpath(folder) if not root else folder
