"""Hostile and damaged model files: each must end in a model or in one npcnn error.

    python benchmarks/fuzz_files.py --count 20000 --format h5 keras checkpoint --seed 1

Bits are flipped, numbers overwritten, files cut, spliced and mixed; configurations are rewritten;
links, huge shapes and bombs are planted. Every file is loaded in this very process: a crash ends
it. What counts as a failure: any other exception, more than a second (twice, as a busy machine may
stall any process once), more than 300 MB above idle.
"""

from __future__ import annotations

import argparse
import collections
import copy
import io
import json
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import npcnn
from npcnn import callbacks, layers

LIMIT_SECONDS, LIMIT_MEGABYTES = 1.0, 300
FORMATS = ("h5", "keras", "weights", "checkpoint")
NUMBERS = (0, 1, 2, 7, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)
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


def fit(model: npcnn.Sequential, folder: Path, **more: Any) -> None:
    stop = callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True)
    saver = callbacks.ModelCheckpoint(folder / "saved.keras", save_freq=2)
    listed = [saver, stop]
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
        if kind == "checkpoint":
            files.append((folder / "saved.keras").read_bytes())
            continue
        (model.save_weights if kind == "weights" else model.save)(path)
        files.append(path.read_bytes())
    return files[:1] if kind == "checkpoint" else files


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


BYTES = (flip, overwrite, truncate, splice, drop)


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
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
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
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(stream, "w", method) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    spoilt = bytearray(stream.getvalue())
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


# Loading and counting ------------------------------------------------------------------------


def load(kind: str, path: Path, folder: Path) -> None:
    """Do with a file what its format is for."""
    if kind == "weights":
        make_model("").load_weights(path)
    elif kind == "checkpoint":
        fit(make_model(), folder, resume_from=path)
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
    extension = {"weights": ".weights.h5", "h5": ".h5"}.get(kind, ".keras")
    outcomes: collections.Counter[str] = collections.Counter()
    ways: collections.Counter[str] = collections.Counter()
    failures: list[str] = []
    slowest, again = 0.0, 0
    signal.signal(signal.SIGALRM, _hang)
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        sound = sound_files(kind, folder)
        hostile = hostile_zip if sound[0][:2] == b"PK" else hostile_h5
        for data in sound:
            path = folder / f"sound{extension}"
            path.write_bytes(data)
            load(kind, path, folder)
        hostile(random.Random(0), sound[0], sound)  # loads h5py before idle is measured
        idle = _megabytes()
        for number in range(count):
            r = random.Random(f"{seed} {kind} {number}")
            way = r.choice((*BYTES, *[hostile] * 4))
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
