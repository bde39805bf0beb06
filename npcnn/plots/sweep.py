"""The curves of a sweep: a mean for each setting, and how far its runs lie apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@style.styled
def sweep_curves(table: Any, metric: str) -> Figure:
    """Draw a metric's mean over seeds, epoch by epoch, a line a setting.

    The band around a line is as wide as the runs' deviation. An epoch that some runs did not
    reach has the mean of the others.

    Args:
        table: what `npcnn.sweep` returned.
        metric: a name of the runs' histories.
    """
    settings = table.settings
    runs = max(len(table.curves(setting)) for setting in settings)
    note = f"mean of {runs} runs; the band is their deviation" if runs > 1 else "one run each"
    rows = -(-len(settings) // 2)
    figure = style.new_figure(f"{metric}, setting by setting", note, height=5.2 + 0.25 * rows)
    axes = figure.subplots()
    for k, setting in enumerate(settings):
        epochs, mean, spread = _band(table.curves(setting, metric))
        colour = style.PALETTE[k % len(style.PALETTE)]
        dashes = ("-", (0, (4, 2)), (0, (1, 1)))[k // len(style.PALETTE) % 3]
        label = ", ".join(f"{name}={value}" for name, value in setting.items()) or "as it is"
        marker = "o" if len(epochs) == 1 else None
        axes.plot(epochs, mean, label=label, color=colour, linestyle=dashes, marker=marker)
        axes.fill_between(epochs, mean - spread, mean + spread, color=colour, alpha=0.15, lw=0)
    axes.grid(axis="y")
    axes.set_xlabel("Epoch")
    axes.set_ylabel(metric)
    style.whole_numbers(axes.xaxis)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _band(curves: list[list[float]]) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return epochs, mean and deviation of curves that may end at different ones."""
    length = max(map(len, curves))
    reached = [[c[k] for c in curves if k < len(c)] for k in range(length)]
    spread = [np.std(values, ddof=1) if len(values) > 1 else 0.0 for values in reached]
    return range(1, length + 1), np.array([np.mean(v) for v in reached]), np.array(spread)
