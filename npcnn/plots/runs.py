"""A recorded run: how weights and gradients were spread, and what became of each layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from npcnn.arguments import ARecording, Numbers
from npcnn.checks import ArgumentError, message
from npcnn.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from npcnn.inspection import Recording

Array = np.ndarray

BINS = 60
MARKED = 30  # so few points of a curve are marked: one alone would not be seen


@style.styled
def weight_histograms(recording: ARecording, title: str = "") -> Figure:
    """Draw how each layer's kernel was spread, step by step: a column is a histogram.

    Args:
        recording: from `npcnn.load_recording`.
        title: a text for the head; one is made if it is empty.

    >>> import pathlib, tempfile
    >>> from npcnn import Sequential, inspection, layers
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "run.npz"
    >>> model = Sequential([layers.Dense(2, activation="relu", input_shape=(3,))])
    >>> model.compile("sgd", "mse")
    >>> recorder = inspection.Recorder(path, every=1)
    >>> x, y = np.ones((4, 3)), np.ones((4, 2))
    >>> _ = model.fit(x, y, batch_size=2, epochs=2, verbose=0, callbacks=[recorder])
    >>> figure = weight_histograms(inspection.load_recording(path))
    >>> len(figure.axes)
    1
    """
    panels = []
    for layer, name in _learned(recording).items():
        weights = recording[f"weights/{name}"].reshape(len(recording), -1)
        size = max(float(np.abs(weights).max()), 1e-12)
        edges = np.linspace(-size, size, BINS + 1)
        counts = np.array([np.histogram(w, edges)[0] for w in weights])
        panels.append((layer, recording.steps, edges, counts))
    title = title or "How the weights spread while they learn"
    note = "a column is the histogram of one kernel at that step; the darker, the more weights"
    return _panels(title, note, panels, "weight")


@style.styled
def gradient_histograms(recording: ARecording, title: str = "") -> Figure:
    """Draw how large the gradients by each layer's kernel were, in powers of ten, step by step.

    Args:
        recording: from `npcnn.load_recording`.
        title: a text for the head; one is made if it is empty.

    Raises:
        ArgumentError: no step was recorded.

    >>> import pathlib, tempfile
    >>> from npcnn import Sequential, inspection, layers
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "run.npz"
    >>> model = Sequential([layers.Dense(2, activation="relu", input_shape=(3,))])
    >>> model.compile("sgd", "mse")
    >>> recorder = inspection.Recorder(path, every=1)
    >>> x, y = np.ones((4, 3)), np.ones((4, 2))
    >>> _ = model.fit(x, y, batch_size=2, epochs=2, verbose=0, callbacks=[recorder])
    >>> figure = gradient_histograms(inspection.load_recording(path))
    >>> len(figure.axes)
    1
    """
    from npcnn.inspection.recording import HIGHEST, LOWEST

    edges = np.log10(2.0) * np.arange(LOWEST, HIGHEST + 1)
    panels = []
    for layer, name in _learned(recording).items():
        sizes, seen = _recorded(recording, f"gradient_sizes/{name}")
        panels.append((layer, recording.steps[seen], edges, sizes[seen]))
    together = np.cumsum(sum(counts.sum(axis=0) for _, _, _, counts in panels))
    used = np.flatnonzero((together > 0.005 * together[-1]) & (together < together[-1])) + 1
    low, high = (max(used[0] - 1, 0), used[-1] + 1) if len(used) else (0, len(edges) - 1)
    panels = [(n, s, edges[low : high + 1], c[:, low:high]) for n, s, _, c in panels]
    title = title or "How large the gradients are while the network learns"
    note = "a column is the histogram of one kernel's gradients at that step; zeros left out"
    return _panels(title, note, panels, "size of gradient, power of ten")


@style.styled
def run_curves(recording: ARecording, title: str = "") -> Figure:
    """Draw, layer by layer, what a run's health shows in.

    Gradient norms, update-to-weight ratios (about 10⁻³ is usual) and the share of dead ReLUs.

    Args:
        recording: from `npcnn.load_recording`.
        title: a text for the head; one is made if it is empty.

    Raises:
        ArgumentError: no step was recorded.

    >>> import pathlib, tempfile
    >>> from npcnn import Sequential, inspection, layers
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "run.npz"
    >>> model = Sequential([layers.Dense(2, activation="relu", input_shape=(3,))])
    >>> model.compile("sgd", "mse")
    >>> recorder = inspection.Recorder(path, every=1)
    >>> x, y = np.ones((4, 3)), np.ones((4, 2))
    >>> _ = model.fit(x, y, batch_size=2, epochs=2, verbose=0, callbacks=[recorder])
    >>> figure = run_curves(inspection.load_recording(path))
    >>> len(figure.axes)
    3
    """
    kinds = [
        ("gradient_norm/{}", "gradient norm"), ("update_ratio/{}", "update / weight"),
        ("dead/{}", "dead ReLUs"),
    ]  # fmt: skip
    title = title or "The health of a run, layer by layer"
    note = "norm of each kernel's gradient; length of its update by its own; ReLUs that stayed at 0"
    figure = style.new_figure(title, note, height=7.0)
    panels = figure.subplots(len(kinds), 1, sharex=True)
    for axes, (pattern, label) in zip(panels, kinds, strict=True):
        axes.set_ylabel(label)
        axes.grid(axis="y")
        axes.margins(x=0.01)
        drawn = [
            _curve(axes, recording, pattern.format(name), layer, i)
            for i, (layer, parameter) in enumerate(_learned(recording).items())
            for name in (layer if pattern.startswith("dead") else parameter,)
        ]
        _scale(axes, pattern, np.concatenate(drawn))
    panels[-1].set_xlabel("step")
    style.whole_numbers(panels[-1].xaxis)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper")
    return figure


def _curve(axes: Axes, recording: Recording, name: str, layer: str, place: int) -> Array:
    """Draw one layer's column, its points marked where they are few; return its numbers."""
    if name.startswith("dead/") and name not in recording.arrays:
        return np.zeros(0)  # a layer without a ReLU
    values, seen = _recorded(recording, name)
    dashes = ("-", "--", "-.", ":")
    axes.plot(
        recording.steps[seen], values[seen], label=layer, linewidth=1.8,
        color=style.PALETTE[place % len(style.PALETTE)], linestyle=dashes[place % len(dashes)],
        marker="o" if seen.sum() <= MARKED else None, markersize=4,
    )  # fmt: skip
    return values[seen]


def _scale(axes: Axes, pattern: str, values: Array) -> None:
    """Choose a panel's scale: shares in percent from 0, sizes by powers of ten if they span one."""
    from matplotlib.ticker import PercentFormatter

    if pattern.startswith("dead"):
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylim(0, max(1.05 * values.max(initial=0.0), 0.01))
    else:
        style.powers(axes.yaxis, values)


@style.styled
def loss_line(
    t: Numbers, losses: Numbers, accuracies: Numbers | None = None, title: str = ""
) -> Figure:
    """Draw the loss at weights on the line between two sets of weights.

    Args:
        t: places, 0 at the first set and 1 at the second.
        losses: the loss at each.
        accuracies: the share right at each, or None; `npcnn.inspection.loss_along_line` has all.
        title: a text for the head; one is made if it is empty.

    >>> figure = loss_line([0, 1], [2.3, 0.1], [0.1, 0.97])
    >>> figure.axes[0].get_ylabel()
    'loss'
    """
    for name, values in (("t", t), ("losses", losses), ("accuracies", accuracies)):
        if values is not None and values.shape != (len(t),):
            where, got = f"loss_line({name})", str(values.shape)
            fix = "give what npcnn.inspection.loss_along_line returned"
            raise ArgumentError(message(where, f"{len(t)} numbers", got, fix))
    t, losses = np.asarray(t, float), np.asarray(losses, float)
    title = title or "The loss along a straight line between two sets of weights"
    note = "at 0 the first weights, at 1 the second; between them their mixture"
    figure = style.new_figure(title, note, height=4.6)
    axes = figure.add_subplot()
    axes.plot(t, losses, color=style.BLUE, marker="o", markersize=4)
    low, high = losses.min(), losses.max()
    if low > 0 and high / low > 30:
        axes.set_yscale("log")
    axes.set_ylabel("loss", color=style.BLUE)
    axes.set_xlabel("from the first weights (0) to the second (1)")
    axes.grid(axis="y")
    for place in (0, 1):
        axes.axvline(place, color=style.MUTED, linewidth=1, linestyle=":")
    if accuracies is not None:
        other = axes.twinx()
        other.plot(t, accuracies, color=style.VERMILLION, linestyle="--")
        other.set_ylim(0, 1.02)
        other.set_ylabel("accuracy (dashed)", color=style.VERMILLION)
        other.yaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
    return figure


def _learned(recording: Recording) -> dict[str, str]:
    """Return of each layer the parameter that is looked at, the first: 'conv2d/kernel'."""
    start = "weights/"
    wanted = [name[len(start) :] for name in recording.arrays if name.startswith(start)]
    first: dict[str, str] = {}
    for name in wanted:
        first.setdefault(name.split("/")[0], name)
    return first


def _recorded(recording: Recording, name: str) -> tuple[Array, Array]:
    """Return a column and where it has numbers: the first and last frames know no gradients."""
    nothing = np.full(len(recording), np.nan)
    values = recording.arrays.get(name, nothing)
    seen = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if not seen.any():
        fix = "record with a smaller `every`"
        got = "a recording without them"
        raise ArgumentError(message("plots of a recording", "recorded steps", got, fix))
    return values, seen


def _panels(title: str, note: str, panels: list[tuple], label: str) -> Figure:
    """Draw one heat map a layer: steps across, values up, counts as darkness."""
    from matplotlib.colors import LogNorm

    columns = 2 if len(panels) > 1 else 1
    rows = -(-len(panels) // columns)
    figure = style.new_figure(title, note, height=0.75 + 1.9 * rows + 0.35)
    grid = figure.add_gridspec(rows, columns)
    for k, (layer, steps, edges, counts) in enumerate(panels):
        axes = figure.add_subplot(grid[divmod(k, columns)])
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        shares = np.where(shares > 0, shares, np.nan)
        across = _edges(steps)
        axes.pcolormesh(
            across, edges, shares.T, cmap="Blues", norm=LogNorm(vmin=2e-4, vmax=0.3),
            rasterized=True,
        )  # fmt: skip
        axes.set_title(layer)
        style.whole_numbers(axes.xaxis)
        if k >= len(panels) - columns:
            axes.set_xlabel("step")
        if k % columns == 0:
            axes.set_ylabel(label if rows < 2 else "", fontsize=11)
    if rows >= 2:
        figure.supylabel(label, fontsize=12, color=style.INK)
    return figure


def _edges(steps: Array) -> Array:
    """Return the borders of the columns around steps."""
    steps = np.asarray(steps, float)
    if len(steps) == 1:
        return steps[0] + np.array([-0.5, 0.5])
    between = (steps[1:] + steps[:-1]) / 2
    return np.concatenate([[steps[0]], between, [steps[-1]]])
