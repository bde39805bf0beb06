"""Folders of pictures whose names end in their label, as ``00017_5.jpg``: written."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from npcnn.arguments import Numbers, PositiveInt, checked
from npcnn.arguments import Path as FolderPath
from npcnn.checks import ArgumentError, DtypeError, FileError, is_whole, message, same_length, shown
from npcnn.datasets.picture import SUFFIXES
from npcnn.datasets.workers import in_chunks


def _quality(value: Any, where: str) -> int:
    if not is_whole(value) or not 1 <= value <= 95:
        raise ArgumentError(message(where, "1 to 95", shown(value), "95 keeps the most"))
    return int(value)


@checked
def save_image_folder(
    folder: FolderPath,
    images: Numbers,
    labels: Numbers,
    quality: Annotated[int, _quality] = 95,
    workers: PositiveInt | None = None,
) -> None:
    """Write pictures as JPEG files named by number and label, ``00000_5.jpg``, ``00001_0.jpg``, ….

    Sorted by name they stand in the order of ``images``; reading them gives the labels again, and
    the images nearly so, since JPEG loses a little.

    Args:
        folder: made if it is not there; must not hold other pictures.
        images: uint8 ``(n, rows, columns)`` or ``(n, rows, columns, 1)``.
        labels: integers 0 to 9, ``(n,)``.
        quality: JPEG's, 1 to 95.
        workers: threads; by default 8, which hides the wait for a slow disk.

    Raises:
        DtypeError, ArgumentError: images, labels, quality or workers are not as said above.
        FileError: the folder holds other pictures or cannot be written.

    >>> import tempfile
    >>> from npcnn.datasets import draw_digits, load_image_folder
    >>> folder = f"{tempfile.mkdtemp()}/digits"
    >>> save_image_folder(folder, *draw_digits(3, seed=1))
    >>> load_image_folder(folder)[0].shape
    (3, 28, 28)
    """
    from PIL import Image

    pixels, digits = _checked(images, labels)
    width = max(5, len(str(len(pixels) - 1)))
    names = [f"{i:0{width}}_{digit}.jpg" for i, digit in enumerate(digits)]
    target = _ready(Path(folder), names)

    def write(chunk: range) -> dict[int, str]:
        for i in chunk:
            # Packed in memory first: a file is there whole or, if the disk is full, not at all.
            packed = io.BytesIO()
            Image.fromarray(pixels[i]).save(packed, "JPEG", quality=quality)
            path = target / names[i]
            try:
                path.write_bytes(packed.getbuffer())
            except OSError as error:
                path.unlink(missing_ok=True)
                raise _cannot_write(path, error) from error
        return {}

    in_chunks(write, len(pixels), workers, "save_image_folder")


def _checked(pixels: NDArray[Any], digits: NDArray[Any]) -> tuple[NDArray[np.uint8], list[int]]:
    where = "save_image_folder(images)"
    if pixels.dtype != np.uint8:
        fix = "scale them to 0 to 255 and convert with .astype('uint8')"
        raise DtypeError(message(where, "uint8", str(pixels.dtype), fix))
    if pixels.ndim == 4 and pixels.shape[3] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim != 3 or 0 in pixels.shape:
        got = f"shape {pixels.shape}"
        raise ArgumentError(message(where, "shape (n, rows, columns)", got, "reshape them"))
    where = "save_image_folder(labels)"
    if digits.dtype.kind not in "iu" or digits.ndim != 1:
        got = f"{digits.dtype} of shape {digits.shape}"
        raise DtypeError(message(where, "integers of shape (n,)", got, "give one digit a picture"))
    same_length(pixels, digits, where, ("images", "labels"))
    if digits.min() < 0 or digits.max() > 9:
        got = f"{digits.min()} to {digits.max()}"
        fix = "a label is one character of the file name"
        raise ArgumentError(message(where, "0 to 9", got, fix))
    return pixels, digits.tolist()


def _ready(folder: Path, names: Sequence[str]) -> Path:
    """Make the folder if need be; refuse one with pictures that would not be written over."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = {file.name for file in folder.iterdir() if file.suffix.lower() in SUFFIXES}
    except OSError as error:
        raise _cannot_write(folder, error) from error
    others = sorted(found.difference(names))
    if others:
        expected = "a new folder or one without other pictures"
        got = f"one with {len(others)} ({others[0]}{', …' if len(others) > 1 else ''})"
        fix = "name another folder, or empty this one"
        raise FileError(message(f"save_image_folder({str(folder)!r})", expected, got, fix))
    return folder


def _cannot_write(path: Path, error: OSError) -> FileError:
    fix = "check that you may write there and that the disk has room"
    got = error.strerror or str(error)
    return FileError(message(f"write {path}", "a writable place", got, fix))
