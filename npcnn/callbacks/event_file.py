"""TensorBoard's event files: what is written, in the protocol buffers that it reads.

A file is a row of records, each an `Event` with a checksum around it. Of the messages only the
fields that TensorBoard looks at are written; numbers of fields and types are those of tensorboard's
`compat/proto/{event,summary,tensor,tensor_shape}.proto`.
"""

from __future__ import annotations

import functools
import itertools
import os
import struct
import time
from collections.abc import Iterable

import numpy as np

from npcnn.checks import FileError, message

_FLOAT, _DOUBLE, _STRING = 1, 2, 7  # DataType
_SCALAR, _TENSOR, _BLOBS = 1, 2, 3  # DataClass
_AT_ONCE = 1 << 14  # bytes that wait at most
BUCKETS = 30  # of a histogram, as in TensorFlow
_files = itertools.count()


class EventFile:
    """One event file, written as a run goes on; between writes it is closed.

    Args:
        folder: made if it is not there; TensorBoard takes each folder for a run.

    Raises:
        FileError: it cannot be written.
    """

    def __init__(self, folder: str) -> None:
        import socket  # not for all who import npcnn

        name = f"{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_files)}"
        self.path = os.path.join(folder, f"events.out.tfevents.{name}.v2")
        self._waiting = bytearray()
        self._write(_bytes(3, b"brain.Event:2"))
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise self._cannot_write(error) from error
        self.flush()

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Write a number of a curve."""
        content = _tensor(_FLOAT, (), _bytes(5, struct.pack("<f", value)))
        self._summary(tag, content, step, "scalars", _SCALAR)

    def histogram(self, tag: str, array: np.ndarray, step: int) -> None:
        """Write how an array's numbers are distributed; those that are not finite do not count."""
        rows = buckets(array)
        content = _tensor(_DOUBLE, rows.shape, _bytes(4, rows.astype("<f8").tobytes()))
        self._summary(tag, content, step, "histograms", _TENSOR)

    def images(self, tag: str, height: int, width: int, pngs: Iterable[bytes], step: int) -> None:
        """Write pictures of one size."""
        texts = [str(width).encode(), str(height).encode(), *pngs]
        strings = b"".join(_bytes(8, text) for text in texts)
        content = _tensor(_STRING, (len(texts),), strings)
        self._summary(tag, content, step, "images", _BLOBS)

    def keras_model(self, tag: str, json: str, step: int) -> None:
        """Write a model's architecture, of which TensorBoard draws a graph."""
        content = _tensor(_STRING, (), _bytes(8, json.encode()))
        self._summary(tag, content, step, "graph_keras_model", None, b"1")

    def flush(self) -> None:
        """Write what is waiting."""
        try:
            with open(self.path, "ab") as file:
                file.write(self._waiting)
        except OSError as error:
            raise self._cannot_write(error) from error
        self._waiting.clear()

    def _summary(
        self, tag: str, tensor: bytes, step: int, plugin: str, data_class: int | None,
        content: bytes = b"",
    ) -> None:  # fmt: skip
        metadata = _bytes(1, _bytes(1, plugin.encode()) + _bytes(2, content))
        if data_class is not None:
            metadata += _number(4, data_class)
        value = _bytes(1, tag.encode()) + _bytes(8, tensor) + _bytes(9, metadata)
        self._write(_number(2, step) + _bytes(5, _bytes(1, value)))

    def _write(self, fields: bytes) -> None:
        """Write an event of now: length, its checksum, the event, its checksum."""
        event = _key(1, 1) + struct.pack("<d", time.time()) + fields
        length = struct.pack("<Q", len(event))
        self._waiting += length + _checksum(length) + event + _checksum(event)
        if len(self._waiting) >= _AT_ONCE:
            self.flush()

    def _cannot_write(self, error: OSError) -> FileError:
        fix = "name another folder, or make room"
        return FileError(message("TensorBoard", "a file to write to", str(error), fix))


def buckets(array: np.ndarray) -> np.ndarray:
    """Return a histogram's rows (left edge, right edge, count), as TensorFlow makes them.

    >>> buckets(np.array([1.0, 1.0]))[-1].tolist(), buckets(np.zeros(0)).shape
    ([1.0, 1.0, 2.0], (0, 3))
    """
    numbers = np.asarray(array, np.float64).ravel()
    numbers = numbers[np.isfinite(numbers)]
    if not numbers.size:
        return np.zeros((0, 3))
    low, high = numbers.min(), numbers.max()
    if low == high:
        rows = np.full((BUCKETS, 3), low)
        rows[:, 2] = 0.0
        rows[-1, 2] = numbers.size
        return rows
    counts, edges = np.histogram(numbers, BUCKETS, (low, high))
    return np.stack([edges[:-1], edges[1:], counts], axis=1)


def _tensor(dtype: int, shape: tuple[int, ...], values: bytes) -> bytes:
    dims = b"".join(_bytes(2, _number(1, size)) for size in shape)
    return _number(1, dtype) + _bytes(2, dims) + values


def _key(field: int, kind: int) -> bytes:
    return bytes([field << 3 | kind])


def _number(field: int, value: int) -> bytes:
    return _key(field, 0) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _key(field, 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """Return a number of 0 or more in groups of seven bits, the lowest first."""
    groups = bytearray()
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])


def _checksum(data: bytes) -> bytes:
    """Return the masked CRC-32C that stands behind a record's length and its bytes."""
    table, crc = _crc_table(), 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


@functools.cache
def _crc_table() -> list[int]:
    """Return CRC-32C's table: Castagnoli's polynomial, bits reversed."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table
