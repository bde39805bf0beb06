"""Ways to spoil a file: its bytes, the numbers in its structure, and what it says.

Each way is a function (random, data, sound files of the kind) → spoilt data.
"""

from __future__ import annotations

import copy
import functools
import io
import json
import random
import re
import struct
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

Way = Callable[[random.Random, bytes, list[bytes]], bytes]
NUMBERS = (0, 1, 2, 7, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)
SIGNATURES = re.compile(rb"PK[\1\3\5\6][\2\4\6\7]|TREE|SNOD|HEAP|GCOL|\x93NUMPY|\x89HDF")


# Ways to spoil bytes -------------------------------------------------------------------------


def flip(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    spoilt = bytearray(data)
    for _ in range(r.choice((1, 1, 1, 2, 4, 16, 64))):
        spoilt[r.randrange(len(spoilt))] ^= 1 << r.randrange(8)
    return bytes(spoilt)


def overwrite(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    spoilt = bytearray(data)
    for _ in range(r.choice((1, 1, 2, 5))):
        size = r.choice((1, 2, 4, 8))
        at = r.randrange(len(spoilt) - size)
        at -= at % size if r.random() < 0.7 else 0
        value = r.choice((*NUMBERS, r.getrandbits(64), r.randrange(len(data)))) % 2 ** (8 * size)
        spoilt[at : at + size] = value.to_bytes(size, "little")
    return bytes(spoilt)


def truncate(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    return data[: r.randrange(len(data))]


def splice(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    other = r.choice(others)
    start, to = r.randrange(len(other)), r.randrange(len(data))
    part = other[start : start + r.choice((1, 8, 40, 300, 5000))]
    return data[:to] + part + data[to + (len(part) if r.random() < 0.6 else 0) :]


def drop(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    start = r.randrange(len(data))
    return data[:start] + data[start + r.choice((1, 2, 8, 64, 1000)) :]


def duplicate(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    start, size = r.randrange(len(data)), r.choice((1, 8, 40, 512, 5000))
    times = r.choice((2, 2, 3, 50))
    return data[:start] + data[start : start + size] * times + data[start + size :]


def swap(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    size = min(r.choice((1, 8, 40, 512, 4096)), len(data) // 2 or 1)
    a, b = sorted((r.randrange(len(data)), r.randrange(len(data))))
    if b < a + size:
        return data[:a] + data[a : a + size][::-1] + data[a + size :]
    return (
        data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :]
    )


def blank(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    start, size = r.randrange(len(data)), r.choice((4, 16, 200, 4096))
    value = r.choice((b"\0", b"\xff", b" ", b"[", b"a"))
    return data[:start] + value * min(size, len(data) - start) + data[start + size :]


def field(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Put extremes where ZIP, HDF5 and NumPy keep their counts, sizes and addresses."""
    places = [found.start() for found in SIGNATURES.finditer(data)] or [0]
    spoilt = bytearray(data)
    for _ in range(r.choice((1, 1, 2))):
        size = r.choice((1, 2, 4, 8))
        at = min(r.choice(places) + 4 + r.choice((1, 2)) * r.randrange(28), len(spoilt) - size)
        value = r.choice((*NUMBERS, len(data), r.choice(places))) % 2 ** (8 * size)
        spoilt[max(0, at) : max(0, at) + size] = value.to_bytes(size, "little")
    return bytes(spoilt)


def inner(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Spoil one member of a ZIP and pack it again, so that its checksum is right."""
    if data[:2] != b"PK":
        return field(r, data, others)
    members = unpacked(data)
    name = r.choice(list(members))
    way = r.choice((flip, overwrite, truncate, drop, duplicate, swap, blank, field))
    members[name] = way(r, members[name], [members[name]])
    return packed(members)


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(stream, "w", method) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    return stream.getvalue()


BYTES: tuple[Way, ...] = (
    flip, overwrite, truncate, splice, drop, duplicate, swap, blank, field, inner,
)  # fmt: skip


# Ways to spoil the configuration -------------------------------------------------------------

HOSTILE = (
    None, True, -1, 0, 1, 2**31, 10**12, 10**24, 1e308, 0.5, "", "x" * 5000, "Lambda", "../../etc",
    "linear", "float16", [], {}, [[]], [1] * 50, [10**9, 10**9], [None, 10**9, 10**9, 1], "relu6",
    {"class_name": "Lambda", "config": {"function": ["4wE=", None, None]}},
    {"module": "os", "class_name": "system", "config": "id", "registered_name": "id"},
    {"class_name": "function", "config": "os.system"}, {"class_name": "__lambda__"},
)  # fmt: skip


def spoil_json(r: random.Random, text: str) -> str:
    """Return JSON with some values exchanged, or text that is hardly JSON."""
    way = r.random()
    if way < 0.04:
        return "[" * r.choice((50, 10_000, 400_000)) + text
    if way < 0.06:
        return '{"class_name": "Sequential", "config": ' + '{"a":' * r.choice((31, 2000)) + "1"
    if way < 0.08:
        return text.replace("3", "9" * r.choice((4, 12, 30, 100_000)), 1)
    if way < 0.10:
        return text.replace("null", r.choice(("NaN", "-Infinity", "1e9999")), 2)
    if way < 0.12:
        return text + " " * r.choice((10, 5 * 2**20))
    value = json.loads(text)
    for _ in range(r.choice((1, 1, 1, 2, 3))):
        places = list(_places(value))
        holder, key = r.choice(places)
        holder[key] = copy.deepcopy(r.choice(HOSTILE))
        if r.random() < 0.15 and isinstance(holder, dict):
            option = r.choice(("groups", "lora_rank", "function", "batch_input_shape"))
            holder[option] = copy.deepcopy(r.choice(HOSTILE))
    found = [entry for entry, key in _places(value) if key == "layers"]
    if r.random() < 0.05 and found and isinstance(found[0]["layers"], list):
        found[0]["layers"] *= r.choice((2, 50, 300))
    return json.dumps(value)


def _places(value: Any) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in list(pairs):
        yield value, key
        if isinstance(child, (dict, list)):
            yield from _places(child)


def hostile_h5(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Rewrite the configuration, plant a link, or give a dataset another form."""
    import h5py

    stream = io.BytesIO(data)
    with h5py.File(stream, "r+") as file:
        names: list[str] = []
        file.visititems(lambda name, o: names.append(name) if isinstance(o, h5py.Dataset) else None)
        texts = [key for key in ("model_config", "training_config") if key in file.attrs]
        if texts and r.random() < 0.6:
            key = r.choice(texts)
            file.attrs[key] = spoil_json(r, file.attrs[key])
            return _closed(file, stream)
        if "npcnn_run" in file and r.random() < 0.7:
            state = file["npcnn_run/state"][:].tobytes().decode()
            del file["npcnn_run/state"]
            file["npcnn_run/state"] = np.frombuffer(spoil_json(r, state).encode(), "uint8")
        elif texts and r.random() < 0.1:
            group = file["model_weights"]
            group.attrs["layer_names"] = [r.choice(("", "x", "conv2d", "../conv2d"))] * 3
        else:
            _replace_dataset(r, file, r.choice(names))
        return _closed(file, stream)


def _closed(file: Any, stream: io.BytesIO) -> bytes:
    file.close()
    return stream.getvalue()


def _replace_dataset(r: random.Random, file: Any, name: str) -> None:
    import h5py

    shape, dtype = file[name].shape, file[name].dtype
    del file[name]
    form = r.randrange(9)
    if form == 0:
        file[name] = h5py.SoftLink(r.choice(("/model_weights", "/nowhere", name)))
    elif form == 1:
        file[name] = h5py.ExternalLink("/etc/passwd", "/")
    elif form == 2:
        layout = h5py.VirtualLayout(shape or (1,), dtype)
        layout[...] = h5py.VirtualSource("/etc/passwd", "x", shape or (1,))
        file.create_virtual_dataset(name, layout)
    elif form == 3:
        external = [("/etc/passwd", 0, h5py.h5f.UNLIMITED)]
        file.create_dataset(name, shape or (1,), dtype, external=external)
    elif form == 4:
        file.create_dataset(name, (10**6, 10**6), dtype)
    elif form == 5:
        file.create_dataset(name, (10**7, 10**5), dtype, chunks=(10, 10), compression="gzip")
    elif form == 6:
        file.create_dataset(name, data=np.full(shape, np.nan))
    elif form == 7:
        file.create_dataset(name, data=np.zeros((*shape, 1), dtype))
    else:
        file.create_group(name)


def hostile_zip(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Rewrite a member, add one, or pack a bomb."""
    members = unpacked(data)
    way, method = r.random(), zipfile.ZIP_STORED
    if way < 0.4:
        members["config.json"] = spoil_json(r, members["config.json"].decode()).encode()
    elif way < 0.6:
        members["model.weights.h5"] = hostile_h5(r, members["model.weights.h5"], others)
    elif way < 0.7:
        with zipfile.ZipFile(io.BytesIO(r.choice(others))) as other:
            name = r.choice(list(members))
            members[name] = other.read(name)
    elif way < 0.8:
        extra = ("../evil.txt", "/etc/passwd", "assets/x", "model.weights.npz", "config.json")
        members[r.choice(extra) + r.choice(("", "", "_"))] = b"x" * 10
    elif way < 0.85:
        del members[r.choice(list(members))]
    else:
        return _bomb(members, r.choice(("model.weights.h5", "config.json")))
    if r.random() < 0.3:
        method = zipfile.ZIP_DEFLATED
    spoilt = bytearray(packed(members, method))
    if way > 0.6 and r.random() < 0.3:  # lie about a size
        at = r.choice([i for i in range(len(spoilt)) if spoilt[i : i + 4] == b"PK\1\2"])
        field = r.choice((20, 24))
        spoilt[at + field : at + field + 4] = struct.pack("<I", r.choice(NUMBERS) % 2**32)
    return bytes(spoilt)


_bombs: dict[str, bytes] = {}


def _bomb(members: dict[str, bytes], name: str) -> bytes:
    """Return an archive whose member unpacks to half a gigabyte."""
    if name not in _bombs:
        stream, zeros = io.BytesIO(), bytes(2**20)
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for key, content in members.items():
                with archive.open(key, "w") as member:
                    for _ in range(512 if key == name else 1):
                        member.write(zeros if key == name else content)
        _bombs[name] = stream.getvalue()
    return _bombs[name]


HEADERS = (
    ("<f4", "|O"), ("<f4", "<M8[s]"), ("<f4", "<c8"), ("<f4", ">f4"), ("<f4", "<f2"),
    ("<i8", "<U1"), ("<i8", "<f8"), ("'<f4'", "[('a', '<f4')]"), ("'<f4'", "'<f4'" * 2000),
    ("False", "True"), ("False", "Falsch"), (", }", ""), ("'descr'", "descr"), ("{", "{" * 90),
    ("(", "(" * 200), ("(", "(-1, "), ("(", "(0, "), ("(", "(9223372036854775807, "), (",)", ")"),
    ("(", "(1, 1, 1, "), ("shape", "shape': __import__('os').system('id'), 's"), (" ", "\n"),
    ("}", "} # \\"), ("'", '"""'),
)  # fmt: skip


def hostile_npz(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Rewrite an array's header, rename or exchange columns, or pack a bomb."""
    members, way = unpacked(data), r.random()
    name = r.choice(list(members))
    if way < 0.5:
        members[name] = _with_header(r, members[name])
    elif way < 0.6:
        other = r.choice(("weights/x", "dead/", "step/a", "../evil", "/", "weights/a/b/c", "loss"))
        members[other + r.choice((".npy", ""))] = members.pop(name)
    elif way < 0.7:
        members[name] = members[r.choice(list(members))]
    elif way < 0.8:
        stream = io.BytesIO()
        given = (np.array([{}], object), np.zeros((0, 3)), np.float32(1), "x" * 999,
                 np.zeros(5, "f2,i4"), np.full(5, np.nan), np.zeros(3, bool))  # fmt: skip
        np.save(stream, r.choice(given), allow_pickle=True)
        members[name] = stream.getvalue()
    elif way < 0.88:
        del members[name]
    elif way < 0.94:
        return _large_array(data, name)
    else:
        return packed(members, zipfile.ZIP_DEFLATED)
    return packed(members)


@functools.cache
def _large_array(data: bytes, name: str) -> bytes:
    """Return the archive with an array that is larger than its header says, packed."""
    members = unpacked(data)
    members[name] = members[name][:128] + bytes(2**26)
    return packed(members, zipfile.ZIP_DEFLATED)


def _with_header(r: random.Random, content: bytes) -> bytes:
    """Return an array's file whose header says something else, its length right."""
    start = 10 + int.from_bytes(content[8:10], "little")
    old, new = r.choice(HEADERS)
    header = content[10:start].decode("latin1").replace(old, new, r.choice((1, 1, -1))).rstrip()
    header += " " * (-(len(header) + 11) % 64) + "\n"
    values = content[start:] if r.random() < 0.7 else content[-r.choice((4, 64)) :]
    return content[:8] + struct.pack("<H", len(header)) + header.encode("latin1") + values


def hostile_json(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Rewrite a configuration that stands alone."""
    return spoil_json(r, data.decode()).encode()


# Nodes that run other graphs, need much, or are none.
ODD_NODES = ("If", "Loop", "Scan", "LSTM", "Einsum", "Resize", "Pad", "Tile", "Expand", "Range", "")


def hostile_onnx(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Rewrite nodes, their attributes and links, the shapes, types and numbers of constants."""
    import onnx

    model = onnx.load_model_from_string(data)
    graph = model.graph
    names = [name for node in graph.node for name in (*node.input, *node.output)]
    whole = [number - 2**64 if number >= 2**63 else number for number in NUMBERS]
    for _ in range(r.choice((1, 1, 1, 2, 3))):
        node, tensor, way = r.choice(graph.node), r.choice(graph.initializer), r.randrange(10)
        if way == 0:
            node.op_type = r.choice((*{one.op_type for one in graph.node}, *ODD_NODES))
        elif way == 1 and node.attribute:
            _spoil_attribute(r, r.choice(node.attribute), whole)
        elif way == 2 and node.input:
            node.input[r.randrange(len(node.input))] = r.choice((*names, "", "nowhere"))
        elif way == 3 and tensor.dims:
            tensor.dims[r.randrange(len(tensor.dims))] = r.choice((*whole, -1))
        elif way == 4:
            tensor.data_type = r.choice((*range(20), 2**31 - 1))
        elif way == 5:
            tensor.raw_data = r.choice(
                (tensor.raw_data[:-1], b"", tensor.raw_data * 2, b"\xff" * 9)
            )
        elif way == 6:
            ends = r.choice((graph.input, graph.output))
            shape = r.choice(ends).type.tensor_type.shape
            shape.dim[r.randrange(len(shape.dim))].dim_value = r.choice(whole)
        elif way == 7:
            graph.node.insert(r.randrange(len(graph.node)), node)
        elif way == 8:
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=r.choice(("/etc/passwd", "../x", "")))
        else:
            r.choice((graph.input, graph.output))[0].name = r.choice(names)
    return model.SerializeToString()


def _spoil_attribute(r: random.Random, attribute: Any, whole: list[int]) -> None:
    way = r.randrange(5)
    if way == 0:
        attribute.i = r.choice(whole)
    elif way == 1:
        attribute.f = r.choice((float("nan"), float("inf"), -1.0, 0.0, 1e30))
    elif way == 2:
        attribute.type = r.randrange(1, 15)
    elif way == 3:
        attribute.name = r.choice(("strides", "pads", "axis", "group", "x", ""))
    elif attribute.ints and r.random() < 0.8:
        attribute.ints[r.randrange(len(attribute.ints))] = r.choice(whole)
    else:
        attribute.ints.extend([r.choice(whole)] * r.choice((1, 3, 1000)))
