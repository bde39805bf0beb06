"""The document's 25 epochs over several seeds: npcnn's final val_accuracy beside Keras's.

    python benchmarks/accuracy.py --contender npcnn --seeds 0 1 2 3 4 5 6 7 8 9 --data FOLDER
    python benchmarks/accuracy.py --contender keras --seeds 0 1 2 --data FOLDER

npcnn's seeds are a sweep, `--jobs` at a time. Each seed's curves are kept in
benchmarks/results/accuracy.json; a seed that is in the file is not run again, nor one of a sweep
that was interrupted, whose runs lie in benchmarks/results/accuracy-runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from common import RESULTS, machine, save
from networks import NETWORKS, keras_like

import npcnn

Seen = tuple[int, dict[str, list[float]], float]  # seed, curves, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contender", choices=("npcnn", "keras"), required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--data", help="folder with MNIST's IDX files")
    parser.add_argument("--jobs", type=int, default=1, help="npcnn's runs at a time")
    arguments = parser.parse_args()
    there = kept().get("runs", {})
    seeds = [seed for seed in arguments.seeds if name_of(arguments, seed) not in there]
    if not seeds:
        return
    for seed, history, seconds in TRAINED[arguments.contender](arguments, seeds):
        curves = {name: [round(v, 6) for v in values] for name, values in history.items()}
        result = kept() or {"machine": machine(2), "runs": {}}
        result["runs"][name_of(arguments, seed)] = {**curves, "seconds": round(seconds, 1)}
        result["summary"] = summary(result["runs"])
        save("accuracy", result)
        print(name_of(arguments, seed), curves["val_accuracy"][-1], result["summary"], flush=True)


def name_of(arguments: argparse.Namespace, seed: int) -> str:
    return f"{arguments.contender} seed {seed} epochs {arguments.epochs}"


def with_npcnn(arguments: argparse.Namespace, seeds: list[int]) -> Iterator[Seen]:
    """Yield seed, curves and seconds of each run."""
    table = npcnn.sweep(
        lambda: keras_like(npcnn, NETWORKS["document"]), data(arguments.data), [{}], seeds,
        arguments.jobs, folder=RESULTS / "accuracy-runs", verbose=2, epochs=arguments.epochs,
        batch_size=60,
    )  # fmt: skip
    yield from ((run.seed, run.history, run.seconds) for run in table.runs)


def with_keras(arguments: argparse.Namespace, seeds: list[int]) -> Iterator[Seen]:
    """Yield seed, curves and seconds of each run."""
    os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
    import keras

    (x, y), validation = data(arguments.data)
    for seed in seeds:
        start = time.perf_counter()
        keras.utils.set_random_seed(seed)
        model = keras_like(keras, NETWORKS["document"])
        history = model.fit(
            x, y, batch_size=60, epochs=arguments.epochs, verbose=0, validation_data=validation
        )
        curves = {name: [float(v) for v in values] for name, values in history.history.items()}
        yield seed, curves, time.perf_counter() - start


TRAINED = {"npcnn": with_npcnn, "keras": with_keras}


def data(folder: str | None) -> tuple[Any, Any]:
    """Return MNIST: what is learnt from, and what is evaluated."""
    (x, y), (x_test, y_test) = npcnn.datasets.load_mnist(folder)
    if len(x) != 60_000:
        raise SystemExit(f"accuracy.py: expected the whole MNIST, got {len(x)} images; name it")
    x, x_test = (images.reshape(-1, 28, 28, 1) for images in (x, x_test))
    y, y_test = (npcnn.utils.to_categorical(labels) for labels in (y, y_test))
    return (x, y), (x_test, y_test)


def kept() -> dict[str, Any]:
    """Return the results so far."""
    path = RESULTS / "accuracy.json"
    return json.loads(path.read_text()) if path.exists() else {}


def summary(runs: dict[str, Any]) -> dict[str, Any]:
    """Return mean and deviation of the last val_accuracy of each contender."""
    finals: dict[str, list[float]] = {}
    for key, run in runs.items():
        name = key.split(" seed ")[0] + ", epochs " + key.split(" epochs ")[1]
        finals.setdefault(name, []).append(run["val_accuracy"][-1])
    return {
        name: {
            "seeds": len(values),
            "mean": round(float(np.mean(values)), 6),
            "deviation": round(statistics.stdev(values), 6) if len(values) > 1 else None,
            "min": min(values),
            "max": max(values),
        }
        for name, values in finals.items()
    }


if __name__ == "__main__":
    main()
