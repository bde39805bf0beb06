"""Reading ZIP archives nobody vouches for: stored or deflated members, within a budget."""

from __future__ import annotations

import contextlib
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from npcnn.checks import FormatError, NpcnnError, message
from npcnn.saving.budget import Budget, Metered

_ENTRY = 46  # bytes that a member takes in the table of contents, at least
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error,
    ValueError, OSError, KeyError, OverflowError, IndexError,
)  # fmt: skip


class Archive:
    """The members of an open archive; see `opened`."""

    def __init__(self, stream: IO[bytes], where: str, budget: Budget) -> None:
        self.where, self.budget = where, budget
        metered = Metered(stream, budget)
        metered.entry = _ENTRY
        self._zip = zipfile.ZipFile(metered)
        metered.entry = 0
        self.members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            self._check(info, metered.size)
            self.members[info.filename] = info

    def _check(self, info: zipfile.ZipInfo, size: int) -> None:
        if info.filename in self.members:
            raise ValueError(f"the member {info.filename[:60]!r} twice")
        plain = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if info.flag_bits & 1 or not plain:
            raise ValueError(f"{info.filename[:60]!r} encrypted or packed in another way")
        if info.header_offset + info.compress_size > size:
            raise ValueError(f"{info.filename[:60]!r} beyond the file's end")

    def read(self, name: str, limit: int | None = None) -> bytes:
        """Return a member's bytes, its checksum compared; no more than `limit` is unpacked."""
        info = self.members[name]
        if limit is not None and info.file_size > limit:
            raise ValueError(f"{name[:60]!r} of {info.file_size} bytes, {limit} at most")
        if info.compress_type != zipfile.ZIP_STORED:
            self.budget.take("bytes", info.file_size)
        elif info.file_size != info.compress_size:
            raise ValueError(f"{name[:60]!r} stored in another size than its own")
        with self._zip.open(info) as member:
            data = member.read(info.file_size)
            if len(data) != info.file_size or member.read(1):
                raise ValueError(f"{name[:60]!r} of another size than it says")
        return data


@contextlib.contextmanager
def opened(stream: IO[bytes], where: str, what: str, budget: Budget) -> Iterator[Archive]:
    """Yield the archive in a stream; what is wrong with it, then or later, is a FormatError.

    Args:
        stream: binary and seekable.
        where: the file, for the message.
        what: what it should be, for the message.
        budget: of the file.
    """
    try:
        yield Archive(stream, where, budget)
    except NpcnnError:
        raise
    except _DAMAGED as error:
        got = " ".join(str(error).split())[:200] or type(error).__name__
        raise FormatError(message(where, what, got, "it is damaged or no such file")) from error
