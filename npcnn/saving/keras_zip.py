"""Keras 3's `.keras`: a ZIP of configuration and weights; and its `.weights.h5`, weights alone."""

from __future__ import annotations

import io
import itertools
import json
import time
import zipfile
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from npcnn.checks import FormatError, message
from npcnn.layers.base import snake_case
from npcnn.layers.parts import attributes
from npcnn.registry import as_json
from npcnn.saving import (
    assembly,
    keras_compile,
    keras_config,
    keras_layers,
    own_variables,
    run_state,
    safe_json,
    variables,
    zip_safe,
)  # fmt: skip
from npcnn.saving.budget import Budget
from npcnn.saving.hdf5_safe import Hdf5File
from npcnn.saving.state import Found, OptimizerState, Parts, match
from npcnn.symbolic import Operation

if TYPE_CHECKING:
    from npcnn.layers.base import Layer
    from npcnn.model import Model

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_TIMELESS = (1980, 1, 1, 0, 0, 0)  # as early as ZIP knows; a clock may be earlier


# Writing --------------------------------------------------------------------------------------


def write_model(model: Model, stream: IO[bytes], run: run_state.State | None = None) -> None:
    """Write a built model, compile settings and optimizer included if it is compiled."""
    _require_one_place(model)
    config = keras_config.full_model_config(model)
    if model.compiled:
        config["compile_config"] = keras_compile.compile_config(model)
    date = time.strftime("%Y-%m-%d@%H:%M:%S")
    metadata = {"keras_version": keras_config.KERAS_VERSION, "date_saved": date}
    weights = io.BytesIO()
    write_weights(model, weights, run, by_config=True)
    with zipfile.ZipFile(stream, "w") as archive:  # stored, not compressed, as Keras does
        for name, content in (
            (METADATA, json.dumps(metadata)), (CONFIG, as_json(config, "save()")),
            (WEIGHTS, weights.getbuffer()),
        ):  # fmt: skip
            info = zipfile.ZipInfo(name, _TIMELESS)
            info.external_attr = 0o600 << 16  # as zipfile gives members of its own
            archive.writestr(info, content)


def _require_one_place(model: Model) -> None:
    """Raise FormatError if a layer is a part of two models: Keras's config would make two of it."""
    owner: dict[int, Operation] = {}
    todo: list[Operation] = [model]
    while todo:
        whole = todo.pop()
        for part in whole.made_of() or ():
            other = owner.setdefault(id(part), whole)
            if other is not whole and not getattr(part, "is_input", False):
                fix = "save it as .h5, or use save_weights and build the model by its program"
                got = f"{part.name!r} in {other.name!r} and {whole.name!r}"
                raise FormatError(message("save (.keras)", "layers of one model each", got, fix))
            todo += [part] if part.made_of() else []


def write_weights(
    model: Model, stream: IO[bytes], run: run_state.State | None = None, by_config: bool = False
) -> None:
    """Write the weights as Keras's `model.weights.h5`: by class and number, not by name."""
    import h5py

    with h5py.File(stream, "w") as file:
        file.create_group("vars").attrs["name"] = model.name
        for layer, path in layer_paths(model, by_config):
            if own_variables.says(layer):
                group = file.create_group(f"{path}/vars")
                for name, value in own_variables.written(layer).items():
                    group[name] = value
                continue
            values = layer.in_files()
            for folder, names in layer.folders().items():
                group = file.require_group(f"{path}/{folder}")  # the model has one already
                group.attrs["name"] = layer.name
                for k, name in enumerate(names):
                    group[str(k)] = values[name][1]
        if model.compiled:
            group = file.create_group("optimizer/vars")
            group.attrs["name"] = model.optimizer.name
            leaves = assembly.config_leaves(model) if by_config else None
            for k, (_, value) in enumerate(variables.optimizer_variables(model, leaves)):
                group[str(k)] = value
        run_state.write_seeds(model, file)
        if run is not None:
            run_state.write(run, file)


def layer_paths(model: Model, by_config: bool = False) -> list[tuple[Layer, str]]:
    """Return each layer and where Keras keeps it: its class and how many of that came before.

    Layers of a model within the model lie in its own folder `layers`, those of a class with a
    `call` under the names of its attributes; one that was met before is left out.

    Args:
        model: whose layers they are.
        by_config: whether classes with a `call` that calls layers are the graphs that a config
            keeps of them.

    >>> from npcnn import Sequential
    >>> from npcnn.layers import Dense, ReLU
    >>> [path for _, path in layer_paths(Sequential([Dense(3), ReLU(), Dense(2)]))]
    ['layers/dense', 'layers/re_lu', 'layers/dense_1']
    """
    found: dict[int, tuple[Layer, str]] = {}
    _collect_paths(model, "", found, set(), by_config)
    return list(found.values())


def _collect_paths(
    whole: Any, root: str, found: dict[int, tuple[Layer, str]], met: set[int], by_config: bool
) -> None:
    if id(whole) in met:
        return
    met.add(id(whole))
    body = getattr(whole, "call_body", None)
    if body is not None and body.declared:  # the model's own
        found[id(body)] = body, root.removesuffix("/")
    holder = _holder(whole, by_config)
    by_config = by_config and holder is None
    listed = _in_rows(whole, root, by_config) if holder is None else _attributes(holder, root)
    for layer, path in listed:
        parts = layer.made_of()
        if layer.declared or not (parts or getattr(layer, "is_input", False)):
            found.setdefault(id(layer), (layer, path))
        if parts is not None:
            _collect_paths(layer, f"{path}/", found, met, by_config)


def _holder(whole: Any, by_config: bool) -> Any:
    """Return the object of a class with a `call` whose attributes are the places; else None."""
    body = getattr(whole, "call_body", None) or whole
    if body.is_body:
        return body.model
    written = getattr(whole, "is_written", False) and not by_config
    return whole if written or getattr(whole, "has_call", False) else None


def _attributes(holder: Any, root: str) -> Iterator[tuple[Any, str]]:
    return ((layer, f"{root}{name}") for name, layer in attributes(holder))


def _in_rows(whole: Any, root: str, by_config: bool) -> Iterator[tuple[Any, str]]:
    """Yield what something is made of, and the path of each: its class and a number."""
    counts: dict[str, int] = {}
    for layer in whole.made_of() or ():
        if layer.in_layers:
            base = snake_case(keras_config.class_name(layer) if by_config else layer.file_class)
            k = counts[base] = counts.get(base, -1) + 1
            yield layer, f"{root}layers/{base}_{k}" if k else f"{root}layers/{base}"


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
        model = assembly.planned_model(config, where)
        weights = archive.read(WEIGHTS)
    file = Hdf5File(io.BytesIO(weights), f"{where}, {WEIGHTS}", budget)
    settings = keras_compile.read_compile(
        config.get("compile_config"), where, len(model.ends[1]) or 1
    )
    paths = paths_in(file, model)
    parts = Parts(file, model, find_weights(file, paths), settings)
    parts.paths = paths
    if settings is not None and file.is_group("optimizer/vars"):
        parts.state = _optimizer_state(file, parts)
    return parts


def find_weights(file: Hdf5File, paths: list[tuple[Layer, str]], skip: bool = False) -> Found:
    """Return where the parameters of each layer at its path lie, all shapes checked."""
    old = "_layer_checkpoint_dependencies"
    found: Found = {}
    for layer, path in paths:
        if own_variables.says(layer):
            continue  # it reads them itself
        if file.is_group(old):
            path = path.replace("layers/", f"{old}/")
        own = {one[1]: one for one in assembly.own_arrays(layer)}
        wanted, places = [], []
        for folder, parameters in layer.folders().items():
            names = sorted(file.names(f"{path}/{folder}"), key=lambda name: (len(name), name))
            places += [f"{path}/{folder}/{name}" for name in names]
            if names or folder == "vars":  # of an activation's parameters Keras keeps none
                wanted += [own[name] for name in parameters]
        match(file, str(layer.name), wanted, places, found, skip)
    return found


def paths_in(file: Hdf5File, model: Model) -> list[tuple[Layer, str]]:
    """Return where a file has each layer: as its class has it, or as the graph of a config."""
    ways = [layer_paths(model), layer_paths(model, by_config=True)]
    if ways[0] == ways[1] or file.is_group("_layer_checkpoint_dependencies"):
        return ways[0]
    found = [sum(file.is_group(path) for _, path in way) for way in ways]
    return ways[found[1] > found[0]]


def _optimizer_state(file: Hdf5File, parts: Parts) -> OptimizerState:
    count = len(file.names("optimizer/vars"))
    listed = [(str(k), file.dataset(f"optimizer/vars/{k}")) for k in range(count)]
    return OptimizerState(listed, parts, file.where)


def _check_members(archive: zip_safe.Archive, where: str) -> None:
    """Raise FormatError unless these are the three members that Keras writes."""
    if sorted(archive.members) != sorted([METADATA, CONFIG, WEIGHTS]):
        expected = f"the members {METADATA}, {CONFIG} and {WEIGHTS}"
        names = itertools.islice(archive.members, 5)
        got = ", ".join(keras_layers.short(name) for name in names) or "none"
        raise FormatError(message(where, expected, got, "save it again with Keras"))
