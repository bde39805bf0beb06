"""One picture file, opened so that it can neither start a program nor exhaust the machine.

Pillow knows some fifty formats, a few of which hand the file to another program (PostScript) or let
a few bytes stand for gigabytes. Here a picture is opened by one of six decoders, named to Pillow,
and what it may cost is settled before a pixel is decoded.
"""

from __future__ import annotations

import io
import os
import stat
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from npcnn.checks import FileError, FormatError, NpcnnError, message

FORMATS = {
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
SUFFIXES = {suffix for suffixes in FORMATS.values() for suffix in suffixes}
SMALL = 1 << 16  # bytes of a file up to which it is a small one
MOST_PIXELS = 1 << 24  # of one picture: 67 MB as Pillow keeps colours
FEW = 64  # a picture of that part of the most pixels waits for no other
PASSES = 16  # how often a JPEG of that many pixels may go over them; smaller ones may more often
BYTES_A_PIXEL = 8  # of a file, beside ROOM; the most that any of the formats needs
ROOM = 1 << 20  # bytes of a file beside its pixels
READS = 4  # how often a decoder may read the whole file
HEADER_READS = 5000  # how often it may read on before it comes to the pixels; few need a hundred
COPIES = {"WEBP": 3}  # how many times as much as others a decoder holds in memory
SECONDS = 5.0  # of processor time for one picture, looked at whenever its decoder reads on


class PictureError(NpcnnError):
    """A picture is not opened; the text says why, in words that follow the file's name."""


class Limits:
    """What pictures may cost: each of them, and all that are decoded at the same time."""

    def __init__(self, max_pixels: int) -> None:
        self.pixels = max_pixels
        self._under_way = 0
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, pixels: int) -> Iterator[None]:
        """Wait until so many pixels have room beside those that others decode; few always have."""
        if pixels * FEW <= self.pixels:
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way or self._fits(pixels))
            self._under_way += pixels
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= pixels
                self._changed.notify_all()

    def _fits(self, pixels: int) -> bool:
        return self._under_way + pixels <= self.pixels


def read_file(path: str, limits: Limits) -> bytes:
    """Return a picture file's content; raise PictureError if it is no file or too long.

    A pipe or a device is never opened: that could wait for ever, or do something.
    """
    most = BYTES_A_PIXEL * limits.pixels + ROOM
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise PictureError("a pipe or device")
        if stat.S_ISREG(status.st_mode) and status.st_size > most:
            raise PictureError(f"more than {most:,} bytes")
        with open(path, "rb") as file:
            return file.read(status.st_size)
    except OSError as error:
        raise PictureError(error.strerror or str(error)) from None


@contextmanager
def opened(content: bytes, limits: Limits) -> Iterator[Any]:
    """Yield a Pillow image, its cost checked, its pixels not decoded yet.

    Raises:
        PictureError: it is none of the six formats, would cost too much, or is damaged; whatever
            Pillow raises while the block decodes it, too.
    """
    from PIL import Image

    try:
        # What a small file's bytes cost, read again or not, is nothing.
        source = io.BytesIO(content) if len(content) <= SMALL else _Source(content)
        with Image.open(source, formats=tuple(FORMATS)) as image:
            if isinstance(source, _Source):
                source.header_reads = 0
            _check(image, content, limits)
            with limits.turn(_cost(image)):
                yield image
    except PictureError:
        raise
    except Exception as error:  # Pillow raises whatever its decoders run into
        raise PictureError(_reason(error)) from error


@contextmanager
def strict() -> Iterator[None]:
    """Make Pillow's warnings errors: a picture that it warns of is a bad one."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", module=r"PIL\.")
        yield


def from_file(path: str, use: Callable[[Any], Any], limits: Limits, where: str, fix: str) -> Any:
    """Return what ``use`` makes of one picture, or raise the error that a user reads.

    Args:
        path: the picture.
        use: takes a Pillow image; a PictureError from it is one of the file.
        limits: what it may cost.
        where: the call, for the message.
        fix: what to do where the picture is at fault.
    """
    where = f"{where}({path!r})"
    try:
        content = read_file(path, limits)
    except PictureError as error:
        raise FileError(message(where, "a picture", str(error), "check the path")) from None
    try:
        with strict(), opened(content, limits) as image:
            return use(image)
    except PictureError as error:
        expected = f"a picture ({', '.join(FORMATS)})"
        raise FormatError(message(where, expected, str(error), fix)) from None


def _check(image: Any, content: bytes, limits: Limits) -> None:
    """Raise PictureError if decoding would take too much memory or time."""
    pixels = image.width * image.height
    wrong = ""
    if _cost(image) > limits.pixels:
        times = COPIES.get(image.format, 1)
        counted = "" if times == 1 else f", counted {times} times in {image.format},"
        wrong = f"more than max_pixels={limits.pixels:,}{counted}".rstrip(",")
    elif len(content) > BYTES_A_PIXEL * pixels + ROOM:
        wrong = f"{len(content):,} bytes for them"
    elif image.format in ("JPEG", "MPO") or "jpeg" in str(image.info.get("compression")):
        # Every scan of a JPEG goes over all its pixels; of one in a TIFF, over those of one strip.
        # Where a scan starts stands a mark that nothing within the compressed pixels looks like.
        scans = content.count(b"\xff\xda")
        if scans * pixels > PASSES * limits.pixels * _strips(image):
            wrong = f"{scans:,} scans of them"
    if wrong:
        raise PictureError(f"{image.width} × {image.height} pixels, {wrong}")


def _cost(image: Any) -> int:
    """Return a picture's pixels, counted as often as its decoder holds them."""
    pixels: int = image.width * image.height
    return pixels * COPIES.get(image.format, 1)


def _strips(image: Any) -> int:
    """Return into how many pieces the file cuts the pixels; only a TIFF may do so."""
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return 1
    rows, columns = (min(tags.get(323, tags.get(278, image.height)), image.height),
                     min(tags.get(322, image.width), image.width))  # fmt: skip
    return max(1, image.height // max(1, rows)) * max(1, image.width // max(1, columns))


class _Source(io.BytesIO):
    """A file's content; counts what is read of it, repeats included, and the time it takes."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._left = READS * len(content) + ROOM
        self._end = time.thread_time() + SECONDS
        self.header_reads = HEADER_READS  # 0: the header was read

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on, unless the same bytes were read too often or time is up."""
        chunk = super().read(size)
        self._left -= len(chunk)
        if self._left < 0:
            raise PictureError("the same bytes stand for many things")
        if self.header_reads:
            self.header_reads -= 1
            if not self.header_reads:
                raise PictureError(f"a header of more than {HEADER_READS:,} pieces")
        if time.thread_time() > self._end:
            raise PictureError(f"not decoded within {SECONDS:g} s")
        return chunk


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    # Pillow names its source once more; the listing has the name already.
    return text.split(" <")[0].split(" '")[0] or type(error).__name__
