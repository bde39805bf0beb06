"""Keras 3's `.keras`: a ZIP of configuration and weights; and its `.weights.h5`, weights alone."""

from __future__ import annotations

import io
import itertools
import json
import time
import zipfile
from typing import IO, TYPE_CHECKING, Any

from npcnn.checks import FormatError, message
from npcnn.layers.base import snake_case
from npcnn.saving import (
    assembly,
    keras_compile,
    keras_config,
    run_state,
    safe_json,
    variables,
    zip_safe,
)  # fmt: skip
from npcnn.saving.budget import Budget
from npcnn.saving.hdf5_dataset import Dataset
from npcnn.saving.hdf5_safe import Hdf5File
from npcnn.saving.state import OptimizerState, Parts, Shapes, match

if TYPE_CHECKING:
    from npcnn.model import Sequential

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_TIMELESS = (1980, 1, 1, 0, 0, 0)  # as early as ZIP knows; a clock may be earlier


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
        for name, content in (
            (METADATA, json.dumps(metadata)), (CONFIG, json.dumps(config)),
            (WEIGHTS, weights.getbuffer()),
        ):  # fmt: skip
            info = zipfile.ZipInfo(name, _TIMELESS)
            info.external_attr = 0o600 << 16  # as zipfile gives members of its own
            archive.writestr(info, content)


def write_weights(model: Sequential, stream: IO[bytes], run: run_state.State | None = None) -> None:
    """Write the weights as Keras's `model.weights.h5`: by class and number, not by name."""
    import h5py

    with h5py.File(stream, "w") as file:
        file.create_group("vars").attrs["name"] = model.name
        for layer, path in zip(model.layers, layer_paths(model.layers), strict=True):
            group = file.create_group(f"layers/{path}/vars")
            group.attrs["name"] = layer.name
            for k, (_, value) in enumerate(layer.arrays()):
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


def read_parts(stream: IO[bytes], where: str, budget: Budget) -> Parts:
    """Return what a `.keras` file holds, all checked, weights not read yet.

    Raises:
        FormatError: the file is damaged, or holds what npcnn has nothing for.
    """
    with zip_safe.opened(stream, where, "a whole .keras file", budget) as archive:
        _check_members(archive, where)
        text = archive.read(CONFIG, safe_json.largest(budget))
        config = safe_json.parse_json(text, f"{where}, {CONFIG}", budget)
        arguments, made = keras_config.read_architecture(config, where)
        shapes = list(assembly.parameter_shapes(made, where))
        weights = archive.read(WEIGHTS)
    file = Hdf5File(io.BytesIO(weights), f"{where}, {WEIGHTS}", budget)
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


def _check_members(archive: zip_safe.Archive, where: str) -> None:
    """Raise FormatError unless these are the three members that Keras writes."""
    if sorted(archive.members) != sorted([METADATA, CONFIG, WEIGHTS]):
        expected = f"the members {METADATA}, {CONFIG} and {WEIGHTS}"
        names = itertools.islice(archive.members, 5)
        got = ", ".join(keras_config.short(name) for name in names) or "none"
        raise FormatError(message(where, expected, got, "save it again with Keras"))
