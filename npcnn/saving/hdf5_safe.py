"""Reading HDF5 files nobody vouches for: the part of the format that Keras writes, and no more.

libhdf5 was made for trusted files: flipped bits crash it, and links make it open other files. So a
file that is read here never reaches it. This reader knows groups, attributes and datasets stored in
one piece, as h5py writes them unless told otherwise (and it is h5py that npcnn writes with). Links
other than hard ones, external and virtual storage, filters and newer forms are refused by name.
Every address is checked against the file, and everything visited is counted off a budget.
Source: HDF5 File Format Specification, version 3.0, sections II to IV.
"""

from __future__ import annotations

import math
import struct
from typing import IO

import numpy as np

from npcnn.checks import FormatError, message
from npcnn.saving.budget import Budget
from npcnn.saving.hdf5_dataset import Dataset

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNDEFINED = 2**64 - 1
_LARGEST = 2**63 - 1  # bytes; NumPy counts them even of an array that is empty
_MAX_DEPTH = 8  # levels of one group's B-tree
_MAX_RANK = 32

_REFUSED = {
    0x0007: "values kept in another file (external storage)",
    0x000B: "compressed or filtered values",
    0x0015: "attributes in a newer form than Keras writes",
}
_LINKS = {1: "a soft link", 64: "an external link"}


class _Object:
    """One object header, taken apart: attributes, and what makes it a group or a dataset."""

    def __init__(self) -> None:
        self.attributes: dict[str, bytes] = {}
        self.group: tuple[int, int] | None = None  # B-tree, local heap
        self.space: tuple[int, ...] | None = None
        self.type: bytes | None = None
        self.layout: bytes | None = None
        self.children: dict[str, int] | None = None

    @property
    def is_group(self) -> bool:
        return self.group is not None or self.children is not None


class Hdf5File:
    """An open HDF5 file.

    Args:
        stream: binary and seekable.
        where: the file's name, for messages.
        budget: what reading may cost; None is the usual one for the stream.

    Raises:
        FormatError: here or in any method, where the file is no HDF5, damaged, or holds what is
            not read.
    """

    def __init__(self, stream: IO[bytes], where: str, budget: Budget | None = None) -> None:
        self.stream, self.where = stream, where
        self.size = stream.seek(0, 2)
        self.budget = budget or Budget(where, self.size)
        self._objects: dict[int, _Object] = {}
        self._collections: dict[int, dict[int, tuple[int, int]]] = {}
        head = self._bytes(0, 96)
        if head[:8] != SIGNATURE:
            raise self.error("an HDF5 file", "something else", "name a file saved by Keras")
        if head[8] > 1 or head[13:15] != b"\x08\x08":
            raise self.error("HDF5 as Keras writes it", "a newer or an unusual form")
        first = 24 + (4 if head[8] == 1 else 0)
        base = struct.unpack_from("<Q", head, first)[0]
        if base != 0:
            raise self.error("HDF5 from the first byte on", f"a base address of {base}")
        self._root = struct.unpack_from("<Q", head, first + 40)[0]

    # What others call ---------------------------------------------------------------------------

    def error(self, expected: str, got: str, fix: str = "save it again with Keras") -> FormatError:
        """Return the error for this file."""
        return FormatError(message(self.where, expected, got, fix))

    def names(self, path: str) -> list[str]:
        """Return the names in a group, sorted as the file has them; [] if there is no group."""
        found = self._find(path)
        return list(self._children(found)) if found is not None and found.is_group else []

    def is_group(self, path: str) -> bool:
        """Whether there is a group of that path."""
        found = self._find(path)
        return found is not None and found.is_group

    def attribute(self, path: str, name: str) -> list[str] | None:
        """Return a text attribute as a list (of one text if it is a single one), or None."""
        found = self._find(path)
        if found is None or name not in found.attributes:
            return None
        shape, type_message, data = self._parse_attribute(found.attributes[name])
        return self._texts(shape, type_message, data, f"attribute {name!r}")

    def dataset(self, path: str) -> Dataset:
        """Return the dataset of that path, its values not read yet."""
        found = self._find(path)
        if found is None or found.space is None or found.type is None or found.layout is None:
            raise self.error(f"a dataset {path!r}", "none", "the file is damaged or incomplete")
        dtype = self._number_type(found.type, path)
        if math.prod(max(1, axis) for axis in found.space) * dtype.itemsize > _LARGEST:
            got = "a shape beyond what arrays have"
            raise self.error(f"a dataset {path!r:.60}", got, "the file is damaged")
        result = Dataset(self, path, found.space, dtype)
        self._place(result, found.layout)
        return result

    def values(self, start: int, count: int) -> bytes:
        """Return bytes of the file; those read twice count twice."""
        self._inside(start, count)
        self.budget.take("bytes", count)
        self.stream.seek(start)
        data = self.stream.read(count)
        if len(data) != count:  # another process has cut it
            raise self.damaged("a file")
        return data

    # Finding one's way --------------------------------------------------------------------------

    def _inside(self, start: int, count: int) -> None:
        if start < 0 or count < 0 or start + count > self.size:
            got = f"an address beyond its {self.size} bytes"
            raise self.error("a whole HDF5 file", got, "the file is damaged or cut short")

    def _bytes(self, start: int, count: int) -> bytes:
        """Return bytes of the file's own structure: an object, or part of one."""
        self.budget.take("objects", 1)
        return self.values(start, count)

    def _find(self, path: str) -> _Object | None:
        found = self._object(self._root)
        for part in filter(None, path.split("/")):
            self.budget.take("objects", 1)
            if not found.is_group:
                return None
            address = self._children(found).get(part)
            if address is None:
                return None
            found = self._object(address)
        return found

    def _object(self, address: int) -> _Object:
        if address not in self._objects:
            head = self._bytes(address, 16)
            if head[0] != 1:
                raise self.error("an object header of version 1", f"version {head[0]}")
            count, size = struct.unpack_from("<H", head, 2)[0], struct.unpack_from("<I", head, 8)[0]
            found = _Object()
            blocks = [(address + 16, size)]
            while blocks and count > 0:
                start, size = blocks.pop(0)
                block, offset = self._bytes(start, size), 0
                while offset + 8 <= len(block) and count > 0:
                    kind, length, flags = struct.unpack_from("<HHB", block, offset)
                    self.budget.take("objects", 1)
                    body = block[offset + 8 : offset + 8 + length]
                    if len(body) < length:
                        raise self.damaged("an object header")
                    if kind == 0x0010:
                        if length < 16:
                            raise self.damaged("an object header")
                        blocks.append(struct.unpack_from("<QQ", body))
                    elif kind:
                        self._take(found, kind, flags, body)
                    offset += 8 + length
                    count -= 1
            self._objects[address] = found
        return self._objects[address]

    def damaged(self, what: str) -> FormatError:
        """Return the error for a structure that makes no sense."""
        return self.error(f"{what} that makes sense", "a damaged one", "the file is damaged")

    def _take(self, found: _Object, kind: int, flags: int, body: bytes) -> None:
        """Sort one message of an object header in."""
        if kind in _REFUSED:
            raise self.error("HDF5 as Keras writes it", _REFUSED[kind])
        if kind in (0x0001, 0x0003, 0x0008, 0x000C, 0x0011) and flags & 2:
            raise self.error("HDF5 as Keras writes it", "shared header messages")
        if kind == 0x0001:
            found.space = self._space(body)
        elif kind == 0x0003:
            found.type = body
        elif kind == 0x0008:
            found.layout = body
        elif kind == 0x000C:
            found.attributes[self._attribute_name(body)] = body
        elif kind == 0x0011:
            if len(body) < 16:
                raise self.damaged("a group")
            found.group = struct.unpack_from("<QQ", body)
        elif kind == 0x0002:
            found.children = found.children or {}
            heap = 10 if len(body) > 1 and body[1] & 1 else 2
            if body[heap : heap + 8] != b"\xff" * 8:
                fix = "save it as .keras"
                got = "more than eight names in a group, one of them not in ASCII"
                raise self.error("names in ASCII, or a few", got, fix)
        elif kind == 0x0006:
            name, address = self._link(body)
            found.children = found.children or {}
            found.children[name] = address

    def _link(self, body: bytes) -> tuple[str, int]:
        """Return (name, address) of a link message: what groups with names beyond ASCII have."""
        flags = body[1] if len(body) > 2 else 0
        at = 2
        if flags & 8:
            if body[at]:
                got = _LINKS.get(body[at], "a link of an unknown kind")
                raise self.error("HDF5 without links to elsewhere", got)
            at += 1
        at += (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(body[at : at + width], "little")
        name = body[at + width : at + width + size]
        place = body[at + width + size : at + width + size + 8]
        if len(place) < 8:
            raise self.damaged("a link")
        return self._decode(name), int.from_bytes(place, "little")

    def _children(self, found: _Object) -> dict[str, int]:
        if found.children is None:
            assert found.group is not None
            tree, heap = found.group
            head = self._bytes(heap, 32)
            size, _, start = struct.unpack_from("<QQQ", head, 8)
            if head[:4] != b"HEAP":
                raise self.damaged("a group's list of names")
            children: dict[str, int] = {}
            self._walk(tree, self._bytes(start, size), children, _MAX_DEPTH)
            found.children = children
        return found.children

    def _walk(self, node: int, names: bytes, children: dict[str, int], depth: int) -> None:
        """Collect the entries under one node of a group's B-tree."""
        head = self._bytes(node, 8)
        if head[:4] == b"SNOD":
            self._symbols(node, struct.unpack_from("<H", head, 6)[0], names, children)
            return
        count = struct.unpack_from("<H", head, 6)[0]
        if head[:4] != b"TREE" or head[4] != 0 or depth == 0:
            raise self.damaged("a group's tree")
        keys = self._bytes(node + 24, 16 * count)
        for i in range(count):
            self._walk(struct.unpack_from("<Q", keys, 16 * i + 8)[0], names, children, depth - 1)

    def _symbols(self, node: int, count: int, names: bytes, children: dict[str, int]) -> None:
        block = self._bytes(node + 8, 40 * count)
        self.budget.take("names", count)
        for i in range(count):
            name_at, address, cache = struct.unpack_from("<QQI", block, 40 * i)
            stop = names.find(b"\0", name_at) if name_at < len(names) else -1
            if stop < 0:
                raise self.damaged("a group's list of names")
            self.budget.take("bytes", stop - name_at)
            name = self._decode(names[name_at:stop])
            if cache == 2 or address == UNDEFINED:
                raise self.error("HDF5 without links to elsewhere", f"a soft link {name[:60]!r}")
            children[name] = address

    # Taking messages apart ----------------------------------------------------------------------

    def _space(self, body: bytes) -> tuple[int, ...]:
        """Return the shape that a dataspace message tells."""
        if len(body) < 4 or body[0] not in (1, 2) or body[1] > _MAX_RANK:
            raise self.damaged("a shape")
        version, rank = body[0], body[1]
        if version == 2 and body[3] == 2:
            return (0,)
        start = 8 if version == 1 else 4
        if len(body) < start + 8 * rank:
            raise self.damaged("a shape")
        return struct.unpack_from(f"<{rank}Q", body, start)

    def _number_type(self, body: bytes, path: str) -> np.dtype:
        """Return the dtype of a float or an integer type message, or raise FormatError."""
        size = struct.unpack_from("<I", body, 4)[0] if len(body) >= 12 else 0
        order = ">" if body[1:2] and body[1] & 1 else "<"
        kind = body[0] & 15 if body else 15
        if kind == 0 and size in (1, 2, 4, 8) and body[8:12] == struct.pack("<HH", 0, 8 * size):
            return np.dtype(f"{order}{'i' if body[1] & 8 else 'u'}{size}")
        if kind == 1 and size in _FLOATS and body[8:20] == _FLOATS[size] and not body[1] & 0x40:
            return np.dtype(f"{order}f{size}")
        got = "another type"
        raise self.error(f"{path!r} as IEEE floats or integers", got, "save it again with Keras")

    def _place(self, dataset: Dataset, body: bytes) -> None:
        """Find out where a dataset's bytes are, and that they are all there."""
        if len(body) < 4 or body[0] not in (3, 4):
            raise self.error(f"{dataset.path!r} as Keras writes it", "another layout")
        if body[1] == 0:
            size = struct.unpack_from("<H", body, 2)[0]
            dataset.data = body[4 : 4 + size]
            stored = len(dataset.data)
        elif body[1] == 1 and len(body) >= 18:
            address, stored = struct.unpack_from("<QQ", body, 2)
            dataset.data = address
            if stored == 0 or address == UNDEFINED:
                dataset.data, stored = b"", 0
            else:
                self._inside(address, stored)
        else:
            got = {2: "values in chunks", 3: "a virtual dataset"}.get(body[1], "another layout")
            raise self.error(f"{dataset.path!r} stored in one piece", got)
        if stored != dataset.nbytes:
            expected = f"{dataset.nbytes} bytes for {dataset.path!r} of shape {dataset.shape}"
            raise self.error(expected, str(stored), "the file is damaged")

    def _attribute_sizes(self, body: bytes) -> tuple[int, int, int, int]:
        """Return (start of the name, sizes of name, type and space) of an attribute message."""
        if len(body) < 9 or body[0] not in (1, 2, 3) or (body[0] > 1 and body[1] & 3):
            raise self.damaged("an attribute")
        sizes = struct.unpack_from("<HHH", body, 2)
        start = 9 if body[0] == 3 else 8
        if body[0] == 1:
            sizes = tuple(size + -size % 8 for size in sizes)
        if start + sum(sizes) > len(body):
            raise self.damaged("an attribute")
        return start, *sizes

    def _attribute_name(self, body: bytes) -> str:
        start, size, _, _ = self._attribute_sizes(body)
        return self._decode(body[start : start + size].split(b"\0")[0])

    def _parse_attribute(self, body: bytes) -> tuple[tuple[int, ...], bytes, bytes]:
        start, name, kind, space = self._attribute_sizes(body)
        type_at, space_at = start + name, start + name + kind
        shape = self._space(body[space_at : space_at + space])
        return shape, body[type_at:space_at], body[space_at + space :]

    def _texts(self, shape: tuple[int, ...], kind: bytes, data: bytes, what: str) -> list[str]:
        """Return the texts of an attribute; an empty list of anything is an empty list."""
        count = math.prod(shape)
        if count == 0:
            return []
        size = struct.unpack_from("<I", kind, 4)[0] if len(kind) >= 8 else 0
        if not size or count * size > len(data):
            raise self.damaged(what)
        self.budget.take("names", count)
        if kind[0] & 15 == 3:
            texts = [data[i * size : (i + 1) * size].rstrip(b"\0 ") for i in range(count)]
        elif kind[0] & 15 == 9 and kind[1] & 15 == 1 and size == 16:
            texts = []
            for i in range(count):
                length, address, index = struct.unpack_from("<IQI", data, 16 * i)
                texts.append(self._heap_text(address, index, length) if length else b"")
        else:
            raise self.error(f"{what} as text", "another type", "the file is damaged")
        return [self._decode(text) for text in texts]

    def _heap_text(self, address: int, index: int, length: int) -> bytes:
        """Return one text from the file's global heap."""
        if address not in self._collections:
            head = self._bytes(address, 16)
            size = struct.unpack_from("<Q", head, 8)[0]
            if head[:4] != b"GCOL" or size < 16:
                raise self.damaged("the heap of texts")
            block, offset = self._bytes(address, size), 16
            found: dict[int, tuple[int, int]] = {}
            while offset + 16 <= size:
                number, long = struct.unpack_from("<H6xQ", block, offset)
                if number == 0:
                    break
                self.budget.take("objects", 1)
                found[number] = address + offset + 16, long
                offset += 16 + long + -long % 8
            self._collections[address] = found
        start, long = self._collections[address].get(index, (0, -1))
        if long < length:
            raise self.damaged("the heap of texts")
        return self._bytes(start, length)

    def _decode(self, text: bytes) -> str:
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError:
            raise self.damaged("a text in UTF-8") from None


# Size of an IEEE float → bit offset, precision, exponent's place and size, mantissa's, bias.
_FLOATS = {
    2: struct.pack("<HHBBBBI", 0, 16, 10, 5, 0, 10, 15),
    4: struct.pack("<HHBBBBI", 0, 32, 23, 8, 0, 23, 127),
    8: struct.pack("<HHBBBBI", 0, 64, 52, 11, 0, 52, 1023),
}
