"""Keras's `.h5`: a whole model in one HDF5 file, as Keras 3 writes it; Keras 2's is read too."""

from __future__ import annotations

import json
import re
from typing import IO, Any

import numpy as np

from npcnn import optimizers
from npcnn.checks import FormatError, message
from npcnn.layers.base import Layer
from npcnn.model import Sequential
from npcnn.saving import keras_compile, keras_config, run_state, variables
from npcnn.saving.hdf5_safe import Dataset, Hdf5File
from npcnn.saving.safe_json import parse_json

KERAS_VERSION = "3.8.0"  # whose form the files have
_STEPS = ("iteration", "iterations", "iter")
_KINDS = {"m": "m", "momentum": "m", "momentums": "m", "v": "v", "velocity": "v"}
Shapes = list[tuple[Layer, list[tuple[str, tuple[int, ...]]]]]


# Writing --------------------------------------------------------------------------------------


def write_model(model: Sequential, stream: IO[bytes], run: run_state.State | None = None) -> None:
    """Write a built model, compile settings and optimizer included if it is compiled."""
    import h5py

    with h5py.File(stream, "w") as file:
        file.attrs["keras_version"] = KERAS_VERSION
        file.attrs["backend"] = "numpy"
        config = keras_config.model_config(model, full=False)
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config})
        if model.compiled:
            file.attrs["training_config"] = json.dumps(keras_compile.training_config(model))
        _write_weights(model, file.create_group("model_weights"))
        if model.compiled:
            _write_optimizer(model, file.create_group("optimizer_weights"))
        if run is not None:
            run_state.write(run, file)


def _write_weights(model: Sequential, group: Any) -> None:
    group.attrs["layer_names"] = [layer.name for layer in model.layers]
    group.attrs["backend"] = "numpy"
    group.attrs["keras_version"] = KERAS_VERSION
    for layer in model.layers:
        inner = group.create_group(layer.name)
        values = {f"{model.name}/{layer.name}/{name}": v for name, v, _ in layer.parameters()}
        inner.attrs["weight_names"] = list(values)
        for name, value in values.items():
            inner[name] = value
    if "top_level_model_weights" not in group:
        group.create_group("top_level_model_weights").attrs["weight_names"] = []


def _write_optimizer(model: Sequential, group: Any) -> None:
    name = model.optimizer.name
    values = {f"{name}/{key}": value for key, value in variables.optimizer_variables(model)}
    group.attrs["weight_names"] = list(values)
    for key, value in values.items():
        group[key] = value


# Reading --------------------------------------------------------------------------------------


def read_model(stream: IO[bytes], where: str) -> Sequential:
    """Return the model in a `.h5` file, compiled if the file says how.

    Raises:
        FormatError: the file is damaged, or holds what npcnn has nothing for.
    """
    file = Hdf5File(stream, where)
    text = file.attribute("", "model_config")
    if text is None or not file.is_group("model_weights"):
        fix = "load_weights() reads files of weights alone"
        raise FormatError(message(where, "a whole model", "no model_config in it", fix))
    config = parse_json("".join(text), f"{where}, model_config")
    arguments, made = keras_config.read_architecture(config, where)
    shapes = list(keras_config.parameter_shapes(made, where))
    found = find_weights(file, "model_weights", shapes)
    text = file.attribute("", "training_config")
    training = None if text is None else parse_json("".join(text), f"{where}, training_config")
    settings = keras_compile.read_compile(training, where)
    state: OptimizerState | None = None
    if settings is not None and file.is_group("optimizer_weights"):
        names = attribute_list(file, "optimizer_weights", "weight_names")
        listed = [(name, file.dataset(f"optimizer_weights/{name}")) for name in names]
        trainable = arguments["trainable"]
        wanted = [s for layer, own in shapes if layer.trainable and trainable for _, s in own]
        state = OptimizerState(listed, wanted, settings["optimizer"], where)
    model = keras_config.assemble(arguments, made, read_all(found), where)
    if settings is not None:
        model.compile(**settings)
    if state is not None:
        state.apply(model)
    return model


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


def find_weights(file: Hdf5File, root: str, shapes: Shapes) -> dict[int, dict[str, Dataset]]:
    """Return id of a layer → parameter → its dataset, matched by order, all shapes checked."""
    listed = {name: attribute_list(file, f"{root}/{name}", "weight_names")
              for name in attribute_list(file, root, "layer_names")}  # fmt: skip
    saved = [name for name, weights in listed.items() if weights]
    own = [(layer, wanted) for layer, wanted in shapes if wanted]
    if len(saved) != len(own):
        fix = "use the architecture it was saved from"
        raise file.error(f"weights of {len(own)} layers", str(len(saved)), fix)
    found: dict[int, dict[str, Dataset]] = {}
    for (layer, wanted), name in zip(own, saved, strict=True):
        paths = [f"{root}/{name}/{weight}" for weight in listed[name]]
        found[id(layer)] = match(file, layer, wanted, paths)
    return found


def match(
    file: Hdf5File, layer: Layer, wanted: list[tuple[str, tuple[int, ...]]], paths: list[str]
) -> dict[str, Dataset]:
    """Return a layer's datasets by parameter, or raise FormatError if one does not fit."""
    fix = "use the architecture it was saved from"
    if len(paths) != len(wanted):
        expected = f"{len(wanted)} weights for layer {layer.name!r}"
        raise file.error(expected, str(len(paths)), fix)
    result = {}
    for (name, shape), path in zip(wanted, paths, strict=True):
        dataset = file.dataset(path)
        if dataset.shape != shape or dataset.dtype.kind != "f":
            expected = f"{name} of layer {layer.name!r} as floats of shape {shape}"
            raise file.error(expected, f"{dataset.dtype} {dataset.shape}", fix)
        result[name] = dataset
    return result


def read_all(found: dict[int, dict[str, Dataset]]) -> dict[int, dict[str, np.ndarray]]:
    """Read the values of all datasets."""
    return {key: {name: d.read() for name, d in own.items()} for key, own in found.items()}


class OptimizerState:
    """Iteration, learning rate and slots of a file, sorted out and checked; `apply` reads them.

    Keras 3 writes momentum and velocity in turns, older tf.keras first all m and then all v: the
    names tell, and where they do not, the order of Keras 3 is tried first.

    Args:
        listed: (name, dataset) in the file's order.
        wanted: shapes of the trainable parameters.
        optimizer: as the file's configuration has it.
        where: the file, for messages.
    """

    def __init__(
        self, listed: list[tuple[str, Dataset]], wanted: list[tuple[int, ...]],
        optimizer: optimizers.Optimizer, where: str,
    ) -> None:  # fmt: skip
        self.where = where
        self.steps: Dataset | None = None
        self.rate: Dataset | None = None
        rest: list[tuple[str, Dataset]] = []
        for place, (name, dataset) in enumerate(listed):
            last = re.sub(r":\d+$", "", name).split("/")[-1]
            if dataset.shape == () and (last in _STEPS or place == 0) and self.steps is None:
                self.steps = dataset
            elif dataset.shape == () and (last == "learning_rate" or place == 1):
                self.rate = dataset
            elif last not in ("decay", "learning_rate", "lr"):
                rest.append((name, dataset))
        self.slots = self._sort(rest, wanted, variables.kept_slots(optimizer), optimizer)

    def _sort(
        self, rest: list[tuple[str, Dataset]], wanted: list[tuple[int, ...]],
        names: tuple[str, ...], optimizer: optimizers.Optimizer,
    ) -> dict[str, list[Dataset]]:  # fmt: skip
        """Return slot → its datasets in the parameters' order; {} if the file has none yet."""
        n = len(wanted)
        if len(rest) == 3 * n and all(d.shape in ((), (1,)) for _, d in rest[2 * n :]):
            rest = rest[: 2 * n]  # Keras 2's place for amsgrad, unused
        if not rest or not names:
            return {}
        kinds: dict[str, list[Dataset]] = {"m": [], "v": []}
        for name, dataset in rest:
            kinds[_kind(name)].append(dataset)
        every = [dataset for _, dataset in rest]
        k = len(names)
        tries = [list(kinds.values())[:k], [every[i::k] for i in range(k)]]
        tries.append([every[i * n : (i + 1) * n] for i in range(k)])
        for slots in tries:
            if len(every) == k * n and all([d.shape for d in own] == wanted for own in slots):
                if any(d.dtype.kind != "f" for d in every):
                    break
                return dict(zip(names, slots, strict=True))
        expected = f"{k} slots of {type(optimizer).__name__} for each of {n} parameters"
        got = f"{len(every)} arrays that do not fit"
        fix = "the file is damaged; load_weights() takes its weights alone"
        raise FormatError(message(self.where, expected, got, fix))

    def apply(self, model: Sequential) -> None:
        """Read the values into the model's optimizer."""
        optimizer = model.optimizer
        values = {slot: [d.read() for d in own] for slot, own in self.slots.items()}
        if self.steps is not None:
            optimizer.iterations = max(0, int(_number(self.steps, self.where)))
        if self.rate is not None:
            rate = _number(self.rate, self.where)
            if np.float32(optimizer.learning_rate) != np.float32(rate):
                if not 0 <= rate < np.inf:
                    fix = "the file is damaged"
                    raise FormatError(message(self.where, "a learning rate ≥ 0", str(rate), fix))
                optimizer.learning_rate = keras_compile.shortest(rate)
        variables.set_slots(model, values)


def _kind(name: str) -> str:
    """Return 'm' or 'v' for the name of a slot; an unknown one counts as 'm'."""
    parts = re.sub(r":\d+$", "", name).split("/")
    for part in (parts[-1], parts[-1].split("_")[-1], *parts[1:2]):
        if part in _KINDS:
            return _KINDS[part]
    return "m"


def _number(dataset: Dataset, where: str) -> float:
    value = float(dataset.read())
    if not np.isfinite(value):
        fix = "the file is damaged"
        raise FormatError(message(where, f"a finite {dataset.path}", str(value), fix))
    return value
