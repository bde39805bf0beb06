"""Where the examples get their digits: MNIST, or drawn ones in its place, and which it was."""

import hashlib
import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from npcnn.checks import FileError
from npcnn.datasets import draw_digits, load_mnist, mnist
from npcnn.datasets.idx import header


class Digits(NamedTuple):
    """A data set: its name, images (n, 28, 28) and labels (n,), both uint8."""

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def find_digits(folder: str | None, drawn: tuple[int, int] = (20_000, 5_000)) -> Digits:
    """Return the IDX files' digits of a folder, or MNIST from where npcnn keeps it, or drawn ones.

    Drawn digits come with a warning, and only if no folder was named: a wrong folder is an error.

    Args:
        folder: with four IDX files; None for NPCNN_DATA ("drawn" asks for drawn digits), the
            user's cache or a download.
        drawn: how many digits to draw for training and for the test.
    """
    named = folder or os.environ.get(mnist.VARIABLE)
    if not folder and named == "drawn":
        return drawn_digits(*drawn)
    try:
        (x_train, y_train), (x_test, y_test) = load_mnist(folder)
    except FileError as error:
        if named:
            raise
        print(f"Warning: no MNIST here ({error})", file=sys.stderr)
        print("Warning: going on with drawn digits in its place.", file=sys.stderr)
        return drawn_digits(*drawn)
    name = "MNIST" if is_mnist(x_train) else f"the data in {Path(named or '.').name}"
    return Digits(name, x_train, y_train, x_test, y_test)


def drawn_digits(train: int, test: int) -> Digits:
    """Return so many drawn digits."""
    return Digits("drawn digits", *draw_digits(train, seed=1), *draw_digits(test, seed=2))


def is_mnist(x_train: np.ndarray) -> bool:
    """Tell MNIST by its content: other data sets, such as Fashion-MNIST, are laid out like it."""
    digest = hashlib.sha256(header(x_train))
    digest.update(np.ascontiguousarray(x_train))
    return digest.hexdigest() == mnist.PARTS[0].sha256
