"""What augmentation adds to a training step of the document's network.

    python benchmarks/augmentation.py --batch-size 60 --threads 2

Epochs without and with it in alternation. The share is the median, over rounds, of what an epoch
took more than the one without it in the same round.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np
from common import machine, others, save
from networks import NETWORKS, keras_like

WAYS: dict[str, dict[str, Any]] = {
    "without": {},
    "affine": {"rotation": 10, "scale": 0.1, "shear": 10, "shift": 2},
    "all": {"rotation": 10, "scale": 0.1, "shear": 10, "shift": 2, "elastic": 2, "cut_out": 0.1},
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=12_000)
    parser.add_argument("--batch-size", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    seconds = measure(arguments.samples, arguments.batch_size, arguments.threads, arguments.repeats)
    rounds = list(zip(*(seconds[name] for name in WAYS), strict=True))
    shares = {
        name: statistics.median(times[k] / times[0] - 1 for times in rounds)
        for k, name in enumerate(WAYS) if k
    }  # fmt: skip
    steps = -(-arguments.samples // arguments.batch_size)
    for name, times in seconds.items():
        more = f", {shares[name]:.1%} more" if name in shares else ""
        a, b, c = (
            value / steps * 1e6 for value in (statistics.median(times), min(times), max(times))
        )
        print(f"{name:8} {a:7.0f} µs a step ({b:.0f}–{c:.0f}){more}")
    result = {"machine": machine(arguments.threads), "seconds": seconds, "shares": shares}
    save("augmentation", result, others(parser, arguments, "threads", "repeats"))


def measure(samples: int, batch_size: int, threads: int, repeats: int) -> dict[str, list[float]]:
    """Return the seconds of epochs, by what was done to the pictures."""
    import npcnn
    from npcnn.datasets import Augmenter

    npcnn.set_num_threads(threads)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (samples, 28, 28, 1)).astype("uint8")
    y = npcnn.utils.to_categorical(rng.integers(0, 10, samples), 10)
    models, found = {}, {name: list[float]() for name in WAYS}
    for number in range(repeats + 1):  # the first is not counted: it compiles
        for name, moves in WAYS.items():
            if not number:
                npcnn.set_random_seed(0)
                models[name] = keras_like(npcnn, NETWORKS["document"])
                models[name].compile("adam", "categorical_crossentropy", metrics=["accuracy"])
            augmenter = Augmenter(**moves) if moves else None
            start = time.perf_counter()
            models[name].fit(x, y, batch_size, 1, 0, augmenter=augmenter)
            if number:
                found[name].append(round(time.perf_counter() - start, 4))
    return found


if __name__ == "__main__":
    main()
