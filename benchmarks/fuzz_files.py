"""Hostile and damaged model files: each must end in a model or in one npcnn error.

    python benchmarks/fuzz_files.py --count 20000 --format h5 recording --seed 1

Models, weights, checkpoints, recordings and configurations. Bits are flipped, numbers overwritten,
blocks cut, doubled, swapped, blanked and mixed, with checksums made right again; configurations are
rewritten; links, huge shapes and bombs are planted (spoil.py). Every file is loaded in this very
process: a crash ends it. What counts as a failure: any other exception, more than a second (twice,
as a busy machine may stall any process once), more than 100 MB above idle.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from spoil import BYTES, hostile_h5, hostile_json, hostile_npz, hostile_zip

import npcnn
from npcnn import callbacks, layers

LIMIT_SECONDS, LIMIT_MEGABYTES = 1.0, 100
FORMATS = ("h5", "keras", "weights", "checkpoint", "recording", "json")
EXTENSIONS = {"weights": ".weights.h5", "h5": ".h5", "recording": ".npz", "json": ".json"}
HOSTILE = {"recording": hostile_npz, "json": hostile_json, "keras": hostile_zip,
           "checkpoint": hostile_zip}  # fmt: skip
X = np.linspace(-1, 1, 6 * 6 * 6, dtype="float32").reshape(6, 6, 6, 1)
Y = np.eye(3, dtype="float32")[[0, 1, 2, 0, 1, 2]]


# The sound files that are spoilt -------------------------------------------------------------


def make_model(optimizer: str = "adam") -> npcnn.Sequential:
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
    model.fit(X, [Y, Y[:, :2]], verbose=0)
    return model


def fit(model: npcnn.Sequential, folder: Path, **more: Any) -> None:
    stop = callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True)
    saver = callbacks.ModelCheckpoint(folder / "saved.keras", save_freq=2)
    listed = [saver, stop, npcnn.Recorder(folder / "run.npz", every=1)]
    model.fit(X, Y, batch_size=2, epochs=2, verbose=0, callbacks=listed, **more)


def sound_files(kind: str, folder: Path) -> list[bytes]:
    """Return whole files of a format."""
    npcnn.set_random_seed(0)
    files = []
    for optimizer in ("adam", "sgd", ""):
        model = make_model(optimizer)
        if optimizer:
            fit(model, folder)
        path = folder / {"weights": "w.weights.h5", "h5": "m.h5"}.get(kind, "m.keras")
        if kind in ("checkpoint", "recording"):
            name = "saved.keras" if kind == "checkpoint" else "run.npz"
            files.append((folder / name).read_bytes())
            continue
        if kind == "json":
            files.append(model.to_json().encode())
            continue
        (model.save_weights if kind == "weights" else model.save)(path)
        files.append(path.read_bytes())
    if kind == "json":
        files.append(graph_model().to_json().encode())
    elif kind in ("h5", "keras"):
        graph_model().save(path)
        files.append(path.read_bytes())
    return files[:1] if kind in ("checkpoint", "recording") else files


# Loading and counting ------------------------------------------------------------------------


def load(kind: str, path: Path, folder: Path) -> None:
    """Do with a file what its format is for."""
    if kind == "weights":
        make_model("").load_weights(path)
    elif kind == "checkpoint":
        fit(make_model(), folder, resume_from=path)
    elif kind == "recording":
        run = npcnn.load_recording(path)
        str(run)
        for frame in range(len(run.frames())):
            run.weights(frame)
    elif kind == "json":
        npcnn.model_from_json(path.read_bytes())  # type: ignore[arg-type]
    else:
        npcnn.load_model(path)


class HangError(BaseException):
    """A load that did not end."""


def _hang(*_: Any) -> None:
    raise HangError


def attempt(kind: str, path: Path, folder: Path) -> tuple[str, float, str]:
    """Load a file; return what it ended in, the seconds, and what is wrong with that or ''."""
    note = ""
    start = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, 20)
    try:
        load(kind, path, folder)
        outcome = "model"
    except npcnn.NpcnnError as error:
        outcome = type(error).__name__
        if "\n" in str(error):
            note = f"more than one line: {error}"
    except (Exception, HangError) as error:
        outcome, note = "failure", f"{error!r}"[:300]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    seconds = time.perf_counter() - start
    if seconds > LIMIT_SECONDS:
        note = note or f"{seconds:.2f} s"
    return outcome, seconds, note


def run(kind: str, count: int, seed: int, report: Callable[[str], Any] = print) -> dict[str, Any]:
    """Load `count` spoilt files; return the counts, failures and the worst time and memory."""
    extension = EXTENSIONS.get(kind, ".keras")
    outcomes: collections.Counter[str] = collections.Counter()
    ways: collections.Counter[str] = collections.Counter()
    failures: list[str] = []
    slowest, again = 0.0, 0
    signal.signal(signal.SIGALRM, _hang)
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        sound = sound_files(kind, folder)
        hostile = HOSTILE.get(kind, hostile_h5)
        for data in sound:
            path = folder / f"sound{extension}"
            path.write_bytes(data)
            load(kind, path, folder)
        hostile(random.Random(0), sound[0], sound)  # loads h5py before idle is measured
        idle = _megabytes()
        for number in range(count):
            r = random.Random(f"{seed} {kind} {number}")
            way = r.choice((*BYTES, *[hostile] * 5))
            path = folder / f"spoilt{extension}"
            path.write_bytes(way(r, r.choice(sound), sound))
            outcome, seconds, note = attempt(kind, path, folder)
            if seconds > LIMIT_SECONDS:  # a busy machine may stall any process: look again
                again += 1
                outcome, seconds, note = attempt(kind, path, folder)
            if note:
                failures.append(f"{number} ({way.__name__}): {note}")
            slowest = max(slowest, seconds)
            outcomes[outcome] += 1
            ways[way.__name__] += 1
            if (number + 1) % 5000 == 0:
                report(f"{kind}: {number + 1} files, {len(failures)} failures")
    above = _megabytes() - idle
    if above > LIMIT_MEGABYTES:
        failures.append(f"{above:.0f} MB above idle")
    return {
        "format": kind, "seed": seed, "files": count, "outcomes": dict(outcomes),
        "ways": dict(ways), "failures": failures, "loaded twice": again,
        "slowest_s": round(slowest, 3), "peak_mb_above_idle": round(above, 1),
    }  # fmt: skip


def _megabytes() -> float:
    """Return the largest memory this process has had, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--format", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    results = Path(__file__).resolve().parent / "results" / "fuzz_files.json"
    kept = json.loads(results.read_text()) if results.exists() else {}
    for kind in arguments.format:
        kept[kind] = found = run(kind, arguments.count, arguments.seed)
        print(json.dumps(found, indent=1), flush=True)
        results.parent.mkdir(exist_ok=True)
        results.write_text(json.dumps(kept, indent=1) + "\n")
    sys.exit(any(kept[kind]["failures"] for kind in arguments.format))


if __name__ == "__main__":
    os.environ.setdefault("NPCNN_BACKEND", "numpy")
    main()
