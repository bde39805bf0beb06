"""Seconds from the start of a process to a network that is right about 99 % of MNIST's test set.

    python benchmarks/time_to_99.py --data FOLDER                # ten seeds, npcnn and PyTorch
    python benchmarks/time_to_99.py --held-out --contenders npcnn --seeds 0

Both train the same recipe with the same numbers: network, initial weights' distribution, batch
size, epochs, optimizer and rates. Each seed is a process of its own, contenders in alternation; the
clock runs from before it is started until the network has learnt. What it is right about is asked
after that. Compiled kernels are in the cache: one run for nobody's clock comes first. PyTorch gets
channels last and a fused Adam. `--held-out` is for choosing: it learns from the first 50,000
pictures and asks the last 10,000 of the training set; each choice is written down.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import RESULTS, installed, machine, others, save

MEAN, SPREAD = 0.1307 * 255, 0.3081 * 255  # of MNIST's training pixels
RECIPE: dict[str, Any] = {
    "filters": [20, 40], "units": 64, "epochs": 2, "batch_size": 100, "rate": 0.006, "warmup": 0.25
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--contenders", nargs="+", default=["npcnn", "torch"])
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=JSON", help="to choose")
    parser.add_argument("--held-out", action="store_true", help="no look at the test set")
    parser.add_argument("--data", default=os.environ.get("NPCNN_DATA"), help="folder with MNIST")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(learn(**json.loads(arguments.child))))
        return
    given = dict(setting.split("=", 1) for setting in arguments.set)
    recipe = {**RECIPE, **{name: json.loads(value) for name, value in given.items()}}
    if recipe != RECIPE and not arguments.held_out:
        raise SystemExit("time_to_99.py: another recipe is only for --held-out")
    names = installed(arguments.contenders)
    found = {name: {"seconds": [], "accuracy": []} for name in names}
    for name in names:
        run(name, 0, {**recipe, "epochs": 1}, arguments)  # compiles, and warms the files' cache
    for seed in arguments.seeds:
        for name in names:
            seconds, accuracy = run(name, seed, recipe, arguments)
            found[name]["seconds"].append(seconds)
            found[name]["accuracy"].append(accuracy)
            print(f"{name}, seed {seed}: {accuracy:.2%} after {seconds:.2f} s", flush=True)
    result: dict[str, Any] = {"machine": machine(arguments.threads), "recipe": recipe}
    for name, lists in found.items():
        mean, median = statistics.fmean(lists["accuracy"]), statistics.median(lists["seconds"])
        result[name] = {**lists, "mean": mean, "median": median}
        print(f"{name}: mean {mean:.3%}, median of {median:.2f} s")
    if arguments.held_out:
        with (RESULTS / "time_to_99_choices.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
    else:
        save("time_to_99", result, others(parser, arguments, "threads", "data", "child"))


def run(
    name: str, seed: int, recipe: dict[str, Any], arguments: argparse.Namespace
) -> tuple[float, float]:
    """Return a process's seconds until it has learnt, and what share it is right about."""
    task = {
        "name": name, "seed": seed, "recipe": recipe, "threads": arguments.threads,
        "held_out": arguments.held_out, "data": arguments.data,
    }  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": str(arguments.threads)}
    command = [sys.executable, str(Path(__file__).resolve()), "--child", json.dumps(task)]
    start = time.time()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["learnt"] - start, answer["accuracy"]


def learn(
    name: str, seed: int, recipe: dict[str, Any], threads: int, held_out: bool, data: str
) -> dict[str, float]:
    """Train, and say when that was done; the parent knows when it began."""
    from npcnn.datasets import load_mnist

    (x, y), test = load_mnist(data)
    if held_out:
        x, y, test = x[:-10_000], y[:-10_000], (x[-10_000:], y[-10_000:])
    trainer = by_npcnn if name == "npcnn" else by_torch
    predict = trainer(seed, recipe, threads, x, y)
    learnt = time.time()
    return {"learnt": learnt, "accuracy": float((predict(test[0]) == test[1]).mean())}


def by_npcnn(seed: int, recipe: dict[str, Any], threads: int, x: Any, y: Any) -> Any:
    """Train with npcnn; return what answers pictures."""
    import npcnn
    from npcnn import layers, optimizers

    npcnn.set_num_threads(threads)
    npcnn.set_random_seed(seed)
    found: list[Any] = [layers.Rescaling(1 / SPREAD, -MEAN / SPREAD, input_shape=(28, 28, 1))]
    for filters in recipe["filters"]:
        found += [
            layers.Conv2D(filters, 3, padding="same", use_bias=False,
                          kernel_initializer="he_normal"),
            layers.MaxPooling2D(), layers.BatchNormalization(momentum=0.9, epsilon=1e-5),
            layers.ReLU(),
        ]  # fmt: skip
    model = npcnn.Sequential([
        *found, layers.Flatten(),
        layers.Dense(recipe["units"], "relu", kernel_initializer="he_normal"),
        layers.Dense(10, "softmax"),
    ])  # fmt: skip
    steps = recipe["epochs"] * (len(x) // recipe["batch_size"])
    schedule = optimizers.schedules.OneCycle(recipe["rate"], steps, recipe["warmup"])
    model.compile(optimizers.Adam(schedule), "sparse_categorical_crossentropy")
    model.fit(x[..., np.newaxis], y, recipe["batch_size"], recipe["epochs"], 0)
    return lambda images: model.predict(images[..., np.newaxis], 500, 0).argmax(axis=1)


def by_torch(seed: int, recipe: dict[str, Any], threads: int, x: Any, y: Any) -> Any:
    """Train the same with PyTorch; return what answers pictures."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    layout = torch.channels_last
    found: list[Any] = []
    channels = 1
    for filters in recipe["filters"]:
        conv = nn.Conv2d(channels, filters, 3, padding=1, bias=False)
        found += [conv, nn.MaxPool2d(2), nn.BatchNorm2d(filters), nn.ReLU()]
        channels = filters
    side = 28 >> len(recipe["filters"])
    hidden = nn.Linear(channels * side * side, recipe["units"])
    model = nn.Sequential(*found, nn.Flatten(), hidden, nn.ReLU(), nn.Linear(recipe["units"], 10))
    for module in model:
        if isinstance(module, nn.Conv2d) or module is hidden:
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
    model = model.to(memory_format=layout)
    pixels = torch.from_numpy(x.astype(np.float32)).unsqueeze(1).sub_(MEAN).div_(SPREAD)
    pixels, labels = pixels.contiguous(memory_format=layout), torch.from_numpy(y.astype(np.int64))
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe["rate"], eps=1e-7, fused=True)
    size, steps = recipe["batch_size"], recipe["epochs"] * (len(x) // recipe["batch_size"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe["rate"], total_steps=steps + 1, pct_start=recipe["warmup"],
        cycle_momentum=False,
    )  # fmt: skip
    loss_of = nn.CrossEntropyLoss()
    for _ in range(recipe["epochs"]):
        order = torch.randperm(len(pixels))
        for numbers in order.split(size):
            if len(numbers) < size:
                break
            optimizer.zero_grad(set_to_none=True)
            loss_of(model(pixels[numbers]), labels[numbers]).backward()
            optimizer.step()
            schedule.step()

    def answer(images: Any) -> Any:
        model.eval()
        with torch.no_grad():
            given = torch.from_numpy(images.astype(np.float32)).unsqueeze(1).sub(MEAN).div(SPREAD)
            return model(given.contiguous(memory_format=layout)).argmax(dim=1).numpy()

    return answer


if __name__ == "__main__":
    main()
