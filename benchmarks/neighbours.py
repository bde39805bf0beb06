"""Shapes and functions beside their neighbours: none takes many times what one like it takes.

    python benchmarks/neighbours.py

Each line compares two pieces of work of the same size, measured in turn within this process on one
thread, in CPU time: the least of `--repeats` rounds of each, and their ratio. It is written to
benchmarks/results/neighbours.json.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from common import machine, save

import npcnn
from npcnn import kernels

FORM: tuple[Any, ...] = ((1, 1), "same", (1, 1), "linear")
# name → (images, kernel) of the odd shape, and of one beside it with as many multiply-adds
SHAPES = {
    "one column": ((1, 32768, 1, 1), (3, 3, 1, 8), (1, 1, 32768, 1), (3, 3, 1, 8)),
    "one column of 8 channels": ((1, 32768, 1, 8), (5, 1, 8, 8), (1, 1, 32768, 8), (1, 5, 8, 8)),
    "one column, batch 16": ((16, 2048, 1, 1), (3, 3, 1, 8), (16, 1, 2048, 1), (3, 3, 1, 8)),
    "two columns": ((1, 16384, 2, 1), (3, 3, 1, 8), (1, 2, 16384, 1), (3, 3, 1, 8)),
    "four columns": ((1, 8192, 4, 1), (3, 3, 1, 8), (1, 4, 8192, 1), (3, 3, 1, 8)),
}


def convolution(x_shape: Any, kernel_shape: Any) -> Callable[[], None]:
    """Return a call that goes forward and back."""
    rng = np.random.default_rng(0)
    x, kernel = (rng.standard_normal(s).astype("float32") for s in (x_shape, kernel_shape))
    y = kernels.conv2d(x, kernel, None, *FORM)
    grad_kernel, grad_bias = np.empty_like(kernel), np.empty(kernel_shape[3], "float32")

    def both() -> None:
        kernels.conv2d(x, kernel, None, *FORM)
        kernels.conv2d_backward(y, x, y, kernel, grad_kernel, grad_bias, *FORM)

    return both


def least(calls: list[Callable[[], Any]], repeats: int) -> list[float]:
    """Return the least CPU milliseconds of each call, made in turn."""
    times = [float("inf")] * len(calls)
    for _ in range(repeats):
        for number, call in enumerate(calls):
            start = time.process_time()
            call()
            times[number] = min(times[number], (time.process_time() - start) * 1e3)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    arguments = parser.parse_args()
    npcnn.set_num_threads(1)
    x = np.random.default_rng(0).standard_normal(10**6).astype("float32")
    pairs = {
        name: [convolution(*shapes[:2]), convolution(*shapes[2:])]
        for name, shapes in SHAPES.items()
    }
    pairs["tanh beside sigmoid"] = [lambda: kernels.tanh(x), lambda: kernels.sigmoid(x)]
    result: dict[str, Any] = {"machine": machine(1), "ratios": {}}
    for name, calls in pairs.items():
        least(calls, 1)  # compiles
        own, beside = least(calls, arguments.repeats)
        result["ratios"][name] = {"ms": own, "beside": beside, "ratio": own / beside}
        print(f"{name:26s} {own:8.3f} ms, beside it {beside:8.3f}: {own / beside:5.1f} times")
    save("neighbours", result)


if __name__ == "__main__":
    main()
