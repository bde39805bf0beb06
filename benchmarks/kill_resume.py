"""End training runs by a signal at random moments, resume them, compare every bit at the end.

    python benchmarks/kill_resume.py --kills 200 --seed 1 --backend numpy
    python benchmarks/kill_resume.py --kills 250 --signal SIGINT     # SIGKILL otherwise

A run trains a small network with dropout, validation and early stopping, and saves every third
step. Each is ended at a random moment after its first step, its checkpoint is read, and a new
process goes on from it (from the start, if it was killed before the first save). The sha256 of
weights and history must be that of a run that nobody killed; odd runs resume with another number
of threads. Counts are printed and kept in benchmarks/results/kill_resume.json.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

EVERY, EPOCHS = 3, 6


def child(path: Path, threads: int) -> None:
    """Train, from the checkpoint on if there is one; print each step, and the hash at the end."""
    import numpy as np

    import npcnn
    from npcnn import callbacks, layers

    npcnn.set_num_threads(threads)
    r = np.random.default_rng(0)
    x, y = r.random((90, 10, 10, 1), "float32"), np.eye(4, dtype="float32")[r.integers(0, 4, 90)]
    npcnn.set_random_seed(3)
    stack = [
        layers.Input((10, 10, 1)),
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Dropout(0.3),
        layers.Flatten(),
        layers.Dense(16, activation="relu"),
        layers.Dense(4, activation="softmax"),
    ]
    model = npcnn.Sequential(stack)
    model.compile("adam", "categorical_crossentropy", ["accuracy"])

    def tell(batch: int, logs: Any = None) -> None:
        print("step", model.optimizer.iterations + 1, flush=True)
        time.sleep(0.002)

    listed = [
        callbacks.ModelCheckpoint(path, save_freq=EVERY),
        callbacks.EarlyStopping("val_loss", patience=50, restore_best_weights=True),
        callbacks.LambdaCallback(on_train_batch_begin=tell),
    ]
    history = model.fit(
        x, y, batch_size=8, epochs=EPOCHS, verbose=0, validation_split=0.2, callbacks=listed,
        resume_from=path if path.exists() else None,
    )  # fmt: skip
    found = hashlib.sha256(json.dumps(history.history).encode())
    for array in model.get_weights():
        found.update(array.tobytes())
    print("done", found.hexdigest(), flush=True)


def start(path: Path, backend: str, threads: int) -> subprocess.Popen[str]:
    """Start a run in a process of its own."""
    root = str(Path(__file__).resolve().parent.parent)
    more = {"NPCNN_BACKEND": backend, "OMP_NUM_THREADS": "1"}
    environment = {**os.environ, **more, "PYTHONPATH": root}
    command = [sys.executable, __file__, "--child", str(path), "--threads", str(threads)]
    # Ctrl-C is heard also where it was ignored by what started this, a shell's & for one.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        preexec_fn=heard,
    )  # fmt: skip


def finish(path: Path, backend: str, threads: int = 1) -> tuple[str, float]:
    """Let a run end; return its hash and the seconds from its first step to its end."""
    began, last = 0.0, ""
    with start(path, backend, threads) as process:
        for line in process.stdout or ():
            began = began or time.perf_counter()
            last = line
    return last.split()[-1] if last.startswith("done") else "died", time.perf_counter() - began


def kill_one(path: Path, backend: str, moment: float, by: str = "SIGKILL") -> tuple[int, bool]:
    """End a run some seconds after its first step; return (steps it had begun, whether ended)."""
    with start(path, backend, 1) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        time.sleep(moment)
        process.send_signal(signal.Signals[by])
        lines = [line, *process.stdout]
    steps = [int(text.split()[1]) for text in lines if text.startswith("step") and text[-1] == "\n"]
    return max(steps, default=0), not any(text.startswith("done") for text in lines)


def run(kills: int, seed: int, backend: str, by: str = "SIGKILL") -> dict[str, Any]:
    """Kill and resume; return the counts."""
    import npcnn

    r = random.Random(seed)
    counts = {"killed": 0, "before the first save": 0, "in the middle of a save": 0,
              "checkpoints lost": 0, "temporaries left after resuming": 0,
              "resumed to the same bits": 0, "other bits": 0}  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        finish(Path(name) / "warm.keras", backend)  # compiles what is compiled once
        expected, seconds = finish(Path(name) / "whole.keras", backend)
        if expected == "died":
            raise SystemExit("the run does not end even if nobody kills it")
        while counts["killed"] < kills:
            folder = Path(name) / f"run{counts['killed']}"
            folder.mkdir(exist_ok=True)
            path = folder / "run.keras"
            path.unlink(missing_ok=True)
            steps, killed = kill_one(path, backend, r.uniform(0, seconds), by)
            if not killed:
                continue
            counts["killed"] += 1
            counts["in the middle of a save"] += bool(list(folder.glob(".*.part")))
            saved = path.exists()
            if saved:
                reached = npcnn.load_model(path).optimizer.iterations
                # A step that was begun says that all before it, and their saves, were done.
                counts["checkpoints lost"] += reached < (steps - 1) // EVERY * EVERY
            else:
                counts["checkpoints lost" if steps > EVERY else "before the first save"] += 1
            found, _ = finish(path, backend, 1 + counts["killed"] % 2)
            counts["resumed to the same bits" if found == expected else "other bits"] += 1
            left = saved and any(folder.glob(".*.part"))
            counts["temporaries left after resuming"] += left
    return {"backend": backend, "signal": by, "seed": seed, "save every": EVERY, "sha256": expected,
            "seconds of a run": round(seconds, 2), **counts}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backend", choices=("numpy", "numba"), default="numpy")
    parser.add_argument("--signal", choices=("SIGKILL", "SIGTERM", "SIGINT"), default="SIGKILL")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.threads)
        return
    found = run(arguments.kills, arguments.seed, arguments.backend, arguments.signal)
    print(json.dumps(found, indent=1))
    results = Path(__file__).resolve().parent / "results" / "kill_resume.json"
    kept = json.loads(results.read_text()) if results.exists() else {}
    by = "" if arguments.signal == "SIGKILL" else f" {arguments.signal}"
    kept[arguments.backend + by] = found
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(kept, indent=1) + "\n")
    bad = ("other bits", "checkpoints lost", "temporaries left after resuming")
    sys.exit(any(found[key] for key in bad))


if __name__ == "__main__":
    main()
