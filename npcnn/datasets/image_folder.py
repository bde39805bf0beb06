"""Folders of pictures whose names end in their label, as ``00017_5.jpg``: read and written."""

from __future__ import annotations

import glob
import io
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npcnn.checks import (
    ArgumentError,
    DtypeError,
    FileError,
    FormatError,
    message,
    positive_int,
    positive_pair,
    same_length,
)

SMALL = 1 << 16  # bytes of a file up to which it is a small one
CHUNK = 64  # pictures a thread takes at a time
THREADS = 8  # not the number of processors: most of them wait for the disk
LISTED = 10  # bad files named in an error; the others are counted
SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}

Work = Callable[[range], dict[int, str]]


def load_image_folder(
    pattern: str | os.PathLike[str],
    size: tuple[int, int] = (28, 28),
    workers: int | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read the pictures whose names match ``pattern``: ``(images, labels)``, sorted by name.

    Each is made grey (``convert("L")``) and resized by Pillow's own default filter; its label is
    the last character of its name before the extension. Several are read at a time.

    Args:
        pattern: as for ``glob``, such as ``"train_images/*.jpg"``.
        size: (rows, columns) of the result.
        workers: threads; by default 8, which hides the wait for a slow disk.

    Returns:
        ``images``, uint8 ``(n, rows, columns)``, and ``labels``, uint8 ``(n,)``.

    Raises:
        ArgumentError: ``size`` is not a pair of positive integers, ``workers`` not one.
        FileError: no name matches.
        FormatError: pictures that cannot be read or that Pillow warns of, and names without a
            label, all in one error.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> save_image_folder(folder, np.zeros((2, 28, 28), np.uint8), [5, 0])
    >>> images, labels = load_image_folder(f"{folder}/*.jpg")
    >>> images.shape, labels.tolist()
    ((2, 28, 28), [5, 0])
    """
    rows, columns = positive_pair(size, "load_image_folder(size)")
    paths = sorted(glob.glob(os.fspath(pattern), recursive=True))
    if not paths:
        fix = "check the folder and the pattern, which is like 'train_images/*.jpg'"
        got = f"nothing that matches {os.fspath(pattern)!r}"
        raise FileError(message("load_image_folder(pattern)", "pictures", got, fix))
    pictures = _Pictures(paths, rows, columns)
    with warnings.catch_warnings():
        # A picture that Pillow warns of (so large that it may be a bomb, say) is a bad one.
        warnings.filterwarnings("error", module=r"PIL\.")
        bad = _in_chunks(pictures.read, len(paths), workers, "load_image_folder")
    if bad:
        names = [f"{os.path.basename(paths[i])} ({bad[i]})" for i in sorted(bad)]
        expected = "readable pictures with names like 00017_5.jpg"
        got = f"{len(bad)} of {len(paths)} bad: {_listed(names)}"
        fix = "repair, rename or remove them"
        raise FormatError(message(f"load_image_folder({os.fspath(pattern)!r})", expected, got, fix))
    return pictures.images, pictures.labels


def save_image_folder(
    folder: str | os.PathLike[str],
    images: ArrayLike,
    labels: ArrayLike,
    quality: int = 95,
    workers: int | None = None,
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
    """
    from PIL import Image

    pixels, digits = _checked(images, labels)
    if isinstance(quality, bool) or not isinstance(quality, int) or not 1 <= quality <= 95:
        where = "save_image_folder(quality)"
        raise ArgumentError(message(where, "1 to 95", repr(quality), "95 keeps the most"))
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

    _in_chunks(write, len(pixels), workers, "save_image_folder")


class _Pictures:
    """The arrays of a folder that is being read, and how a thread reads its part of them."""

    def __init__(self, paths: Sequence[str], rows: int, columns: int) -> None:
        self.paths = paths
        self.images = np.empty((len(paths), rows, columns), np.uint8)
        self.labels = np.empty(len(paths), np.uint8)
        self.one_at_a_time = threading.Lock()

    def read(self, chunk: range) -> dict[int, str]:
        """Read the pictures of these numbers; return what is wrong with those that are bad.

        The work on a small picture is nearly all Python's, which runs in one thread at a time
        anyway, and threads that compete for it are slower than one. So they read small files side
        by side and decode them in turn; large ones each thread decodes by itself, since Pillow
        then lets the others run.
        """
        wrong: dict[int, str] = {}
        small: dict[int, io.BytesIO] = {}
        for i in chunk:
            try:
                with open(self.paths[i], "rb") as file:
                    content = file.read(SMALL + 1)
            except OSError as error:
                wrong[i] = _reason(error)
                continue
            if len(content) > SMALL:
                wrong[i] = self.decode(i, self.paths[i])
            else:
                small[i] = io.BytesIO(content)
        with self.one_at_a_time:
            wrong.update({i: self.decode(i, source) for i, source in small.items()})
        for i in chunk:
            label = Path(self.paths[i]).stem[-1:]
            if label in set("0123456789"):
                self.labels[i] = int(label)
            else:
                wrong[i] = ", ".join(filter(None, ["no digit before the extension", wrong[i]]))
        return {i: what for i, what in wrong.items() if what}

    def decode(self, i: int, source: str | io.BytesIO) -> str:
        """Put picture ``i`` into its place; return what is wrong with it, or nothing."""
        from PIL import Image

        rows, columns = self.images.shape[1:]
        try:
            with Image.open(source) as image:
                self.images[i] = np.asarray(image.convert("L").resize((columns, rows)))
        except Exception as error:  # Pillow raises whatever its decoders run into
            return _reason(error)
        return ""


def _checked(images: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.uint8], list[int]]:
    pixels, digits = np.asarray(images), np.asarray(labels)
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
        got = f"one with {len(others)} ({_listed(others[:1])}{', …' if len(others) > 1 else ''})"
        fix = "name another folder, or empty this one"
        raise FileError(message(f"save_image_folder({str(folder)!r})", expected, got, fix))
    return folder


def _cannot_write(path: Path, error: OSError) -> FileError:
    fix = "check that you may write there and that the disk has room"
    got = error.strerror or str(error)
    return FileError(message(f"write {path}", "a writable place", got, fix))


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    # Pillow names the whole path once more; the listing has the name already.
    return text.split(" '")[0].split(" <_io")[0] or type(error).__name__


def _listed(names: Sequence[str]) -> str:
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")


def _in_chunks(work: Work, n: int, workers: int | None, where: str) -> dict[int, str]:
    """Call ``work`` on chunks of range(n), several at a time, and merge what it returns.

    Never more than two chunks a thread are under way, so that an error or Ctrl-C ends it at once.
    """
    from tqdm import tqdm

    threads = THREADS if workers is None else positive_int(workers, f"{where}(workers)")
    chunks = iter([range(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)])
    merged: dict[int, str] = {}
    under_way: dict[Future[dict[int, str]], int] = {}
    pool = ThreadPoolExecutor(threads)
    try:
        with tqdm(total=n, desc=where, unit="", disable=None) as bar:
            while True:
                for chunk in chunks:
                    under_way[pool.submit(work, chunk)] = len(chunk)
                    if len(under_way) >= 2 * threads:
                        break
                if not under_way:
                    return merged
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    bar.update(under_way.pop(future))
                    merged.update(future.result())
    finally:
        pool.shutdown(cancel_futures=True)
