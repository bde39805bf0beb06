"""Runs that are done, in a folder: a file for each, named by all that the run depends on."""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any

from npcnn.checks import FileError, FormatError, message
from npcnn.files import atomic_write, open_regular
from npcnn.sweeping.table import Run

FORMAT = 1
MOST = 64 << 20  # bytes of a file; a run of a million epochs has fewer
NAMES = 1 << 12  # of what a run reports, and of its setting


class Kept:
    """A folder of runs; None keeps nothing.

    A file is written aside, flushed and renamed, so that it is whole or not there, and a sweep
    that was interrupted finds those that had ended.

    Args:
        folder: made if it is not there.

    Raises:
        FileError: it cannot be made.
    """

    def __init__(self, folder: str | None) -> None:
        self.folder = None if folder is None else Path(folder)
        try:
            if self.folder is not None:
                self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            got = f"{folder} ({error.strerror})"
            text = message("sweep(folder)", "a folder to write in", got, "name another one")
            raise FileError(text) from error

    def find(self, key: str, setting: dict[str, Any], seed: int) -> Run | None:
        """Return the run of a key, if it is there; FormatError if its file is damaged."""
        if self.folder is None or not (path := self._path(key)).exists():
            return None
        try:
            with open_regular(os.fspath(path)) as file:
                size = os.fstat(file.fileno()).st_size
                text = file.read(min(size, MOST)).decode("utf-8")
            if text.count(":") > NAMES:
                raise ValueError
            found = json.loads(text)
            history = {str(name): _read(values) for name, values in found["history"].items()}
            if found["format"] != FORMAT or not history or not all(history.values()):
                raise ValueError
            return Run(setting, seed, history, float(found["seconds"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            fix = "remove that file; its run is then done again"
            raise FormatError(
                message(f"sweep(folder), {path.name}", "a kept run", "a damaged one", fix)
            ) from error

    def keep(self, key: str, run: Run) -> None:
        """Write a run."""
        if self.folder is None:
            return
        history = {name: _written(values) for name, values in run.history.items()}
        text = json.dumps({"format": FORMAT, **run._asdict(), "history": history}, allow_nan=False)
        with atomic_write(self._path(key)) as temporary:
            temporary.write_text(text, "utf-8")

    def _path(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / f"run-{key}.json"


def key_of(about: dict[str, Any]) -> str:
    """Return a text that differs for runs that depend on different things.

    >>> key_of({"seed": 0}) != key_of({"seed": 1})
    True
    """
    text = json.dumps(about, sort_keys=True, default=repr)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _written(value: Any) -> Any:
    """Return numbers in lists as JSON has them: NaN and infinity as texts."""
    if isinstance(value, list):
        return [_written(one) for one in value]
    return value if math.isfinite(value) else str(value)


def _read(value: Any) -> Any:
    """Return what `_written` was given."""
    if isinstance(value, list):
        plain = set(map(type, value)) <= {
            int,
            float,
        }  # millions take no second list
        return value if plain else [_read(one) for one in value]
    return value if isinstance(value, int) else float(value)
