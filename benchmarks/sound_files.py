"""The sound files that fuzz_files.py spoils, and what a program does with each kind."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import npcnn
from npcnn import callbacks, layers

FORMATS = ("h5", "keras", "weights", "checkpoint", "recording", "json", "onnx")
EXTENSIONS = {
    "weights": ".weights.h5", "h5": ".h5", "recording": ".npz", "json": ".json", "onnx": ".onnx",
}  # fmt: skip
X = np.linspace(-1, 1, 6 * 6 * 6, dtype="float32").reshape(6, 6, 6, 1)
Y = np.eye(3, dtype="float32")[[0, 1, 2, 0, 1, 2]]


class Sound(NamedTuple):
    """A whole file, and what reads one that was made of it."""

    data: bytes
    read: Callable[[Path], Any]


class KeptError(AssertionError):
    """A file that was refused has changed a model."""


# Models ---------------------------------------------------------------------------------------


def row_model(optimizer: str = "adam") -> npcnn.Sequential:
    stack = [
        layers.Input((6, 6, 1)),
        layers.Conv2D(2, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ]
    model = npcnn.Sequential(stack)
    if optimizer:
        model.compile(optimizer, "categorical_crossentropy", ["accuracy"])
    return model


def graph_model() -> npcnn.Model:
    """Return a model with all that files say of graphs: branches, models within, shared layers."""
    x = layers.Input((6, 6, 1))
    one = layers.Conv2D(2, 3, padding="same", kernel_regularizer="l2")(x)
    both = layers.Concatenate()([layers.Add()([one, layers.BatchNormalization()(one)]), x])
    within = npcnn.Sequential([layers.Input((6, 6, 3)), layers.Flatten(), layers.Dense(3)])
    shared = layers.Dense(3, activation="relu", kernel_constraint="unit_norm")
    ends = [
        layers.Dense(3, "softmax")(shared(shared(within(both)))),
        layers.Dense(2)(shared(within(both))),
    ]
    model = npcnn.Model(x, ends)
    rate = npcnn.optimizers.schedules.CosineDecay(0.01, 100)
    losses = ["categorical_crossentropy", "mse"]
    model.compile(
        npcnn.optimizers.Adam(rate, clipnorm=1.0, use_ema=True), losses, [1.0, 0.5],
        [["accuracy"], ["mae"]],
    )  # fmt: skip
    return model


# What layers must be told.
NEEDED = {
    "filters": 2, "kernel_size": 3, "units": 3, "rate": 0.5, "activation": "relu", "height": 3,
    "width": 3, "factor": 0.1, "height_factor": 0.1, "width_factor": 0.1, "scale": 0.5, "n": 2,
    "dims": (2, 1, 3), "target_shape": (-1,), "stddev": 0.1, "output_size": 2, "axes": 1,
    "layer": layers.Dense(2),
}  # fmt: skip


# And what is given where the usual does not suit these pictures.
GIVEN: dict[str, dict[str, Any]] = {
    "GroupNormalization": {"groups": 1}, "Normalization": {"mean": 0.0, "variance": 1.0},
}  # fmt: skip


def wide_model() -> npcnn.Model:
    """Return a model with a layer of every class, one beside the other."""
    x = layers.Input((6, 6, 1))
    ends = []
    for name, kind in layers.known().items():
        if name == "Lambda":  # whose function no file holds
            continue
        given: Any = layers.Flatten()(x) if kind is layers.RepeatVector else x
        needed = [
            p.name for p in inspect.signature(kind).parameters.values()
            if p.default is p.empty and p.kind is not p.VAR_KEYWORD
        ]  # fmt: skip
        made = kind(**{name: NEEDED[name] for name in needed}, **GIVEN.get(name, {}))
        ends.append(layers.Flatten()(made([given, given] if kind.merges else given)))
    model = npcnn.Model(x, layers.Dense(3, "softmax")(layers.Concatenate()(ends)))
    model.compile("rmsprop", "categorical_crossentropy")
    return model


def targets(model: Any) -> Any:
    """Return what a model learns."""
    return Y if len(model.outputs) == 1 else [Y, Y[:, :2]]


def fit(model: Any, folder: Path, **more: Any) -> None:
    stop = callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True)
    saver = callbacks.ModelCheckpoint(folder / "saved.keras", save_freq=2)
    listed = [saver, stop, npcnn.Recorder(folder / "run.npz", every=1)]
    y = targets(model)
    model.fit(X, y, batch_size=2, epochs=2, verbose=0, callbacks=listed, **more)


# Files of each kind ---------------------------------------------------------------------------


def sound_files(kind: str, folder: Path) -> list[Sound]:
    """Return whole files of a format, each with what reads it."""
    npcnn.set_random_seed(0)
    makers: list[Callable[[], Any]] = [row_model, graph_model]
    if kind in ("checkpoint", "recording"):
        return [_of_a_run(kind, make, folder) for make in makers]
    if kind == "weights":
        return [_weights(make(), folder) for make in [*makers, wide_model]]
    models = [row_model(), row_model("sgd"), row_model(""), graph_model(), wide_model()]
    models = models[2:4] if kind == "onnx" else models  # which has not every layer
    for model in models:
        if model.compiled:
            model.fit(X, targets(model), verbose=0)
    if kind == "json":
        return [Sound(model.to_json().encode(), _read_json) for model in models]
    path, read = folder / f"m{EXTENSIONS.get(kind, '.keras')}", npcnn.load_model
    if kind == "onnx":
        from npcnn.onnx import load_onnx as read
    found = []
    for model in models:
        (model.export if kind == "onnx" else model.save)(path)
        found.append(Sound(path.read_bytes(), read))
    return found


def _read_json(path: Path) -> None:
    npcnn.model_from_json(path.read_bytes())  # type: ignore[arg-type]


def _of_a_run(kind: str, make: Callable[[], Any], folder: Path) -> Sound:
    fit(make(), folder)
    if kind == "recording":
        return Sound((folder / "run.npz").read_bytes(), _read_recording)
    data = (folder / "saved.keras").read_bytes()
    return Sound(data, lambda path: fit(make(), folder, resume_from=path))


def _read_recording(path: Path) -> None:
    run = npcnn.load_recording(path)
    str(run)
    for frame in range(len(run.frames())):
        run.weights(frame)


def _weights(model: Any, folder: Path) -> Sound:
    path = folder / "w.weights.h5"
    model.save_weights(path)
    start = model.get_weights()

    def read(path: Path) -> None:
        try:
            model.load_weights(path)
        except npcnn.NpcnnError:
            for one, other in zip(model.get_weights(), start, strict=True):
                if one.tobytes() != other.tobytes():
                    raise KeptError("it was refused, and has changed weights") from None
            raise
        model.set_weights(start)

    return Sound(path.read_bytes(), read)
