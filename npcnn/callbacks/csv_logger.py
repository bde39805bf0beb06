"""The numbers of each epoch in a table that other programs read."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from npcnn.arguments import Path, checked
from npcnn.callbacks.base import Callback, Logs
from npcnn.checks import ArgumentError, FileError, message, shown


class CSVLogger(Callback):
    """Write the numbers of each epoch as one line of a CSV file.

    Its columns are settled by the first epoch: the epoch's number from 0, the names in
    alphabetical order, and their 'val_' twins if there are none yet. What an epoch does not report
    is written as NA. A resumed run goes on with the lines up to its checkpoint.

    Args:
        filename: the file.
        separator: what stands between two numbers, one character.
        append: True to write below what the file holds.

    Raises:
        ArgumentError: the separator is not one character.
        FileError: the file cannot be written, when the run begins.

    >>> CSVLogger("log.csv").separator
    ','
    """

    writes = True

    @checked
    def __init__(self, filename: Path, separator: str = ",", append: bool = False) -> None:
        if len(separator) != 1 or separator in '\r\n"':
            fix = "',' is usual, ';' or a tab are others"
            where = "CSVLogger(separator)"
            raise ArgumentError(message(where, "one character", shown(separator), fix))
        self.filename, self.separator, self.append = filename, separator, append
        self.keys: list[str] | None = None
        self.text = ""  # what the file holds, or is to hold
        self.begun = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """See that the file can be written; it is not touched before the first epoch's end."""
        self.keys, self.text, self.begun = None, "", False
        with self._opened("a+") as file:
            if self.append:
                file.seek(0)
                self.text = file.read()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the epoch's line."""
        logs = logs or {}
        lines = io.StringIO()
        writer = csv.writer(lines, delimiter=self.separator)
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
            if not self.text:
                writer.writerow(["epoch", *self.keys])
        writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        self.text += lines.getvalue()
        with self._opened("a" if self.begun else "w") as file:
            file.write(lines.getvalue() if self.begun else self.text)
        self.begun = True

    @contextlib.contextmanager
    def _opened(self, mode: str) -> Iterator[IO[str]]:
        try:
            with open(self.filename, mode, encoding="utf-8", newline="") as file:
                yield file
        except (OSError, UnicodeDecodeError) as error:
            fix = "give another file"
            raise FileError(message("CSVLogger", "a text file", str(error), fix)) from error

    def get_state(self) -> dict[str, Any]:
        """Return what the file holds, and its columns."""
        return {"keys": self.keys, "text": self.text}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on below what the file held then."""
        self.keys = None if state["keys"] is None else [str(key) for key in state["keys"]]
        self.text = str(state["text"])


def _cell(value: Any) -> Any:
    """Return a value as a cell holds it; several numbers in brackets, as Keras writes them."""
    if isinstance(value, str) or np.ndim(value) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'
