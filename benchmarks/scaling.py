"""Cost as the work grows: one convolution layer's step against its multiply-adds.

    python benchmarks/scaling.py

Batch, channels, image size and threads vary one at a time around one 3×3 'same' layer; time of
forward and backward is drawn over the multiply-adds on log axes. The roofs are measured too: the
rate of nothing but multiply-adds (`op_profile.py`), and the rate of a large copy for the six arrays
that the layer cannot but read or write.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from common import RESULTS, machine, save
from contenders import typical
from op_profile import measured_peak

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
        "bytes": 6 * y.size * y.itemsize,
        "seconds": typical(step, budget),
    }


def roofs(threads: int) -> dict[str, float]:
    """Return the multiply-add peak in GFLOP/s, and a large copy's GB/s, one thread's."""
    import npcnn

    npcnn.set_num_threads(threads)
    source = np.ones(1 << 25, np.float32)
    target = np.empty_like(source)
    copied = typical(lambda: np.copyto(target, source), 1.0)
    return {"gflops": measured_peak(threads), "gigabytes": 2 * source.nbytes / copied / 1e9}


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
    measured = {str(threads): roofs(threads) for threads in (1, 2)}
    result = {"machine": machine(2), "rows": rows, "roofs": measured}
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
            roof = result["roofs"][str(threads)]
            panel.loglog(work, 2 * work / roof["gflops"] / 1e6, "--", color=colour, linewidth=1)
            moved = np.array([row["bytes"] for row in rows])
            if threads == 1:
                panel.loglog(work, moved / roof["gigabytes"] / 1e6, ":", color="#555555")
        values = [str(case[name]) for case in SERIES[name]]
        panel.set_title(f"{name} {values[0]} … {values[-1]}", fontsize=11)
        panel.set_xlabel("multiply-adds a step")
        panel.grid(True, which="both", alpha=0.2)
    axes[0].set_ylabel("milliseconds a step")
    axes[0].legend(fontsize=9)
    figure.suptitle(
        "A 3×3 layer, forward and backward (dashed: plain multiply-adds at the measured peak; "
        "dotted: its arrays at a large copy's rate)",
        fontsize=11,
    )
    return figure


if __name__ == "__main__":
    main()
