"""The curves of a run, beside those of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from npcnn.checks import ArgumentError, message, one_of, shown
from npcnn.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = tuple[Sequence[int], Sequence[float]]
ZOOM_FROM = 10  # epochs a run must have for the second panel
SKIPPED = 4, 0.1  # epochs the second panel leaves out at least, and what share: the steep ones


def _curves_of(value: Any, where: str) -> Mapping[str, Sequence[float]]:
    """Return name → curve, or raise ArgumentError."""
    sound = isinstance(value, Mapping) and all(
        isinstance(name, str)
        and isinstance(curve, (list, tuple, np.ndarray))
        and all(isinstance(v, (int, float, np.number)) for v in curve)
        for name, curve in value.items()
    )
    if not sound:
        fix = "give what fit() returned, after an epoch at least"
        raise ArgumentError(message(where, "curves of a run", shown(value), fix))
    return value


def _run(value: Any, where: str) -> Any:
    """Return a History, or name → curve; raise ArgumentError otherwise."""
    curves = getattr(value, "history", value)
    _curves_of(curves if isinstance(curves, Mapping) else value, where)
    return value


Run = Annotated[Any, _run]
Curves = Annotated[Any, _curves_of]


@style.styled
def history_curves(
    history: Run,
    metric: str = "accuracy",
    reference: Curves | None = None,
    name: str = "this run",
    reference_name: str = "the document",
    title: str = "",
) -> Figure:
    """Draw a metric's curves, training and test, epoch by epoch, and those of a run to compare.

    Long runs get a second panel without the first, steep epochs, where the rest can be told apart.

    Args:
        history: what `fit` returned, or a mapping of names to curves.
        metric: which curve: 'accuracy', 'loss'; its 'val_' twin is drawn with it.
        reference: another run's curves under the same names, drawn dashed.
        name: what the run is called in the legend.
        reference_name: what the other one is called.
        title: a text for the head; one is made if it is empty.

    Raises:
        ArgumentError: the history has no epoch, or no such metric.

    >>> figure = history_curves({"loss": [2.0, 1.0], "val_loss": [1.5, 1.2]}, "loss")
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['Train', 'Test']
    """
    curves, epochs = _curves(history)
    where = "history_curves(metric)"
    own = [one_of(metric, [key for key in curves if not key.startswith("val_")], where)]
    own += [key for key in (f"val_{metric}",) if len(curves.get(key, ()))]
    lines = [(key, name, False, _placed(epochs, curves[key])) for key in own]
    for key in own:
        if reference is not None and key in reference:
            values = reference[key]
            lines.append((key, reference_name, True, (range(1, len(values) + 1), list(values))))
    title = title or f"Model {metric}"
    note = "  ·  ".join(_last_values(lines, metric))
    figure = style.new_figure(title, note, height=5.2)
    flat = "acc" in metric and len({v for *_, (_, values) in lines for v in values}) == 1
    zoomed = epochs[-1] >= ZOOM_FROM and not flat
    panels = figure.subplots(1, 2 if zoomed else 1, squeeze=False)[0]
    for axes in panels:
        for key, run, dashed, curve in lines:
            part = "Test" if key.startswith("val_") else "Train"
            label = part if reference is None else f"{part}, {run}"
            _draw(axes, label, dashed, curve)
        axes.set_ylabel(metric.capitalize())
        if flat:
            axes.set_ylim(-0.02, 1.02)  # all that a share can be, and no negative ones
    if zoomed:
        panels[0].set_title("all epochs", color=style.MUTED)
        first = max(SKIPPED[0], int(SKIPPED[1] * epochs[-1]))
        _zoom(panels[1], [curve for _, _, _, curve in lines], first)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def _curves(history: Any) -> tuple[Mapping[str, Sequence[float]], list[int]]:
    """Return the curves and the numbers of their epochs, the first of all epochs being 1."""
    curves = history if isinstance(history, Mapping) else getattr(history, "history", None)
    if not isinstance(curves, Mapping) or not any(len(values) for values in curves.values()):
        fix = "give what fit() returned, after an epoch at least"
        raise ArgumentError(message("history_curves(history)", "curves of a run", "none", fix))
    length = max(len(values) for values in curves.values())
    epochs = getattr(history, "epoch", None)
    return curves, [k + 1 for k in epochs] if epochs else list(range(1, length + 1))


def _placed(epochs: list[int], values: Sequence[float]) -> Curve:
    """Return a curve with its epochs: fewer than all, if validation came every few epochs only."""
    every = max(1, len(epochs) // max(1, len(values)))
    places = [epoch for epoch in epochs if epoch % every == 0]
    return places[: len(values)], list(values)


def _last_values(lines: list[tuple[str, str, bool, Curve]], metric: str) -> list[str]:
    """Return what each run ended with, as one text a run."""
    texts: dict[str, list[str]] = {}
    for key, run, _, (epochs, values) in lines:
        part = "test" if key.startswith("val_") else "train"
        after = f"{run} after {epochs[-1]} epoch{'' if epochs[-1] == 1 else 's'}"
        texts.setdefault(after, []).append(f"{part} {values[-1]:.4f}")
    return [f"{run}: {', '.join(parts)}" for run, parts in texts.items()]


def _draw(axes: Axes, label: str, dashed: bool, curve: Curve) -> None:
    epochs, values = curve
    axes.plot(
        epochs,
        values,
        label=label,
        color=style.VERMILLION if label.startswith("Test") else style.BLUE,
        linestyle=(0, (4, 2)) if dashed else "-",
        linewidth=1.5 if dashed else 2.2,
        alpha=0.75 if dashed else 1.0,
        marker="o" if len(values) == 1 else None,
    )
    axes.grid(axis="y")
    axes.set_xlabel("Epoch")
    style.whole_numbers(axes.xaxis)


def _zoom(axes: Axes, curves: list[Curve], skipped: int) -> None:
    """Show the epochs after the steep ones only, filling the panel's height."""
    axes.set_title(f"from epoch {skipped + 1} on, enlarged", color=style.MUTED)
    axes.set_ylabel("")
    late = [
        value
        for epochs, values in curves
        for epoch, value in zip(epochs, values, strict=True)
        if epoch > skipped
    ]
    margin = 0.06 * (max(late) - min(late)) or 0.01
    axes.set_ylim(min(late) - margin, max(late) + margin)
    axes.set_xlim(skipped + 0.5, None)
