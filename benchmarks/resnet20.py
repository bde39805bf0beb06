"""A training step of ResNet-20 on 32×32 pictures, npcnn beside PyTorch, in alternation.

    python benchmarks/resnet20.py

The network is that of Keras's `cifar10_resnet`: three stages of three blocks with 16, 32 and 64
filters, 1×1 shortcuts at stride 2, batch normalization behind each 3×3 convolution; SGD with
momentum 0.9. PyTorch runs eagerly with channels_last and its fused optimizer. Each contender has a
process of its own, which is started several times, in turn; what is told is the median of their
medians, and the smallest and largest. Where npcnn's time goes is asked op by op, in a further step
of its own. Source: He et al., "Deep Residual Learning for Image Recognition", 2016.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from common import installed, machine, others, save, spread
from contenders import typical

CLASSES, STAGES, BLOCKS, SIZE = 10, (16, 32, 64), 3, 32
RATE, MOMENTUM = 0.01, 0.9
# Batch normalization, pooling and the residual sums: they are to take a quarter of a step at most.
SIDE = ("batch_normalization", "global_average_pooling2d", "add")


def resnet20() -> Any:
    """Return npcnn's network, compiled."""
    import npcnn
    from npcnn import layers

    def normal(z: Any, filters: int, stride: int = 1) -> Any:
        return layers.BatchNormalization()(layers.Conv2D(filters, 3, stride, "same")(z))

    x = layers.Input((SIZE, SIZE, 3))
    z = layers.ReLU()(normal(x, STAGES[0]))
    for stage, filters in enumerate(STAGES):
        for block in range(BLOCKS):
            stride = 2 if stage and not block else 1
            y = normal(layers.ReLU()(normal(z, filters, stride)), filters)
            short = layers.Conv2D(filters, 1, stride, "same")(z) if stride > 1 else z
            z = layers.ReLU()(layers.Add()([y, short]))
    pooled = layers.GlobalAveragePooling2D()(z)
    model = npcnn.Model(x, layers.Dense(CLASSES, activation="softmax")(pooled))
    model.compile(npcnn.optimizers.SGD(RATE, MOMENTUM), "sparse_categorical_crossentropy")
    return model


def pictures(batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random pictures and labels."""
    random = np.random.default_rng(0)
    x = random.standard_normal((batch, SIZE, SIZE, 3)).astype("float32")
    return x, random.integers(0, CLASSES, batch)


def npcnn_step(batch: int, threads: int) -> tuple[Callable[[], Any], Any]:
    """Return a function that takes one step, and the model."""
    import npcnn

    npcnn.set_num_threads(threads)
    npcnn.set_random_seed(0)
    model, (x, labels) = resnet20(), pictures(batch)
    return lambda: model.train_on_batch(x, labels), model


def shares(model: Any, batch: int) -> dict[str, float]:
    """Return op → its share of an eager step's time, gradients with the op: medians of nine."""
    from npcnn import contracts

    runs: list[dict[str, float]] = []
    x, labels = pictures(batch)
    model.compile(model.optimizer, model.loss, run_eagerly=True)
    model.train_on_batch(x, labels)

    def listener(name: str, function: Callable | None, args: Any, kwargs: Any) -> Any:
        if function is None:
            return None
        start = time.perf_counter()
        result = function(*args, **kwargs)
        own = name.removesuffix("_backward")
        runs[-1][own] = runs[-1].get(own, 0.0) + time.perf_counter() - start
        return result

    for _ in range(9):
        runs.append({})
        contracts.listening.listener = listener
        model.train_on_batch(x, labels)
        contracts.listening.listener = None
    middle = {name: float(np.median([run[name] for run in runs])) for name in runs[0]}
    return {name: seconds / sum(middle.values()) for name, seconds in middle.items()}


def torch_step(batch: int, threads: int) -> Callable[[], Any]:
    """Return a function that takes one step of PyTorch's."""
    import torch
    from torch import nn
    from torch.nn.functional import relu

    torch.set_num_threads(threads)
    torch.manual_seed(0)

    class Residual(nn.Module):
        def __init__(self, channels: int, filters: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(channels, filters, 3, stride, padding=1)
            self.conv2 = nn.Conv2d(filters, filters, 3, padding=1)
            self.norm1, self.norm2 = nn.BatchNorm2d(filters), nn.BatchNorm2d(filters)
            self.short = nn.Conv2d(channels, filters, 1, stride) if stride > 1 else nn.Identity()

        def forward(self, x: Any) -> Any:
            y = relu(self.norm1(self.conv1(x)))
            return relu(self.norm2(self.conv2(y)) + self.short(x))

    parts: list[Any] = [nn.Conv2d(3, STAGES[0], 3, padding=1), nn.BatchNorm2d(STAGES[0]), nn.ReLU()]
    channels = STAGES[0]
    for stage, filters in enumerate(STAGES):
        for block in range(BLOCKS):
            parts.append(Residual(channels, filters, 2 if stage and not block else 1))
            channels = filters
    parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES)]
    module = nn.Sequential(*parts).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(module.parameters(), RATE, MOMENTUM, fused=True)
    x, labels = pictures(batch)
    images = torch.from_numpy(x.transpose(0, 3, 1, 2).copy())
    images = images.contiguous(memory_format=torch.channels_last)
    y, loss = torch.from_numpy(labels), nn.CrossEntropyLoss()

    def step() -> None:
        optimizer.zero_grad()
        loss(module(images), y).backward()
        optimizer.step()

    return step


def answer(contender: str, batch: int, threads: int, budget: float) -> dict[str, Any]:
    """Return one process's answer: median seconds of a step, and npcnn's shares."""
    if contender == "torch":
        import torch

        return {"seconds": typical(torch_step(batch, threads), budget), "torch": torch.__version__}
    import npcnn

    step, model = npcnn_step(batch, threads)
    seconds = typical(step, budget)
    return {"seconds": seconds, "npcnn": npcnn.__version__, "shares": shares(model, batch)}


def ask(contender: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return a contender's answer, from a process of its own."""
    own = [f"--batch={arguments.batch}", f"--threads={arguments.threads}",
           f"--budget={arguments.budget}", f"--one={contender}"]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": str(arguments.threads)}
    done = subprocess.run(
        [sys.executable, __file__, *own], capture_output=True, text=True, env=environment,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{contender} failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5, help="processes of each contender")
    parser.add_argument("--budget", type=float, default=4.0, help="seconds a figure")
    parser.add_argument("--one", choices=["npcnn", "torch"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        found = answer(arguments.one, arguments.batch, arguments.threads, arguments.budget)
        print(json.dumps(found))
        return
    names = installed(["npcnn", "torch"])
    answers = [{name: ask(name, arguments) for name in names} for _ in range(arguments.repeats)]
    seconds = {name: spread([each[name]["seconds"] for each in answers]) for name in names}
    parts = {
        name: float(np.median([each["npcnn"]["shares"][name] for each in answers]))
        for name in answers[0]["npcnn"]["shares"]
    }
    result = {
        "machine": machine(arguments.threads),
        "versions": {name: answers[0][name][name] for name in names},
        "batch": arguments.batch,
        "seconds": seconds,
        "shares": parts,
        "side": sum(share for name, share in parts.items() if name in SIDE),
    }
    for name, value in seconds.items():
        print(f"{name:<6} {value['median'] * 1e3:8.2f} ms  ({value['min'] * 1e3:.2f} to "
              f"{value['max'] * 1e3:.2f})")  # fmt: skip
    for name, share in sorted(parts.items(), key=lambda item: -item[1]):
        print(f"       {name:<40} {share:6.1%}")
    print(f"batch normalization, pooling and sums: {result['side']:.1%} of npcnn's step")
    save("resnet20", result, others(parser, arguments, "threads", "repeats", "budget", "one"))


if __name__ == "__main__":
    main()
