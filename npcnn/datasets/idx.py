"""The IDX format, in which MNIST is published: a magic number, the sizes, then the elements.

A file is two zero bytes, one byte for the dtype, one for the number of dimensions, each size as an
unsigned 32-bit integer, and the elements in C order; all numbers are big-endian. Source: "The IDX
file format" at the foot of http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import stat
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Annotated, Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from npcnn.arguments import Path as FilePath
from npcnn.arguments import PositiveInt, checked
from npcnn.checks import (
    ArgumentError,
    DtypeError,
    FileError,
    FormatError,
    as_numbers,
    is_whole,
    message,
    shown,
)
from npcnn.files import atomic_write

DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
MOST_DIMENSIONS = 32  # as many as every NumPy takes
DEFLATE_RATIO = 1032  # deflate cannot make anything smaller than this part of it
USUAL_RATIO = 20  # more than that is unpacked only if it comes to no more than ROOM
ROOM = 1 << 26  # bytes
CHUNK = 1 << 20
FIX = "get the file again or name another one"


def _dtype(value: Any, where: str) -> np.dtype[Any] | None:
    try:
        return None if value is None else np.dtype(value)
    except Exception:  # NumPy raises TypeError, and whatever a stranger's class does
        fix = "give one of uint8, int8, int16, int32, float32 and float64"
        raise ArgumentError(message(where, "a dtype", shown(value), fix)) from None


def _shape(value: Any, where: str) -> tuple[int | None, ...] | None:
    if value is None:
        return None
    if isinstance(value, (tuple, list)) and all(n is None or is_whole(n) for n in value):
        return tuple(value)
    fix = "give a size for each dimension, None for any"
    raise ArgumentError(message(where, "a tuple of integers and None", shown(value), fix))


@checked
def read_idx(
    path: FilePath,
    *,
    dtype: Annotated[Any, _dtype] = None,
    shape: Annotated[Any, _shape] = None,
    max_bytes: PositiveInt | None = None,
    mmap_mode: Literal["r"] | None = None,
) -> NDArray[Any]:
    """Read an IDX file, plain or compressed by gzip (told by its content, not by its name).

    Magic, dtype, sizes and length are checked before memory is taken for the elements; of a
    compressed file no more is unpacked than its header announces, and one byte, nor than
    ``max_bytes``: deflate makes a thousand bytes of one.

    Args:
        path: the file.
        dtype: if given, what the elements must be.
        shape: if given, what the sizes must be; None in it leaves that size open.
        max_bytes: most bytes of elements in a compressed file; by default 64 MiB and 20 times the
            file's size. A picture of writing packs five to one.
        mmap_mode: "r" leaves the elements in the file, as `np.load` does: the array may be larger
            than memory, cannot be written to, and is read where it is looked at. The file must
            stay as it is meanwhile. What trains on elements of more than a byte, whose order in
            the file is not the machine's, copies them.

    Returns:
        An array of the file's shape and dtype, in the machine's own byte order; with ``mmap_mode``
        an `np.memmap`, in the file's.

    Raises:
        FileError: the file is missing or cannot be read.
        FormatError: it is not IDX, is cut short, has bytes left over, is damaged, or is not of the
            ``dtype`` and ``shape`` asked for; it is compressed and cannot be mapped.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "labels.idx"
    >>> write_idx(path, np.array([3, 1, 4], np.uint8))
    >>> read_idx(path, shape=(None,))
    array([3, 1, 4], dtype=uint8)
    """
    path = Path(path)
    try:
        # A pipe or a device would block, and has no length to check against.
        if not stat.S_ISREG(os.stat(path).st_mode):
            fix = "name the file itself"
            raise FileError(message(f"read {path}", "a file", "a folder or device", fix))
        with open(path, "rb") as file:
            if mmap_mode is not None:
                return _mapped(path, file, dtype, shape)
            return _read(path, file, dtype, shape, max_bytes)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise _wrong(path, "a whole gzip file", str(error)) from error
    except FileError:
        raise
    except OSError as error:
        got = error.strerror or str(error)
        raise FileError(message(f"read {path}", "a readable file", got, "check the path")) from None


@checked
def write_idx(path: FilePath, array: Any) -> None:
    """Write an array as an IDX file; a name that ends in ``.gz`` gets it compressed by gzip.

    Args:
        path: the file; it is written whole or not at all.
        array: uint8, int8, int16, int32, float32 or float64, of 1 to 32 dimensions.

    Raises:
        DtypeError: the format has no such dtype.
        ArgumentError: there are no or too many dimensions.
        FileError: the file cannot be written.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "squares.idx.gz"
    >>> write_idx(path, np.arange(4, dtype=np.int16).reshape(2, 2) ** 2)
    >>> read_idx(path).tolist()
    [[0, 1], [4, 9]]
    """
    if isinstance(array, np.ma.MaskedArray):
        array = as_numbers(array, "write_idx(array)")  # refuses it
    try:
        data = np.asarray(array)
    except Exception:  # rows of different lengths; whatever an __array__ of others raises
        data = np.empty(0, object)
    head = header(data)
    content = data.astype(data.dtype.newbyteorder(">"), order="C", copy=False)
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        if Path(path).suffix == ".gz":
            # Neither time nor name goes into the file: the same array gives the same bytes.
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                packed.write(head)
                packed.write(content.tobytes())
        else:
            file.write(head)
            file.write(content.tobytes())


def header(array: NDArray[Any]) -> bytes:
    """Return the bytes that stand before the elements of ``array`` in an IDX file.

    >>> header(np.zeros((2, 3), np.uint8)).hex(" ", 4)
    '00000802 00000002 00000003'
    """
    where = "write_idx(array)"
    codes = {dtype.newbyteorder("="): code for code, dtype in DTYPES.items()}
    code = codes.get(array.dtype.newbyteorder("="))
    if code is None:
        expected = "uint8, int8, int16, int32, float32 or float64"
        fix = "convert it with .astype"
        raise DtypeError(message(where, expected, str(array.dtype), fix))
    if not 1 <= array.ndim <= MOST_DIMENSIONS or max(array.shape) >= 1 << 32:
        expected = f"1 to {MOST_DIMENSIONS} dimensions, each below 2**32"
        raise ArgumentError(message(where, expected, f"shape {array.shape}", "reshape the array"))
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)


def _wrong(path: Path, expected: str, got: str) -> FormatError:
    return FormatError(message(f"read {path}", expected, got, FIX))


def _read(
    path: Path,
    file: IO[bytes],
    dtype: DTypeLike | None,
    shape: Sequence[int | None] | None,
    max_bytes: int | None,
) -> NDArray[Any]:
    size = os.fstat(file.fileno()).st_size
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    stream: IO[bytes] = gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[assignment]
    found_dtype, found_shape, head = _header(path, stream)
    _compare(path, found_dtype, found_shape, dtype, shape)
    count = math.prod(found_shape)
    due = count * found_dtype.itemsize
    what = f"{due:,} bytes of elements for shape {found_shape}"
    if not packed and size - head != due:
        raise _wrong(path, what, f"{size - head:,}")
    if packed and due > size * DEFLATE_RATIO:
        raise _wrong(path, what, f"a compressed file of only {size:,}")
    most = ROOM + USUAL_RATIO * size if max_bytes is None else max_bytes
    if packed and due > most:
        fix = f"pass max_bytes={due} to read_idx if you trust the file"
        expected = f"at most {most:,} bytes of elements in a compressed file of {size:,}"
        raise FormatError(message(f"read {path}", expected, f"{due:,}", fix))
    content = _at_most(stream, due + 1)
    if len(content) != due:
        got = "more" if len(content) > due else f"{len(content):,}"
        raise _wrong(path, what, got)
    array = _shaped(path, np.frombuffer(content, found_dtype, count), found_shape)
    return array.astype(found_dtype.newbyteorder("="), copy=False)


def _mapped(
    path: Path, file: IO[bytes], dtype: DTypeLike | None, shape: Sequence[int | None] | None
) -> NDArray[Any]:
    """Return what stands in an uncompressed file, without reading it."""
    size = os.fstat(file.fileno()).st_size
    if file.read(2) == b"\x1f\x8b":
        fix = "unpack it with gunzip, or leave mmap_mode out"
        expected, got = "a plain file to map into memory", "one compressed by gzip"
        raise FormatError(message(f"read {path}", expected, got, fix))
    file.seek(0)
    found_dtype, found_shape, head = _header(path, file)
    _compare(path, found_dtype, found_shape, dtype, shape)
    due = math.prod(found_shape) * found_dtype.itemsize
    if size - head != due:
        what = f"{due:,} bytes of elements for shape {found_shape}"
        raise _wrong(path, what, f"{size - head:,}")
    if due == 0:  # which no system maps
        return _shaped(path, np.empty(0, found_dtype), found_shape)
    return np.memmap(file, found_dtype, "r", head, found_shape)


def _shaped(path: Path, array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        return array.reshape(shape)
    except ValueError:  # nothing in it, but sizes that NumPy cannot multiply
        raise _wrong(path, "sizes that an array can have", str(shape)) from None


def _header(path: Path, stream: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Read the header: the dtype, the shape, and how many bytes it took."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES:
        expected = "an IDX file (00 00, a dtype from 08 to 0e, the number of dimensions)"
        got = f"the first bytes {magic.hex(' ')}" if magic else "an empty file"
        raise _wrong(path, expected, got)
    if not 1 <= magic[3] <= MOST_DIMENSIONS:
        raise _wrong(path, f"1 to {MOST_DIMENSIONS} dimensions", str(magic[3]))
    sizes = stream.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise _wrong(path, f"{magic[3]} sizes of 4 bytes", f"{len(sizes)} bytes")
    return DTYPES[magic[2]], struct.unpack(f">{magic[3]}I", sizes), 4 + len(sizes)


def _compare(
    path: Path,
    found_dtype: np.dtype[Any],
    found_shape: tuple[int, ...],
    dtype: DTypeLike | None,
    shape: Sequence[int | None] | None,
) -> None:
    """Raise FormatError if the header is not that of the array asked for."""
    name = found_dtype.newbyteorder("=").name
    if dtype is not None and name != np.dtype(dtype).name:
        raise _wrong(path, f"{np.dtype(dtype).name} elements", name)
    if shape is None:
        return
    if len(shape) != len(found_shape) or any(
        due is not None and due != found for due, found in zip(shape, found_shape, strict=True)
    ):
        due = ", ".join("n" if size is None else str(size) for size in shape)
        raise _wrong(path, f"shape ({due})", str(found_shape))


def _at_most(stream: IO[bytes], count: int) -> memoryview:
    """Read up to ``count`` bytes, taking only as much memory as there really are."""
    content = io.BytesIO()
    while count:
        chunk = stream.read(min(count, CHUNK))
        if not chunk:
            break
        content.write(chunk)
        count -= len(chunk)
    return content.getbuffer()
