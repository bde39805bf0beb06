"""HDF5 written byte by byte, so that it may say what no library would write."""

from __future__ import annotations

import struct
from collections.abc import Iterable

Message = tuple[int, bytes]
FLOAT32 = b"\x11\x20\x1f\0" + struct.pack("<IHHBBBBI", 4, 0, 32, 23, 8, 0, 23, 127)
FLOAT64 = b"\x11\x20\x3f\0" + struct.pack("<IHHBBBBI", 8, 0, 64, 52, 11, 0, 52, 1023)
UINT64 = b"\x10\0\0\0" + struct.pack("<IHH", 8, 0, 64)
UINT8 = b"\x10\0\0\0" + struct.pack("<IHH", 1, 0, 8)
TEXTS = b"\x19\1\0\0" + struct.pack("<I", 16) + b"\x13\0\0\0" + struct.pack("<I", 1)


class File:
    """A file in the making: `put` appends a block and returns where it is."""

    def __init__(self) -> None:
        self.data = bytearray(96)

    def put(self, block: bytes) -> int:
        """Append a block at a multiple of eight; return its address."""
        self.data += bytes(-len(self.data) % 8)
        at = len(self.data)
        self.data += block
        return at

    def finished(self, root: int) -> bytes:
        """Return the file, its first object that one."""
        head = b"\x89HDF\r\n\x1a\n" + bytes(5) + b"\x08\x08\0" + struct.pack("<HHI", 4, 16, 0)
        head += struct.pack("<QQQQ", 0, 2**64 - 1, len(self.data), 2**64 - 1)
        self.data[:96] = (head + struct.pack("<QQ", 0, root)).ljust(96, b"\0")
        return bytes(self.data)

    def header(self, *messages: Message, count: int | None = None) -> int:
        """Put an object: its messages, each a kind and a body."""
        block = b"".join(message(kind, body) for kind, body in messages)
        number = len(messages) if count is None else count
        return self.put(struct.pack("<BxHII4x", 1, number, 1, len(block)) + block)

    def heap(self, names: bytes) -> int:
        """Put the texts of a group's names."""
        at = self.put(names)
        return self.put(b"HEAP\0\0\0\0" + struct.pack("<QQQ", len(names), 2**64 - 1, at))

    def entries(self, places: Iterable[tuple[int, int]]) -> int:
        """Put a node of at most 65,535 entries: where the name is in the heap, where the object."""
        listed = b"".join(struct.pack("<QQ24x", *place) for place in places)
        return self.put(b"SNOD\1\0" + struct.pack("<H", len(listed) // 40) + listed)

    def tree(self, nodes: Iterable[int]) -> int:
        """Put a node of a group's B-tree, the first or the only one."""
        listed = b"".join(struct.pack("<QQ", 0, node) for node in nodes)
        head = struct.pack("<BBHQQ", 0, 0, len(listed) // 16, 2**64 - 1, 2**64 - 1)
        return self.put(b"TREE" + head + listed + bytes(8))

    def group(self, children: dict[str, int], *messages: Message) -> int:
        """Put a group of such children, with further messages, such as attributes."""
        heap, places = b"\0" * 8, []
        for name, address in sorted(children.items()):
            places.append((len(heap), address))
            heap += name.encode() + b"\0"
        pieces = [places[k : k + 60_000] for k in range(0, len(places), 60_000)]
        tree = self.tree([self.entries(piece) for piece in pieces])
        return self.of_names(tree, self.heap(heap), *messages)

    def of_names(self, tree: int, heap: int, *messages: Message) -> int:
        """Put a group of which tree and heap are there."""
        return self.header((0x11, struct.pack("<QQ", tree, heap)), *messages)

    def dataset(self, shape: tuple[int, ...], kind: bytes, at: int, size: int) -> int:
        """Put a dataset whose values are, or are not, at that address."""
        layout = struct.pack("<BBQQ", 3, 1, at, size)
        return self.header((1, space(shape)), (3, kind), (8, layout))

    def number(self, kind: bytes, value: bytes) -> int:
        """Put a dataset of one number."""
        return self.dataset((), kind, self.put(value), len(value))

    def texts(self, name: str, texts: Iterable[tuple[int, int, int]]) -> Message:
        """Return an attribute of texts in heaps: (length, heap, number in it)."""
        data = b"".join(struct.pack("<IQI", *text) for text in texts)
        return attribute(name, TEXTS, (len(data) // 16,), data)

    def text_heap(self, *texts: bytes) -> int:
        """Put a heap of texts, numbered from 1."""
        block = b"".join(
            struct.pack("<HHIQ", k + 1, 1, 0, len(text)) + text + bytes(-len(text) % 8)
            for k, text in enumerate(texts)
        )
        return self.put(b"GCOL\1\0\0\0" + struct.pack("<Q", 16 + len(block)) + block)


def message(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 8)
    return struct.pack("<HHB3x", kind, len(body), 0) + body


def space(shape: tuple[int, ...]) -> bytes:
    return struct.pack("<BBB5x", 1, len(shape), 0) + struct.pack(f"<{len(shape)}Q", *shape)


def attribute(name: str, kind: bytes, shape: tuple[int, ...], data: bytes) -> Message:
    encoded, extent = name.encode() + b"\0", space(shape)
    head = struct.pack("<BxHHH", 1, len(encoded), len(kind), len(extent))
    parts = (encoded, kind, extent)
    return 0x0C, head + b"".join(part + bytes(-len(part) % 8) for part in parts) + data


def fixed(name: str, texts: list[bytes]) -> Message:
    """Return an attribute of texts, all of the first one's length."""
    kind = b"\x13\0\0\0" + struct.pack("<I", len(texts[0]))
    return attribute(name, kind, (len(texts),), b"".join(texts))
