"""The pictures of a folder that holds a folder for each class."""

from __future__ import annotations

import os
from typing import Annotated, Any

from npcnn.arguments import sequence
from npcnn.checks import FileError, message, text
from npcnn.datasets.picture import SUFFIXES


def _folder_names(value: Any, where: str) -> list[str]:
    return [text(name, where, "name folders") for name in sequence(value, where)]


Folders = Annotated[list[str], _folder_names]


def classes_in(directory: str, where: str) -> list[str]:
    """Return the names of a folder's folders, sorted; hidden ones are left out."""
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        got = error.strerror or str(error)
        raise FileError(message(where, "a folder", got, "check the path")) from None
    folders = [name for name in names if os.path.isdir(os.path.join(directory, name))]
    return [name for name in folders if not name.startswith(".")]


def files_in(
    directory: str, name: str, follow_links: bool, where: str,
    endings: tuple[str, ...] = tuple(sorted(SUFFIXES)),
) -> list[str]:  # fmt: skip
    """Return the pictures in one of a folder's folders and below, sorted, as paths within it.

    Each folder is looked into once, whatever links lead to it.
    """
    top, found, seen = os.path.join(directory, name), [], set()
    if not os.path.isdir(top):
        fix = "give the names of folders in it"
        raise FileError(message(where, f"a folder {name!r} in it", "none", fix))
    for root, below, files in os.walk(top, followlinks=follow_links):
        status = os.stat(root)
        if (status.st_dev, status.st_ino) in seen:
            below.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        found += [(root, file) for file in files if file.lower().endswith(endings)]
    return [os.path.relpath(os.path.join(root, file), directory) for root, file in sorted(found)]
