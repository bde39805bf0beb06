"""Keras 3's `.keras`: a ZIP of configuration and weights; and its `.weights.h5`, weights alone."""

from __future__ import annotations

import io
import json
import struct
import time
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from npcnn.checks import FormatError, message
from npcnn.layers.base import snake_case
from npcnn.saving import assembly, keras_compile, keras_config, run_state, safe_json, variables
from npcnn.saving.hdf5_dataset import Dataset
from npcnn.saving.hdf5_safe import Hdf5File
from npcnn.saving.state import OptimizerState, Parts, Shapes, match

if TYPE_CHECKING:
    from npcnn.model import Sequential

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_MAX_DIRECTORY = 4096  # bytes of a table of contents; Keras's own takes 170
_PER_VARIABLE = 16_384  # bytes of HDF5 structure that a variable may take
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error,
    ValueError, OSError, KeyError, OverflowError,
)  # fmt: skip


# Writing --------------------------------------------------------------------------------------


def write_model(model: Sequential, stream: IO[bytes], run: run_state.State | None = None) -> None:
    """Write a built model, compile settings and optimizer included if it is compiled."""
    config = keras_config.full_model_config(model)
    if model.compiled:
        config["compile_config"] = keras_compile.compile_config(model)
    date = time.strftime("%Y-%m-%d@%H:%M:%S")
    metadata = {"keras_version": keras_config.KERAS_VERSION, "date_saved": date}
    weights = io.BytesIO()
    write_weights(model, weights, run)
    with zipfile.ZipFile(stream, "w") as archive:  # stored, not compressed, as Keras does
        archive.writestr(METADATA, json.dumps(metadata))
        archive.writestr(CONFIG, json.dumps(config))
        archive.writestr(WEIGHTS, weights.getbuffer())


def write_weights(model: Sequential, stream: IO[bytes], run: run_state.State | None = None) -> None:
    """Write the weights as Keras's `model.weights.h5`: by class and number, not by name."""
    import h5py

    with h5py.File(stream, "w") as file:
        file.create_group("vars").attrs["name"] = model.name
        for layer, path in zip(model.layers, layer_paths(model.layers), strict=True):
            group = file.create_group(f"layers/{path}/vars")
            group.attrs["name"] = layer.name
            for k, (_, value, _) in enumerate(layer.parameters()):
                group[str(k)] = value
        if model.compiled:
            group = file.create_group("optimizer/vars")
            group.attrs["name"] = model.optimizer.name
            for k, (_, value) in enumerate(variables.optimizer_variables(model)):
                group[str(k)] = value
        if run is not None:
            run_state.write(run, file)


def layer_paths(layers: list[Any]) -> list[str]:
    """Return where Keras keeps each layer: its class and how many of that class came before.

    >>> from npcnn.layers import Dense, ReLU
    >>> layer_paths([Dense(3), ReLU(), Dense(2)])
    ['dense', 're_lu', 'dense_1']
    """
    counts: dict[str, int] = {}
    paths = []
    for layer in layers:
        base = snake_case(type(layer).__name__)
        k = counts[base] = counts.get(base, -1) + 1
        paths.append(f"{base}_{k}" if k else base)
    return paths


# Reading --------------------------------------------------------------------------------------


def read_parts(stream: IO[bytes], where: str) -> Parts:
    """Return what a `.keras` file holds, all checked, weights not read yet.

    Raises:
        FormatError: the file is damaged, or holds what npcnn has nothing for.
    """
    _check_directory(stream, where)
    try:
        with zipfile.ZipFile(stream) as archive:
            members = _members(archive, where)
            text = _read(archive, members[CONFIG], safe_json.MAX_BYTES)
            config = safe_json.parse_json(text, f"{where}, {CONFIG}")
            arguments, made = keras_config.read_architecture(config, where)
            shapes = list(assembly.parameter_shapes(made, where))
            limit = members[WEIGHTS].compress_size
            if members[WEIGHTS].compress_type != zipfile.ZIP_STORED:
                limit = _expected_size(shapes, stream, where)
            weights = _read(archive, members[WEIGHTS], limit)
    except FormatError:
        raise
    except _DAMAGED as error:
        got = keras_config.one_line(error) or type(error).__name__
        raise FormatError(message(where, "a whole .keras file", got, "it is damaged")) from error
    file = Hdf5File(io.BytesIO(weights), f"{where}, {WEIGHTS}")
    settings = keras_compile.read_compile(config.get("compile_config"), where)
    found = find_weights(file, shapes)
    parts = Parts(file, arguments, made, shapes, found, settings)
    if settings is not None and file.is_group("optimizer/vars"):
        parts.state = _optimizer_state(file, parts)
    return parts


def find_weights(file: Hdf5File, shapes: Shapes) -> dict[int, dict[str, Dataset]]:
    """Return id of a layer → parameter → its dataset, all shapes checked."""
    root = "layers" if file.is_group("layers") else "_layer_checkpoint_dependencies"
    layers = [layer for layer, _ in shapes]
    found = {}
    for (layer, wanted), path in zip(shapes, layer_paths(layers), strict=True):
        group = f"{root}/{path}/vars"
        names = sorted(file.names(group), key=lambda name: (len(name), name))
        found[id(layer)] = match(file, layer, wanted, [f"{group}/{name}" for name in names])
    return found


def _optimizer_state(file: Hdf5File, parts: Parts) -> OptimizerState:
    count = len(file.names("optimizer/vars"))
    listed = [(str(k), file.dataset(f"optimizer/vars/{k}")) for k in range(count)]
    return OptimizerState(listed, parts, file.where)


def _check_directory(stream: IO[bytes], where: str) -> None:
    """Refuse a table of contents that is not there, or far larger than three entries need."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - 65_557))
    tail = stream.read(65_557)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + 22 > len(tail):
        fix = "the file is damaged or no .keras file"
        raise FormatError(message(where, "a ZIP archive", "none or half of one", fix))
    directory = struct.unpack_from("<I", tail, at + 12)[0]
    if directory > _MAX_DIRECTORY or b"PK\6\7" in tail[max(0, at - 20) : at]:
        fix = "a .keras file has three members and less than 4 GiB"
        raise FormatError(message(where, "a table of three members", "a larger one", fix))
    stream.seek(0)


def _members(archive: zipfile.ZipFile, where: str) -> dict[str, zipfile.ZipInfo]:
    """Return the three members by name, or raise FormatError for any other, or a doubtful one."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if sorted(names) != sorted([METADATA, CONFIG, WEIGHTS]):
        expected = f"the members {METADATA}, {CONFIG} and {WEIGHTS}"
        got = ", ".join(keras_config.short(name) for name in names[:5]) or "none"
        raise FormatError(message(where, expected, got, "save it again with Keras"))
    for info in infos:
        plain = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if info.flag_bits & 1 or not plain:
            got = f"{info.filename} encrypted or packed in another way"
            fix = "save it again with Keras"
            raise FormatError(message(where, "members stored or deflated", got, fix))
    return dict(zip(names, infos, strict=True))


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    """Return a member's bytes if they are at most `limit`; no more than that is ever unpacked."""
    if info.file_size > limit:
        raise ValueError(f"{info.filename} of {info.file_size} bytes, {limit} at most")
    with archive.open(info) as member:
        data = member.read(limit + 1)
        if len(data) > limit:
            raise ValueError(f"{info.filename} of more than {limit} bytes")
        if len(data) == limit:
            member.read(1)  # lets the checksum be compared
    return data


def _expected_size(shapes: Shapes, stream: IO[bytes], where: str) -> int:
    """Return how large a packed weights member may be: what the configuration asks for."""
    count = sum(len(own) for _, own in shapes) + len(shapes) + 8
    values = sum(int(np.prod(shape, dtype=object)) for _, own in shapes for _, shape in own)
    limit = 3 * 8 * values + 3 * count * _PER_VARIABLE
    if limit > 1100 * stream.seek(0, 2):  # deflate packs no tighter
        fix = "the file is damaged or made to exhaust memory"
        got = "a file too small for them"
        raise FormatError(message(where, f"{values} parameters", got, fix))
    return limit
