"""A training step of ResNet-20 on 32×32 pictures, npcnn beside PyTorch, in alternation.

    python benchmarks/resnet20.py

The network is that of Keras's `cifar10_resnet`: three stages of three blocks with 16, 32 and 64
filters, 1×1 shortcuts at stride 2, batch normalization behind each 3×3 convolution; SGD with
momentum 0.9. npcnn's is put together from its layers, and its step made through `ops.compiled` as a
model's is. PyTorch runs eagerly with channels_last and its fused optimizer. Each contender has a
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
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from common import installed, machine, others, save, spread
from contenders import typical

CLASSES, STAGES, BLOCKS, SIZE = 10, (16, 32, 64), 3, 32
RATE, MOMENTUM = 0.01, 0.9
# Batch normalization, pooling and the residual sums: they are to take a quarter of a step at most.
SIDE = ("batch_normalization", "global_average_pooling2d", "add")


class Unit:
    """A convolution, its batch normalization and relu, where they are wanted: npcnn layers."""

    def __init__(self, shape: tuple[int, ...], filters: int, size: int, stride: int, *, relu: bool,
                 normal: bool = True) -> None:  # fmt: skip
        from npcnn import layers

        self.layers: list[Any] = [layers.Conv2D(filters, size, stride, "same")]
        if normal:
            self.layers.append(layers.BatchNormalization())
        if relu:
            self.layers.append(layers.ReLU())
        self.shape = (None, *shape)
        for layer in self.layers:
            layer.build(self.shape)
            self.shape = layer.output_shape

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return what the last layer gives."""
        for layer in self.layers:
            x = layer.forward(x, training=True)
        return x

    def backward(self, grad: np.ndarray, need_grad_x: bool = True) -> Any:
        """Return the gradient by x, and write those of the parameters."""
        for layer in reversed(self.layers):
            grad = layer.backward(grad, need_grad_x or layer is not self.layers[0])
        return grad


class Block:
    """Two units, and their input or its shortcut added."""

    def __init__(self, shape: tuple[int, ...], filters: int, stride: int) -> None:
        from npcnn import layers

        self.first = Unit(shape, filters, 3, stride, relu=True)
        self.second = Unit(self.first.shape[1:], filters, 3, 1, relu=False)
        self.short = None
        if stride > 1:
            self.short = Unit(shape, filters, 1, stride, relu=False, normal=False)
        self.relu, self.shape = layers.ReLU(), self.second.shape
        self.relu.build(self.shape)

    @property
    def layers(self) -> list[Any]:
        """All layers."""
        short = self.short.layers if self.short else []
        return [*self.first.layers, *self.second.layers, *short, self.relu]

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return relu(second(first(x)) + shortcut(x))."""
        from npcnn.backend import ops

        short = self.short.forward(x) if self.short else x
        return self.relu.forward(ops.add(self.second.forward(self.first.forward(x)), short))

    def backward(self, grad: np.ndarray, need_grad_x: bool = True) -> Any:
        """Return the gradient by x, the sum of both ways'."""
        from npcnn.backend import ops

        grad = self.relu.backward(grad)
        short = self.short.backward(grad) if self.short else grad
        return ops.add(self.first.backward(self.second.backward(grad)), short)


class Network:
    """ResNet-20 of npcnn's layers, and its training step."""

    def __init__(self) -> None:
        from npcnn import layers

        self.parts: list[Any] = [Unit((SIZE, SIZE, 3), STAGES[0], 3, 1, relu=True)]
        for stage, filters in enumerate(STAGES):
            for block in range(BLOCKS):
                stride = 2 if stage and not block else 1
                self.parts.append(Block(self.parts[-1].shape[1:], filters, stride))
        self.head = [layers.GlobalAveragePooling2D(), layers.Dense(CLASSES)]
        shape = self.parts[-1].shape
        for layer in self.head:
            layer.build(shape)
            shape = layer.output_shape
        self.flatten()

    def layers(self) -> Iterator[Any]:
        """Yield all layers."""
        for part in self.parts:
            yield from part.layers
        yield from self.head

    def flatten(self) -> None:
        """Let all parameters, and all gradients, lie in one vector each, as a model's do."""
        own = [(layer, *entry) for layer in self.layers() for entry in layer.parameters()]
        size = sum(value.size for _, _, value, _ in own)
        self.values, self.grads = np.zeros(size, "float32"), np.zeros(size, "float32")
        self.velocity, self.rate = np.zeros(size, "float32"), np.array([RATE], "float32")
        at = 0
        for layer, name, value, _ in own:
            places = [flat[at : at + value.size].reshape(value.shape)
                      for flat in (self.values, self.grads)]  # fmt: skip
            places[0][...] = value
            layer.bind(name, *places)
            at += value.size

    def step(self, x: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> tuple[Any, ...]:
        """Take a training step; return the losses."""
        from npcnn.backend import ops

        z = x
        for part in (*self.parts, *self.head):
            z = part.forward(z, training=True) if part in self.head else part.forward(z)
        losses, grad = ops.categorical_crossentropy_from_logits(z, rows, weights)
        for part in (*reversed(self.head), *reversed(self.parts)):
            grad = part.backward(grad, part is not self.parts[0])
        ops.sgd(self.values, self.grads, self.velocity, self.rate, MOMENTUM, False)
        return (losses,)

    def compiled(self) -> Any:
        """Return what makes the step again and again."""
        from npcnn.backend import ops

        moving = [value for layer in self.layers() for name, value in layer.arrays()
                  if name in layer.state_names]  # fmt: skip
        state = [self.values, self.grads, self.velocity, *moving]
        return ops.compiled(self.step, state, [self.rate])


def pictures(batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random pictures and labels."""
    random = np.random.default_rng(0)
    x = random.standard_normal((batch, SIZE, SIZE, 3)).astype("float32")
    return x, random.integers(0, CLASSES, batch)


def npcnn_step(batch: int, threads: int) -> tuple[Callable[[], Any], Network, tuple[Any, ...]]:
    """Return a function that takes one step, the network, and what the step is given."""
    import npcnn

    npcnn.set_num_threads(threads)
    npcnn.set_random_seed(0)
    network, (x, labels) = Network(), pictures(batch)
    given = x, np.eye(CLASSES, dtype="float32")[labels], np.ones(batch, "float32")
    compiled = network.compiled()
    return lambda: compiled(*given), network, given


def shares(network: Network, given: tuple[Any, ...]) -> dict[str, float]:
    """Return op → its share of an eager step's time, gradients with the op: medians of nine."""
    from npcnn import contracts

    runs: list[dict[str, float]] = []

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
        before = contracts.listen(listener)
        network.step(*given)
        contracts.listen(before)
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

    step, network, given = npcnn_step(batch, threads)
    seconds = typical(step, budget)
    return {
        "seconds": seconds, "npcnn": npcnn.__version__, "shares": shares(network, given),
    }  # fmt: skip


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
