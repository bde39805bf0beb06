"""Keras's `.h5`: a whole model in one HDF5 file, as Keras 3 writes it; Keras 2's is read too."""

from __future__ import annotations

import warnings
from typing import IO, TYPE_CHECKING, Any

from npcnn.checks import FormatError, NpcnnWarning
from npcnn.registry import as_json
from npcnn.saving import assembly, keras_compile, keras_config, run_state, variables
from npcnn.saving.budget import Budget
from npcnn.saving.hdf5_safe import Hdf5File
from npcnn.saving.keras_config import KERAS_VERSION
from npcnn.saving.safe_json import parse_json
from npcnn.saving.state import Found, OptimizerState, Parts, match

if TYPE_CHECKING:
    from npcnn.model import Model

# Writing --------------------------------------------------------------------------------------


def write_model(model: Model, stream: IO[bytes], run: run_state.State | None = None) -> None:
    """Write a built model, compile settings and optimizer included if it is compiled."""
    import h5py

    config = keras_config.short_model_config(model)
    keras_config.mark_shared(model, config)
    with h5py.File(stream, "w") as file:
        file.attrs["keras_version"] = KERAS_VERSION
        file.attrs["backend"] = "numpy"
        file.attrs["model_config"] = as_json(config, "save()")
        if model.compiled:
            file.attrs["training_config"] = as_json(keras_compile.training_config(model), "save()")
        _write_weights(model, file.create_group("model_weights"))
        if model.compiled:
            _write_optimizer(model, file.create_group("optimizer_weights"))
        run_state.write_seeds(model, file)
        if run is not None:
            run_state.write(run, file)


def _write_weights(model: Model, group: Any) -> None:
    names = [ascii_name(layer.name, k) for k, layer in enumerate(model.made_of())]
    group.attrs["layer_names"] = names
    group.attrs["backend"] = "numpy"
    group.attrs["keras_version"] = KERAS_VERSION
    scope = ascii_name(model.name, "model")
    for layer, name in zip(model.made_of(), names, strict=True):
        inner = group.create_group(name)
        values = {}
        for k, (leaf, parameter, _) in enumerate(assembly.in_config(layer)):
            own, value = leaf.in_files()[parameter]
            within = "" if leaf is layer else f"{ascii_name(leaf.name, k)}/"
            if f"{scope}/{name}/{within}{own}" in values:  # of another model within this one
                within = f"{k}/{within}"
            values[f"{scope}/{name}/{within}{own}"] = value
        inner.attrs["weight_names"] = list(values)
        for path, value in values.items():
            inner[path] = value
    if "top_level_model_weights" not in group:
        group.create_group("top_level_model_weights").attrs["weight_names"] = []


def ascii_name(name: str, number: Any) -> str:
    """Return a name that HDF5 can keep in its oldest form of group; Keras reads by order.

    >>> ascii_name("conv2d", 0), ascii_name("层", 1)
    ('conv2d', 'non_ascii_1')
    """
    sound = name.isascii() and name not in ("", ".") and not name.startswith("non_ascii_")
    return name if sound else f"non_ascii_{number}"


def _write_optimizer(model: Model, group: Any) -> None:
    scope = ascii_name(model.optimizer.name, "optimizer")
    leaves = assembly.config_leaves(model)
    values = {
        f"{scope}/{ascii_name(key, k)}": value
        for k, (key, value) in enumerate(variables.optimizer_variables(model, leaves))
    }
    group.attrs["weight_names"] = list(values)
    for key, value in values.items():
        group[key] = value


# Reading --------------------------------------------------------------------------------------


def read_parts(stream: IO[bytes], where: str, budget: Budget) -> Parts:
    """Return what a `.h5` file holds, all checked, weights not read yet.

    Raises:
        FormatError: the file is damaged, or holds what npcnn has nothing for.
    """
    file = Hdf5File(stream, where, budget)
    text = file.attribute("", "model_config")
    if text is None or not file.is_group("model_weights"):
        fix = "load_weights() reads files of weights alone"
        raise file.error("a whole model", "no model_config and model_weights in it", fix)
    config = parse_json("".join(text), f"{where}, model_config", budget)
    model = assembly.planned_model(config, where)
    found = find_weights(file, model)
    text = file.attribute("", "training_config")
    training = None
    if text is not None:
        training = parse_json("".join(text), f"{where}, training_config", budget)
    settings = keras_compile.read_compile(training, where, len(model.ends[1]))
    parts = Parts(file, model, found, settings)
    if settings is not None and file.is_group("optimizer_weights"):
        names = attribute_list(file, "optimizer_weights", "weight_names")
        listed = [(name, file.dataset(f"optimizer_weights/{name}")) for name in names]
        parts.state = _optimizer_state(listed, parts, where)
    return parts


def _optimizer_state(listed: list[Any], parts: Parts, where: str) -> OptimizerState | None:
    """Return the optimizer's state; None, with a warning, if Keras wrote layers twice.

    A layer of two models is two in Keras's `.h5`, and one in the optimizer's state.
    """
    try:
        return OptimizerState(listed, parts, where)
    except FormatError:
        names = [layer.name for layer in parts.planned.leaves]
        if len(set(names)) == len(names):
            raise
        text = (
            f"{where}: loaded without its optimizer's state; it holds a layer of two models twice"
        )
        warnings.warn(text, NpcnnWarning, stacklevel=2)
        return None


def attribute_list(file: Hdf5File, path: str, name: str) -> list[str]:
    """Return a list of names; a long one is split over `name0`, `name1`, …"""
    whole = file.attribute(path, name)
    if whole is not None:
        return whole
    parts: list[str] = []
    for k in range(10_000):
        part = file.attribute(path, f"{name}{k}")
        if part is None:
            break
        parts.extend(part)
    return parts


def find_weights(file: Hdf5File, model: Model, skip: bool = False, by_name: bool = False) -> Found:
    """Return where each layer's parameters lie, matched by order or by name, all shapes checked.

    Keras 2's files of weights alone have no group `model_weights`; their root is it.
    """
    root = "model_weights" if file.is_group("model_weights") else ""
    listed = {name: attribute_list(file, f"{root}/{name}", "weight_names")
              for name in attribute_list(file, root, "layer_names")}  # fmt: skip
    saved = [name for name, weights in listed.items() if weights]
    every = [(layer, assembly.in_config(layer)) for layer in model.made_of()]
    own = [(layer, wanted) for layer, wanted in every if wanted]
    if by_name:
        own = [(layer, wanted) for layer, wanted in own if layer.name in saved]
        saved = [layer.name for layer, _ in own]
    if len(saved) != len(own):
        fix = "use the architecture it was saved from"
        raise file.error(f"weights of {len(own)} layers", str(len(saved)), fix)
    found: Found = {}
    for (layer, wanted), name in zip(own, saved, strict=True):
        paths = [f"{root}/{name}/{weight}" for weight in listed[name]]
        match(file, str(layer.name), wanted, paths, found, skip)
    return found
