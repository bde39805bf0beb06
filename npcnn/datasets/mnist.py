"""MNIST: found in a folder, or fetched once into the user's cache."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from npcnn.checks import FileError, FormatError, NpcnnError, message
from npcnn.datasets import idx
from npcnn.files import atomic_write

__all__ = ["load_data"]

Images = NDArray[np.uint8]
Split = tuple[Images, Images]


class Part(NamedTuple):
    """One of the four files: its name as published, its shape, the sha256 of its content."""

    name: str
    shape: tuple[int | None, ...]
    sha256: str


PARTS = (
    Part(
        "train-images-idx3-ubyte",
        (None, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    Part(
        "train-labels-idx1-ubyte",
        (None,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    Part(
        "t10k-images-idx3-ubyte",
        (None, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    Part(
        "t10k-labels-idx1-ubyte",
        (None,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)
MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
    "https://azureopendatastorage.blob.core.windows.net/mnist/",
)
VARIABLE = "NPCNN_DATA"
TIMEOUT = 10.0  # seconds for a mirror to answer, and for each piece after that
MOST_BYTES = 1 << 26  # the largest of the files is 47 MB unpacked
FIX = f"set {VARIABLE} to a folder with the four files, or pass that folder"


def load_mnist(path: str | os.PathLike[str] | None = None) -> tuple[Split, Split]:
    """Load MNIST, or a data set laid out like it: ``(x_train, y_train), (x_test, y_test)``.

    It is taken from ``path``; without one, from the folder that the environment variable
    ``NPCNN_DATA`` names; without that, from the user's cache folder, into which it is downloaded
    (11 MB, checked by sha256) the first time. A folder that is named may hold another data set of
    that layout, such as Fashion-MNIST; files may be compressed by gzip or not, and be called
    ``train-images-idx3-ubyte`` or ``train-images.idx3-ubyte``.

    Args:
        path: a folder with the four IDX files.

    Returns:
        Images uint8 ``(n, 28, 28)`` and labels uint8 ``(n,)``, 60,000 to train on and 10,000 to
        test with.

    Raises:
        FileError: a file is missing, or nothing could be downloaded.
        FormatError: a file's content is wrong, or there are not as many labels as images.

    >>> import pathlib, tempfile
    >>> from npcnn.datasets import draw_digits, write_idx
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for part, n in (("train", 20), ("t10k", 10)):
    ...     images, labels = draw_digits(n, seed=1)
    ...     write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
    ...     write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels)
    >>> (x_train, y_train), (x_test, y_test) = load_mnist(folder)
    >>> x_train.shape, y_test.shape
    ((20, 28, 28), (10,))

    Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits".
    """
    named = path if path is not None else os.environ.get(VARIABLE) or None
    if named is None:
        arrays = _from_cache()
    else:
        where = "load_mnist(path)" if path is not None else VARIABLE
        arrays = _from_folder(Path(named).expanduser(), where)
    x_train, y_train, x_test, y_test = arrays
    return (x_train, y_train), (x_test, y_test)


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[Split, Split]:
    """Load MNIST by the name that Keras has for it: ``load_mnist(path)``.

    Keras's own default, ``"mnist.npz"``, names no folder here and counts as None.
    """
    return load_mnist(None if path == "mnist.npz" else path)


def _from_folder(folder: Path, where: str) -> list[Images]:
    if not folder.is_dir():
        got = f"{folder}, which is no folder"
        raise FileError(message(where, "a folder with the four MNIST files", got, "check the path"))
    files = [_find(folder, part) for part in PARTS]
    missing = [part.name for part, file in zip(PARTS, files, strict=True) if file is None]
    if missing:
        got = f"{folder} without {', '.join(missing)}"
        fix = "add them (plain or .gz) or name another folder"
        raise FileError(message(where, "a folder with the four MNIST files", got, fix))
    arrays = [
        idx.read_idx(file, dtype=np.uint8, shape=part.shape)
        for part, file in zip(PARTS, files, strict=True)
        if file is not None
    ]
    for images, labels, name in (
        (arrays[0], arrays[1], "train"),
        (arrays[2], arrays[3], "t10k"),
    ):
        if len(images) != len(labels):
            expected = f"as many labels as images ({len(images)}) in the {name} files of {folder}"
            raise FormatError(message(where, expected, str(len(labels)), "get both files again"))
    return arrays


def _find(folder: Path, part: Part) -> Path | None:
    for name in (part.name, part.name.replace("-idx", ".idx")):
        for file in (folder / name, folder / f"{name}.gz"):
            if file.is_file():
                return file
    return None


def _from_cache() -> list[Images]:
    folder = _cache_folder()
    mirrors = list(MIRRORS)
    arrays = []
    for part in PARTS:
        array = _cached(folder, part)
        arrays.append(_download(folder, part, mirrors) if array is None else array)
    return arrays


def _cache_folder() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("npcnn", appauthor=False) / "mnist"


def _cached(folder: Path, part: Part) -> Images | None:
    """Return what the cache holds, or None if that is nothing or damaged."""
    file = _find(folder, part)
    try:
        return None if file is None else _checked(file, part)
    except NpcnnError:
        return None


def _checked(file: Path, part: Part) -> Images:
    array = idx.read_idx(file, dtype=np.uint8, shape=part.shape)
    digest = hashlib.sha256(idx.header(array))
    digest.update(array.data)
    if digest.hexdigest() != part.sha256:
        got = f"{digest.hexdigest()[:12]}…"
        expected = f"content with the sha256 {part.sha256[:12]}…"
        raise FormatError(message(f"read {file}", expected, got, "get the file again"))
    return array


def _download(folder: Path, part: Part, mirrors: list[str]) -> Images:
    """Fetch one file from the first mirror that has it whole, and move that mirror to the front."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        got = error.strerror or str(error)
        raise FileError(message(f"write {folder}", "a writable cache folder", got, FIX)) from None
    target = folder / f"{part.name}.gz"
    failures = []
    for mirror in list(mirrors):
        try:
            with atomic_write(target) as temporary:
                _fetch(mirror + target.name, temporary)
                array = _checked(temporary, part)
        except _MirrorError as error:
            failures.append(f"{mirror} ({error})")
            continue
        except FormatError:
            failures.append(f"{mirror} (not the content of MNIST)")
            continue
        mirrors.remove(mirror)
        mirrors.insert(0, mirror)
        return array
    expected = f"{part.name} in {folder} or from a mirror"
    got = f"none; tried {', '.join(failures)}"
    raise FileError(message("load_mnist", expected, got, FIX))


class _MirrorError(NpcnnError):
    """A mirror did not answer, or not with a file."""


def _fetch(url: str, target: Path) -> None:
    """Download ``url`` into the file ``target`` with a progress bar."""
    import http.client
    import urllib.request

    from tqdm import tqdm

    network = (OSError, http.client.HTTPException, ValueError)
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "npcnn"})
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except network as error:
        raise _MirrorError(_reason(error)) from error
    due = answer.headers.get("Content-Length", "")
    total = int(due) if due.isdecimal() else None
    bar = tqdm(total=total, desc=url.rpartition("/")[2], unit="B", unit_scale=True, disable=None)
    size = 0
    with answer, bar, open(target, "wb") as file:
        while True:
            try:
                chunk = answer.read(1 << 16)
            except network as error:
                raise _MirrorError(_reason(error)) from error
            if not chunk:
                break
            size += len(chunk)
            if size > MOST_BYTES:
                raise _MirrorError(f"more than {MOST_BYTES:,} bytes")
            file.write(chunk)
            bar.update(len(chunk))
    if total is not None and size != total:
        raise _MirrorError(f"{size:,} of {total:,} bytes")


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", None) or error
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
