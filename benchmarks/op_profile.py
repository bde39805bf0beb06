"""Where a training step's time goes, op by op: the document's network, batch 60, float32.

    python benchmarks/op_profile.py [--threads 1 2] [--repeats 40]

Each op runs on the arrays a real step hands it. Its time is the median of many, in microseconds;
GFLOP/s counts two operations a multiply-add, and the share is of this machine's own peak, measured
beforehand with the same tiles on data that never leaves the first-level cache. Writes
benchmarks/results/op_profile.json.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from common import others, save

from npcnn import kernels, threads
from npcnn.kernels import simd, tiles
from npcnn.kernels.tasks import Body

CONV = ((1, 1), "same", (1, 1), "relu")
POOL = ((2, 2), (2, 2), "valid")
# image size, channels in, filters; None stands for a pooling layer
LAYERS = [(28, 1, 5), (28, 5, 5), None, (14, 5, 10), (14, 10, 10), None]

Step = tuple[str, float, Callable[[], Any]]


@Body
def _busy(task, w, buf, out, a3, a4, a5, a6, scratch, ints):  # type: ignore[no-untyped-def]
    for _ in range(200):
        tiles.slide_tile(
            ints[0], tiles.ROWS, tiles.VECTORS, (tiles.VECTORS - 1) * ints[1], w, 0, 1, buf, 0,
            ints, 2, 2, 0, 500, 0, w, 0, out, task * 1024, 100,
        )  # fmt: skip


def measured_peak(number: int) -> float:
    """Return the GFLOP/s of as many threads running nothing but multiply-adds."""
    dtype = np.dtype(np.float32)
    arrays = [np.ones(4096, dtype) for _ in range(2)] + [np.zeros(1024 * number, dtype)]
    ints = np.array([tiles.slide_address(dtype), simd.lanes_of(dtype)] + [0] * 500)
    flops = 2 * number * 200 * 500 * tiles.ROWS * tiles.VECTORS * simd.lanes_of(dtype)
    return flops / best(lambda: _busy(number, True, arrays, ints), 300, min) / 1e9


def best(run: Callable[[], Any], repeats: int, pick: Callable = statistics.median) -> float:
    """Return the seconds of one run: of several repetitions, the one `pick` chooses."""
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return float(pick(times))


def convolution_steps(x: np.ndarray, rng: np.random.Generator) -> tuple[list[Step], np.ndarray]:
    """Return the steps of the layers before the dense ones, and what comes out of them."""
    forward: list[Step] = []
    backward: list[Step] = []
    n = len(x)
    for index, layer in enumerate(LAYERS):
        if layer is None:
            y = kernels.max_pooling2d(x, *POOL)
            g = own(rng.standard_normal(y.shape))
            forward.append((f"pool{index} forward", 0, lambda x=x: kernels.max_pooling2d(x, *POOL)))
            backward.append(
                (f"pool{index} backward", 0,
                 lambda g=g, x=x, y=y: kernels.max_pooling2d_backward(g, x, y, *POOL))
            )  # fmt: skip
        else:
            size, channels, filters = layer
            kernel = (rng.standard_normal((3, 3, channels, filters)) / 6).astype(np.float32)
            bias = np.zeros(filters, np.float32)
            y = kernels.conv2d(x, kernel, bias, *CONV)
            g = own(rng.standard_normal(y.shape))
            work = 2 * n * size * size * kernel.size
            wanted, gradients = index > 0, (kernel.copy(), bias.copy())
            forward.append(
                (f"conv{index} forward", work,
                 lambda x=x, k=kernel, b=bias: kernels.conv2d(x, k, b, *CONV))
            )  # fmt: skip
            backward.append(
                (f"conv{index} backward", work * (1 + wanted),
                 lambda g=g, x=x, y=y, k=kernel, gk=gradients[0], gb=gradients[1], w=wanted:
                 kernels.conv2d_backward(g, x, y, k, gk, gb, *CONV, need_grad_x=w))
            )  # fmt: skip
        x = y
    return forward + backward[::-1], x


def own(values: np.ndarray) -> np.ndarray:
    """Return the values as float32 in the kernels' memory order."""
    block = kernels.relu(np.ascontiguousarray(values.T, np.float32).T, 1.0, None, 0.0)
    return block


def dense_steps(x: np.ndarray, rng: np.random.Generator) -> list[Step]:
    """Return the steps from the flattened features to the loss and back."""
    n, shape = len(x), x.shape
    flat = kernels.flatten(x)
    w1 = (rng.standard_normal((flat.shape[1], 128)) / 20).astype(np.float32)
    w2 = (rng.standard_normal((128, 10)) / 10).astype(np.float32)
    b1, b2 = np.zeros(128, np.float32), np.zeros(10, np.float32)
    y1 = kernels.dense(flat, w1, b1, "relu")
    y2 = kernels.dense(y1, w2, b2, "linear")
    targets = own(np.eye(10)[rng.integers(0, 10, n)])
    weights = np.ones(n, np.float32)
    _, g2 = kernels.categorical_crossentropy_from_logits(y2, targets, weights)
    g1 = kernels.dense_backward(g2, y1, y2, w2, w2.copy(), b2.copy(), "linear")
    g0 = kernels.dense_backward(g1, flat, y1, w1, w1.copy(), b1.copy(), "relu")
    gw1, gb1, gw2, gb2 = w1.copy(), b1.copy(), w2.copy(), b2.copy()
    dropped = (0.25, 12345, y1.shape)
    return [
        ("flatten", 0, lambda: kernels.flatten(x)),
        ("dense1 forward", 2 * n * w1.size, lambda: kernels.dense(flat, w1, b1, "relu")),
        ("dropout forward", 0, lambda: kernels.dropout(y1, *dropped)),
        ("dense2 forward", 2 * n * w2.size, lambda: kernels.dense(y1, w2, b2, "linear")),
        ("loss", 0, lambda: kernels.categorical_crossentropy_from_logits(y2, targets, weights)),
        ("dense2 backward", 4 * n * w2.size,
         lambda: kernels.dense_backward(g2, y1, y2, w2, gw2, gb2, "linear")),
        ("dropout backward", 0, lambda: kernels.dropout_backward(g1, *dropped)),
        ("dense1 backward", 4 * n * w1.size,
         lambda: kernels.dense_backward(g1, flat, y1, w1, gw1, gb1, "relu")),
        ("flatten backward", 0, lambda: kernels.flatten_backward(g0, shape)),
    ]  # fmt: skip


def training_step(batch: int) -> list[Step]:
    """Return all ops of one training step on arrays like those of a real one."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2000, 28, 28, 1), dtype=np.uint8)
    chosen = rng.integers(0, 2000, batch)
    kind = np.dtype(np.float32)
    x = kernels.gather(images, chosen, kind)
    before, features = convolution_steps(x / np.float32(255), rng)
    half = len(LAYERS)
    flat = [rng.standard_normal(65_788).astype(np.float32) for _ in range(4)]
    flat[3] = np.abs(flat[3])
    return [
        ("gather", 0, lambda: kernels.gather(images, chosen, kind)),
        *before[:half],
        *dense_steps(features, rng),
        *before[half:],
        ("adam", 0, lambda: kernels.adam(*flat, 0.0, 0.9, 0.999, 1e-7)),
    ]


def profile(number: int, batch: int, repeats: int) -> dict[str, Any]:
    """Time each op, and all of them one after the other, with so many threads."""
    threads.set_num_threads(number)
    peak = measured_peak(number)
    steps = training_step(batch)
    for _, _, run in steps:
        run()
    times: dict[str, list[float]] = {name: [] for name, _, _ in steps}
    whole = []
    for _ in range(repeats):
        begin = time.perf_counter()
        for name, _, run in steps:
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
        whole.append(time.perf_counter() - begin)
    rows = []
    for name, flops, _ in steps:
        seconds = statistics.median(times[name])
        rate = flops / seconds / 1e9
        rows.append(
            {"op": name, "microseconds": seconds * 1e6, "best": min(times[name]) * 1e6,
             "gflops": rate, "share_of_peak": rate / peak}
        )  # fmt: skip
    return {
        "threads": number, "batch": batch, "peak_gflops": peak, "ops": rows,
        "step_microseconds": statistics.median(whole) * 1e6, "step_best": min(whole) * 1e6,
    }  # fmt: skip


def show(result: dict[str, Any]) -> None:
    """Print a table."""
    print(f"\n{result['threads']} threads, peak {result['peak_gflops']:.0f} GFLOP/s")
    print(f"{'op':18}{'median µs':>10}{'best µs':>10}{'GFLOP/s':>10}{'of peak':>9}")
    for row in result["ops"]:
        line = f"{row['op']:18}{row['microseconds']:10.1f}{row['best']:10.1f}"
        if row["gflops"]:
            line += f"{row['gflops']:10.1f}{row['share_of_peak']:9.0%}"
        print(line)
    print(f"{'whole step':18}{result['step_microseconds']:10.1f}{result['step_best']:10.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, threads.available_cores()])
    parser.add_argument("--batch", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args()
    results = []
    for number in dict.fromkeys(options.threads):
        results.append(profile(number, options.batch, options.repeats))
        show(results[-1])
    about = {"machine": platform.machine(), "cores": os.cpu_count(), "numpy": np.__version__}
    other = others(parser, options, "threads", "repeats")
    save("op_profile", {"about": about, "profiles": results}, other)


if __name__ == "__main__":
    main()
