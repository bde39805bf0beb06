"""Cost as the work grows: one convolution layer's step against its multiply-adds.

    python benchmarks/scaling.py

Batch, channels, image size and threads vary one at a time around one 3×3 'same' layer; time of
forward and backward is drawn over the multiply-adds on log axes, with the machine's measured peak
as the roof.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from common import RESULTS, machine, save
from contenders import typical

SERIES = {
    "batch": [{"batch": n} for n in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)],
    "channels": [{"channels": c} for c in (1, 2, 3, 5, 8, 10, 16, 24, 32, 48, 64)],
    "image": [{"image": s} for s in (14, 20, 28, 40, 56, 80, 112)],
}
BASE = {"batch": 64, "channels": 8, "image": 28}


def measure(case: dict[str, int], threads: int, budget: float) -> dict[str, Any]:
    """Return the median seconds of a layer's forward and backward, and its multiply-adds."""
    import npcnn
    from npcnn.layers import Conv2D

    npcnn.set_num_threads(threads)
    n, c, s = case["batch"], case["channels"], case["image"]
    layer = Conv2D(c, 3, padding="same", activation="relu")
    layer.build((None, s, s, c))
    random = np.random.default_rng(0)
    x = random.standard_normal((c, s, s, n)).astype("float32").transpose(3, 1, 2, 0)
    y = layer.forward(x)
    grad_y = random.standard_normal((c, s, s, n)).astype("float32").transpose(3, 1, 2, 0)

    def step() -> None:
        layer.forward(x)
        layer.backward(grad_y)

    return {
        **case,
        "threads": threads,
        "multiply_adds": 3 * y.size * 9 * c,
        "seconds": typical(step, budget),
    }


def peak_gflops(threads: int) -> float:
    """Return what a large float32 matrix product reaches, in GFLOP/s."""
    from threadpoolctl import threadpool_limits

    a = np.random.default_rng(0).standard_normal((2048, 2048)).astype("float32")
    with threadpool_limits(threads, user_api="blas"):
        return 2 * 2048**3 / typical(lambda: a @ a, 1.0) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=0.4, help="seconds a figure")
    arguments = parser.parse_args()
    rows = []
    for name, cases in SERIES.items():
        for threads in (1, 2):
            for case in cases:
                row = measure({**BASE, **case}, threads, arguments.budget)
                rows.append({"series": name, **row})
                print(rows[-1], flush=True)
    roofs = {str(threads): peak_gflops(threads) for threads in (1, 2)}
    result = {"machine": machine(2), "rows": rows, "matrix_product_gflops": roofs}
    save("scaling", result)
    draw(result).savefig(RESULTS / "scaling.png", dpi=100)


def draw(result: dict[str, Any]) -> Any:
    """Return the figure: a panel a series, time over multiply-adds, the roof drawn in."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.9), layout="constrained")
    axes = figure.subplots(1, len(SERIES), sharey=True)
    for panel, name in zip(axes, SERIES, strict=True):
        for threads, colour, marker in ((1, "#0072B2", "o"), (2, "#D55E00", "s")):
            rows = [r for r in result["rows"] if r["series"] == name and r["threads"] == threads]
            work = np.array([row["multiply_adds"] for row in rows])
            times = np.array([row["seconds"] for row in rows])
            label = f"{threads} thread{'s' * (threads > 1)}"
            panel.loglog(work, times * 1e3, marker=marker, color=colour, label=label, markersize=4)
            roof = 2 * work / (result["matrix_product_gflops"][str(threads)] * 1e9)
            panel.loglog(work, roof * 1e3, "--", color=colour, linewidth=1)
        values = [str(case[name]) for case in SERIES[name]]
        panel.set_title(f"{name} {values[0]} … {values[-1]}", fontsize=11)
        panel.set_xlabel("multiply-adds a step")
        panel.grid(True, which="both", alpha=0.2)
    axes[0].set_ylabel("milliseconds a step")
    axes[0].legend(fontsize=9)
    figure.suptitle(
        "A 3×3 layer, forward and backward (dashed: a 2048³ matrix product's rate)", fontsize=12
    )
    return figure


if __name__ == "__main__":
    main()
