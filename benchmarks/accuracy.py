"""The document's 25 epochs over several seeds: npcnn's final val_accuracy beside Keras's.

    python benchmarks/accuracy.py --contender npcnn --seeds 0 1 2 3 4 5 6 7 8 9 --data FOLDER
    python benchmarks/accuracy.py --contender keras --seeds 0 1 2 --data FOLDER

Each seed's curves are kept in benchmarks/results/accuracy.json as soon as they are there; a seed
that is in the file is not run again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from typing import Any

import numpy as np
from common import RESULTS, machine, save
from networks import NETWORKS, keras_like


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contender", choices=("npcnn", "keras"), required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--data", help="folder with MNIST's IDX files")
    arguments = parser.parse_args()
    for seed in arguments.seeds:
        key = f"{arguments.contender} seed {seed} epochs {arguments.epochs}"
        if key in kept().get("runs", {}):
            continue
        start = time.perf_counter()
        history = train(arguments.contender, seed, arguments.epochs, arguments.data)
        curves = {name: [round(v, 6) for v in values] for name, values in history.items()}
        result = kept() or {"machine": machine(2), "runs": {}}
        result["runs"][key] = {**curves, "seconds": round(time.perf_counter() - start, 1)}
        result["summary"] = summary(result["runs"])
        save("accuracy", result)
        print(key, curves["val_accuracy"][-1], result["summary"], flush=True)


def train(contender: str, seed: int, epochs: int, data: str | None) -> dict[str, list[float]]:
    """Return the curves of one run."""
    import npcnn

    keras: Any = npcnn
    if contender == "keras":
        os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
        import keras

    (x, y), (x_test, y_test) = npcnn.datasets.load_mnist(data)
    if len(x) != 60_000:
        raise SystemExit(f"accuracy.py: expected the whole MNIST, got {len(x)} images; name it")
    x, x_test = (images.reshape(-1, 28, 28, 1) for images in (x, x_test))
    y, y_test = (npcnn.utils.to_categorical(labels) for labels in (y, y_test))
    keras.utils.set_random_seed(seed)
    model = keras_like(keras, NETWORKS["document"])
    history = model.fit(
        x, y, batch_size=60, epochs=epochs, verbose=0, validation_data=(x_test, y_test)
    )
    return {name: [float(v) for v in values] for name, values in history.history.items()}


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
