"""Pictures read from files: one, or a folder of them with their labels."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from npcnn.arguments import Pair, Path, PositiveInt, checked
from npcnn.checks import ArgumentError, FormatError, NpcnnWarning, message, shown
from npcnn.datasets import image_files, like_mnist
from npcnn.datasets.picture import (
    MOST_PIXELS,
    SMALL,
    Limits,
    PictureError,
    from_file,
    opened,
    read_file,
    strict,
)
from npcnn.datasets.workers import in_chunks

LISTED = 10  # bad files named in an error; the others are counted
LINE = 4000  # characters that such a list may have
CONTRAST = 32  # grey levels between a picture's darkest and brightest; less is no writing
EDGE = 0.9  # of the pixels at the edge: so many must be bright for the paper to be
INK = "bright ink on dark paper, as MNIST's digits are"
INVERT = "pass like='mnist', or turn them round: 255 - images"
FIX = "repair or convert it; a larger max_pixels admits larger pictures"

Like = Literal["mnist"]


@checked
def load_image(
    path: Path,
    size: Pair = (28, 28),
    *,
    like: Like | None = None,
    max_pixels: PositiveInt = MOST_PIXELS,
) -> NDArray[np.uint8]:
    """Read one picture: grey, uint8, of the size asked for.

    **Ink must be bright and paper dark (0)**, as in MNIST: a network trained on that answers
    nonsense for a photograph of black writing on white paper. ``like="mnist"`` makes any picture
    of one digit so: turned as the camera says, paper dark, the ink cropped, scaled into 20 × 20,
    its centre of mass in the middle of 28 × 28 (`mnist_stages` shows every stage).
    Without it the picture is made grey (``convert("L")``) and resized by Pillow's own default
    filter, nothing else; a warning comes if its paper is brighter than its ink.

    Args:
        path: a BMP, GIF, JPEG, PNG, TIFF or WebP file; other formats are not opened.
        size: (rows, columns) of the result; ``like="mnist"`` gives (28, 28) only.
        like: "mnist", or None.
        max_pixels: larger pictures are refused, by default those of more than 16,777,216 pixels
            (67 MB as Pillow holds them; a WebP's are counted three times). From 89 million
            on Pillow has a limit of its own, ``PIL.Image.MAX_IMAGE_PIXELS``.

    Returns:
        uint8 ``(rows, columns)``; ``model.predict(image[None, ..., None])`` takes it as a batch.

    Raises:
        ArgumentError: an argument is not as said above.
        FileError: there is no such file.
        FormatError: it is no picture, damaged or too large, or, ``like="mnist"``, without ink.

    >>> import tempfile
    >>> from PIL import Image
    >>> name = f"{tempfile.mkdtemp()}/dark.png"
    >>> Image.new("L", (56, 40), 7).save(name)
    >>> image = load_image(name)
    >>> image.shape, image.dtype, int(image.max())
    ((28, 28), dtype('uint8'), 7)
    """
    where = "load_image"
    rows, columns = _size(size, like, max_pixels, where)
    pixels: NDArray[np.uint8] = from_file(
        path,
        lambda image: _pixels(image, rows, columns, like),
        Limits(max_pixels),
        where,
        like_mnist.FIX if like else FIX,
    )
    if like is None and _bright_paper(pixels[None]).any():
        text = message(f"{where}({path!r})", INK, "paper brighter than its ink", INVERT)
        warnings.warn(text, NpcnnWarning, stacklevel=3)
    return pixels


@checked
def load_image_folder(
    pattern: Path,
    size: Pair = (28, 28),
    workers: PositiveInt | None = None,
    *,
    like: Like | None = None,
    max_pixels: PositiveInt = MOST_PIXELS,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read a folder's pictures, or those whose names match a pattern: ``(images, labels)``.

    **Ink must be bright and paper dark (0)**, as in MNIST; `load_image` says more of it and of
    ``like="mnist"``. If most pictures have paper that is brighter than ink, a warning says so.

    Labels come from names. With a pattern, or a folder that holds pictures, a picture's label is
    the last character of its name before the extension (``00017_5.jpg``). In a folder that holds a
    folder for each class (``digits/7/a.png``), it is the number that its folder is named by, or,
    if they are not all numbers, its folder's place in alphabetical order, from 0.
    Pictures are sorted by name and read several at a time.

    Args:
        pattern: a folder, or as for ``glob``, such as ``"train_images/*.jpg"``; ``**`` goes
            through each folder below once, links that lead in circles notwithstanding.
        size: (rows, columns) of the result; ``like="mnist"`` gives (28, 28) only.
        workers: threads; by default 8, which hides the wait for a slow disk.
        like: "mnist", or None: made grey (``convert("L")``) and resized, nothing else.
        max_pixels: larger pictures are refused, and no more pixels than that are decoded at the
            same time.

    Returns:
        ``images``, uint8 ``(n, rows, columns)``, and ``labels``, uint8 ``(n,)``.

    Raises:
        ArgumentError: an argument is not as said above.
        FileError: nothing is found.
        FormatError: pictures that cannot be read, that Pillow warns of or that would cost too much
            memory or time, and names without a label, all in one error.

    >>> import tempfile
    >>> from npcnn.datasets import save_image_folder
    >>> folder = tempfile.mkdtemp()
    >>> save_image_folder(folder, np.zeros((2, 28, 28), np.uint8), [5, 0])
    >>> images, labels = load_image_folder(folder)
    >>> images.shape, labels.tolist()
    ((2, 28, 28), [5, 0])
    """
    where = "load_image_folder"
    shape = _size(size, like, max_pixels, where)
    files, named = image_files.find(pattern), f"{where}({pattern!r})"
    pictures = _Pictures(files.paths, shape, like, Limits(max_pixels))
    with strict():
        bad = in_chunks(pictures.read, len(files.paths), workers, where)
    _refuse_bad(files, bad, named)
    bright = 0 if like else int(_bright_paper(pictures.images).sum())
    if 2 * bright > len(pictures.images):
        got = f"paper brighter than ink in {bright} of {len(pictures.images)}"
        warnings.warn(message(named, INK, got, INVERT), NpcnnWarning, stacklevel=3)
    return pictures.images, np.array(files.labels, np.uint8)


def _refuse_bad(files: Any, bad: dict[int, str], named: str) -> None:
    """Raise FormatError if there are pictures without a label, or bad in another way."""
    for i, label in enumerate(files.labels):
        if label is None:
            bad[i] = ", ".join(filter(None, ["no digit before the extension", bad.get(i, "")]))
    if bad:
        names = [f"{os.path.basename(files.paths[i])} ({bad[i]})" for i in sorted(bad)]
        expected = "readable pictures with names like 00017_5.jpg"
        got = f"{len(bad)} of {len(files.paths)} bad: {_listed(names)}"
        fix = "repair, rename or remove them"
        raise FormatError(message(named, expected, got, fix, longest=LINE))


class _Pictures:
    """The images of a folder that is being read, and how a thread reads its part of them."""

    def __init__(
        self, paths: Sequence[str], shape: tuple[int, int], like: Like | None, limits: Limits
    ) -> None:
        self.paths = paths
        self.images = np.empty((len(paths), *shape), np.uint8)
        self.like = like
        self.limits = limits
        self.one_at_a_time = threading.Lock()

    def read(self, chunk: range) -> dict[int, str]:
        """Read the pictures of these numbers; return what is wrong with those that are bad.

        The work on a small picture is nearly all Python's, which runs in one thread at a time
        anyway, and threads that compete for it are slower than one. So they read small files side
        by side and decode them in turn; large ones each thread decodes by itself, since Pillow
        then lets the others run.
        """
        wrong: dict[int, str] = {}
        small: dict[int, bytes] = {}
        for i in chunk:
            try:
                content = read_file(self.paths[i], self.limits)
            except PictureError as error:
                wrong[i] = str(error)
                continue
            if len(content) > SMALL:
                wrong[i] = self.decode(i, content)
            else:
                small[i] = content
        with self.one_at_a_time:
            wrong.update({i: self.decode(i, content) for i, content in small.items()})
        return {i: what for i, what in wrong.items() if what}

    def decode(self, i: int, content: bytes) -> str:
        """Put picture ``i`` into its place; return what is wrong with it, or nothing."""
        rows, columns = self.images.shape[1:]
        try:
            with opened(content, self.limits) as image:
                self.images[i] = _pixels(image, rows, columns, self.like)
        except PictureError as error:
            return str(error)
        return ""


def _pixels(image: Any, rows: int, columns: int, like: Like | None) -> NDArray[np.uint8]:
    if like is None:
        return np.array(image.convert("L").resize((columns, rows)))
    return like_mnist.stages(image).centred


def _size(size: tuple[int, int], like: Like | None, max_pixels: int, where: str) -> tuple[int, int]:
    """Check size, like and max_pixels together; return (rows, columns)."""
    rows, columns = size
    if like and size != (like_mnist.SIDE, like_mnist.SIDE):
        expected, fix = "(28, 28) with like='mnist'", "leave the size out"
        raise ArgumentError(message(f"{where}(size)", expected, str(size), fix))
    if rows * columns > max_pixels:
        expected, fix = f"at most max_pixels={max_pixels:,} pixels", "ask for smaller images"
        raise ArgumentError(message(f"{where}(size)", expected, shown(size), fix))
    return rows, columns


def _bright_paper(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell of each image whether writing on bright paper is seen: nearly all its edge is bright."""
    dark, bright = (images.min(axis=(1, 2)).astype(int), images.max(axis=(1, 2)).astype(int))
    edges = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    middle = (dark + bright) / 2
    share = (np.concatenate(edges, axis=1) > middle[:, None]).mean(axis=1)
    return (share >= EDGE) & (bright - dark >= CONTRAST)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")
