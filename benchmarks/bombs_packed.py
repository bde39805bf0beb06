"""More bombs: configurations, archives and recordings; they enter themselves into bombs.BOMBS."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable

from bombs import COMPILED, MEGABYTE, Bomb, bomb, config, h5, keras, variants
from raw_hdf5 import File
from spoil import packed

# JSON ----------------------------------------------------------------------------------------

LONG = {
    "a_million_lists": b"[" + b"[]," * 1_300_000 + b"0]",
    "a_million_objects": b"[" + b"{}," * 1_300_000 + b"0]",
    "a_million_numbers": b"[" + b"1.5," * 1_000_000 + b"0]",
    "a_number_of_a_million_digits": b"1" * 1_000_000,
    "a_text_of_three_megabytes": b'"' + b"x" * 3_000_000 + b'"',
    "a_million_brackets": b"[" * 1_000_000,
}


def _json(value: bytes, key: str = "units") -> bytes:
    return json.dumps(config({key: "HERE"})).encode().replace(b'"HERE"', value)


def _layer_of(value: bytes) -> Callable[[], Bomb]:
    return lambda: keras(b"", _json(value))


variants(**{f"{name}_in_a_layer": _layer_of(value) for name, value in LONG.items()})
AXES = json.dumps(config(shape=[1] * 1_000_000)).encode()
MANY = json.dumps(config(layers=[{"class_name": "Flatten", "config": {}}] * 60_000)).encode()
METRICS = json.dumps({**COMPILED, "metrics": ["accuracy"] * 300_000}).encode()


def chain(count: int, units: int) -> bytes:
    entry = {"class_name": "Dense", "config": {"units": units}}
    start = {"class_name": "InputLayer", "config": {"batch_shape": [None, units]}}
    listed = {"name": "m", "layers": [start, *[entry] * count]}
    return json.dumps({"class_name": "Sequential", "config": listed}).encode()


variants(
    input_of_a_million_axes=lambda: keras(b"", AXES),
    input_of_a_million_axes_alone=lambda: (".json", AXES),
    sixty_thousand_layers=lambda: keras(b"", MANY),
    metrics_by_the_hundred_thousand=lambda: h5(training=METRICS),
    name_of_three_megabytes=lambda: keras(b"", _json(LONG["a_text_of_three_megabytes"], "name")),
    three_gigabytes_in_700_bytes=lambda: (".json", chain(1, 28_000)),
    gigabytes_in_a_thousand_layers=lambda: (".json", chain(999, 1_000)),
    as_many_weights_as_are_allowed=lambda: (".json", chain(1, 5_700)),
    parameters_that_the_file_lacks=lambda: keras(File().finished(96), chain(1, 28_000)),
)


# ZIP -----------------------------------------------------------------------------------------


def with_field(offset: int, value: int, size: int = 4, signature: bytes = b"PK\1\2") -> Bomb:
    """Return a sound file, a number in the table of contents changed for each member."""
    data = bytearray(keras(File().finished(96))[1])
    at = data.find(signature)
    while at >= 0:
        data[at + offset : at + offset + size] = value.to_bytes(size, "little")
        at = data.find(signature, at + 4)
    return ".keras", bytes(data)


variants(
    zeros_by_300_megabytes=lambda: keras(bytes(300 * MEGABYTE), None, zipfile.ZIP_DEFLATED),
    zeros_that_the_model_asks_for=lambda: keras(
        bytes(300 * MEGABYTE), chain(1, 8_000), zipfile.ZIP_DEFLATED
    ),
    spaces_by_300_megabytes=lambda: keras(b"", b" " * 300 * MEGABYTE, zipfile.ZIP_DEFLATED),
    lists_packed=lambda: keras(b"", _json(LONG["a_million_lists"]), zipfile.ZIP_DEFLATED),
    size_of_four_gigabytes=lambda: with_field(24, 2**32 - 2),
    packed_size_of_four_gigabytes=lambda: with_field(20, 2**32 - 2),
    both_sizes_of_four_gigabytes=lambda: with_field(20, 2**64 - 2**33 - 2, 8),
    table_of_four_gigabytes=lambda: with_field(12, 2**32 - 2, 4, b"PK\5\6"),
    place_beyond_the_file=lambda: with_field(42, 2**32 - 2),
)


def many_members(extension: str, count: int) -> Bomb:
    return extension, packed({f"{k}.npy": b"" for k in range(count)})


@bomb
def members_of_the_same_bytes() -> Bomb:
    """Return a recording of which a thousand columns are one."""
    data = bytearray(packed({f"weights/a/{k:03d}.npy": b"" for k in range(1_000)}))
    content = npy(b"(1000000,)", 4 * 10**6)
    first = packed({"weights/a/000.npy": content})[: 47 + len(content)]
    shift, table = len(first), data[data.index(b"PK\1\2") :]
    at = table.find(b"PK\1\2")
    info = struct.pack("<III", zipfile.crc32(content), len(content), len(content))
    while at >= 0:
        table[at + 16 : at + 28], table[at + 42 : at + 46] = info, bytes(4)
        at = table.find(b"PK\1\2", at + 4)
    table[-6:-2] = struct.pack("<I", shift)
    return ".npz", first + bytes(table)


def npy(shape: bytes, size: int, kind: bytes = b"<f4") -> bytes:
    head = b"{'descr': '" + kind + b"', 'fortran_order': False, 'shape': " + shape + b", }\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + bytes(size)


def recording(method: int = zipfile.ZIP_STORED, **columns: bytes) -> Bomb:
    arrays = {"step": npy(b"(2,)", 16, b"<i8"), "epoch": npy(b"(2,)", 16, b"<i8"),
              "loss": npy(b"(2,)", 16, b"<f8"), **columns}  # fmt: skip
    return ".npz", packed({f"{name}.npy": content for name, content in arrays.items()}, method)


variants(
    members_by_the_hundred_thousand=lambda: many_members(".keras", 65_000),
    columns_by_the_hundred_thousand=lambda: many_members(".npz", 65_000),
    recording_of_packed_zeros=lambda: recording(
        zipfile.ZIP_DEFLATED, picture=npy(b"(2, 40000000)", 32 * 10**7)
    ),
    recording_of_nothing_times_2_to_63=lambda: recording(
        picture=npy(b"(0, 9223372036854775807)", 0)
    ),
    recording_of_a_million_brackets=lambda: recording(picture=npy(b"(" * 60_000, 0)),
    recording_of_a_million_axes=lambda: recording(picture=npy(b"(" + b"1, " * 20_000 + b")", 4)),
    recording_of_exabytes=lambda: recording(picture=npy(b"(2, 999999999999999999)", 8)),
)
