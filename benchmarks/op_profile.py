"""Where a training step's time goes, op by op: the document's network, batch 60, float32.

    python benchmarks/op_profile.py [--threads 1 2]

The figures are those that `print(model.program)` shows: the calls of a step that was trained,
played one by one in their order. GFLOP/s counts two operations a multiply-add, and the share is of
this machine's own peak, measured beforehand with the same tiles on data that never leaves the
first-level cache. Writes benchmarks/results/op_profile.json.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import networks
import numpy as np
from common import others, save

import npcnn
from npcnn import threads
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.program_table import measured
from npcnn.kernels.tiles import simd, tiles


@Body
def _busy(task, ints, scratch, w, buf, out):  # type: ignore[no-untyped-def]
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


def profile(number: int, batch: int) -> dict[str, Any]:
    """Train some steps with so many threads, and time each call of one, and a whole one."""
    threads.set_num_threads(number)
    peak = measured_peak(number)
    rng = np.random.default_rng(0)
    x = rng.random((10 * batch, 28, 28, 1), dtype=np.float32)
    model, _ = networks.keras_model(npcnn, "document")
    model.fit(x, np.eye(10)[rng.integers(0, 10, len(x))], batch_size=batch, verbose=0)
    program = model.program.last
    times, whole = measured(program)
    rows = []
    for call, seconds in zip(program.calls, times, strict=True):
        rate = call.flops / seconds / 1e9
        rows.append(
            {"op": f"{call.op} {call.layer}".strip(), "microseconds": seconds * 1e6,
             "gflops": rate, "share_of_peak": rate / peak}
        )  # fmt: skip
    return {
        "threads": number, "batch": batch, "peak_gflops": peak, "ops": rows,
        "step_microseconds": whole * 1e6, "sum_microseconds": sum(times) * 1e6,
    }  # fmt: skip


def show(result: dict[str, Any]) -> None:
    """Print a table."""
    print(f"\n{result['threads']} threads, peak {result['peak_gflops']:.0f} GFLOP/s")
    print(f"{'op':62}{'µs':>10}{'GFLOP/s':>10}{'of peak':>9}")
    for row in result["ops"]:
        line = f"{row['op']:62}{row['microseconds']:10.1f}"
        if row["gflops"]:
            line += f"{row['gflops']:10.1f}{row['share_of_peak']:9.0%}"
        print(line)
    print(f"{'one by one':62}{result['sum_microseconds']:10.1f}")
    print(f"{'the whole step':62}{result['step_microseconds']:10.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, threads.available_cores()])
    parser.add_argument("--batch", type=int, default=60)
    options = parser.parse_args()
    results = []
    for number in dict.fromkeys(options.threads):
        results.append(profile(number, options.batch))
        show(results[-1])
    about = {"machine": platform.machine(), "cores": os.cpu_count(), "numpy": np.__version__}
    save("op_profile", {"about": about, "profiles": results}, others(parser, options, "threads"))


if __name__ == "__main__":
    main()
