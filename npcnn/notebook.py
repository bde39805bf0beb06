"""What a notebook shows: HTML of tables and pictures, and whether it is one that asks."""

from __future__ import annotations

import base64
import html
import sys
from collections.abc import Iterable
from typing import Any

from npcnn.figures import style
from npcnn.figures.history import history_curves
from npcnn.tables import details, figures

Row = tuple[str, ...]
FIRST, LAST = 3, 12  # rows of a long table that are shown


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this program.

    >>> in_notebook()
    False
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "IPKernelApp" in shell.config


def table(rows: list[Row], caption: str = "", left: int = 1, whole: bool = False) -> str:
    """Return rows as an HTML table, the first as its head; of many rows the first and last ones.

    Args:
        rows: cells as plain texts; they are escaped here.
        caption: above the table; may be left out.
        whole: whether all rows are shown, however many.
        left: columns whose cells stand on the left; those of the others stand on the right.

    >>> table([("name", "size"), ("a<b", "1")]).count("&lt;")
    1
    """
    head, *body = rows
    if not whole and len(body) > FIRST + LAST + 1:
        body = [*body[:FIRST], tuple("…" for _ in head), *body[-LAST:]]
    lines = [_row("th", head, left), *(_row("td", row, left) for row in body)]
    above = f"<div><b>{html.escape(caption)}</b></div>" if caption else ""
    return f"{above}<table>{''.join(lines)}</table>"


def _row(tag: str, cells: Row, left: int) -> str:
    sides = ["left" if place < left else "right" for place in range(len(cells))]
    made = (
        f'<{tag} style="text-align:{side};white-space:nowrap">{html.escape(cell)}</{tag}>'
        for side, cell in zip(sides, cells, strict=True)
    )
    return f"<tr>{''.join(made)}</tr>"


def text(lines: Any) -> str:
    """Return lines as they are, in letters of one width.

    >>> text("a < b")
    '<pre>a &lt; b</pre>'
    """
    return f"<pre>{html.escape(str(lines))}</pre>"


def pictures(drawings: Iterable[Any], alt: str) -> str:
    """Return matplotlib figures side by side, as images that need no other file."""
    sources = [base64.b64encode(style.png(figure)).decode() for figure in drawings]
    share = 96 // max(len(sources), 1)
    alt = html.escape(alt, quote=True)
    return "".join(
        f'<img src="data:image/png;base64,{source}" alt="{alt}" style="width:{share}%">'
        for source in sources
    )


def cells(matrix: Any, size: float, heading: str, outside: Any = None) -> str:
    """Return a matrix as a table of coloured cells: red above 0, blue below, white at 0.

    Args:
        matrix: (rows, columns).
        size: the value in full colour.
        heading: above the table.
        outside: booleans of the same shape: cells shown as lying beside the picture.
    """
    rows = []
    for i, row in enumerate(matrix):
        made = []
        for j, value in enumerate(row):
            beside = outside is not None and outside[i, j]
            share = min(abs(float(value)) / (size or 1.0), 1.0)
            rest = round(255 - 155 * share)
            colour = (255, rest, rest) if value > 0 else (rest, rest, 255)
            look = "border:1px dashed #999" if beside else "border:1px solid #ddd"
            made.append(
                f'<td style="background:rgb{colour};color:#1a1a1a;text-align:right;{look}">'
                f"{float(value) + 0.0:.4g}</td>"
            )
        rows.append(f"<tr>{''.join(made)}</tr>")
    return f"<div>{html.escape(heading)}<table>{''.join(rows)}</table></div>"


def beside(parts: list[str]) -> str:
    """Return pieces of HTML side by side."""
    inner = "".join(f'<div style="margin-right:1em">{part}</div>' for part in parts)
    return f'<div style="display:flex;align-items:center">{inner}</div>'


# What npcnn's objects show --------------------------------------------------------------------


def of_model(model: Any) -> str:
    """Return a model's layers as a table: name, class, arguments, output shape, parameters."""
    rows: list[Row] = [("layer", "class", "arguments", "output shape", "parameters")]
    for layer in model.layers:
        shape = str(layer.output_shape) if layer.built else "not built"
        count = f"{layer.count_params():,}" if layer.built else "–"
        rows.append((str(layer.name), type(layer).__name__, _arguments(layer), shape, count))
    return table(rows, model_line(model), left=4, whole=True)


def model_line(model: Any) -> str:
    """Return a model in a line."""
    count = f"{len(model.layers)} layer{'' if len(model.layers) == 1 else 's'}"
    learned = f"{model.count_params():,} parameters" if model.built else "not built"
    return f"{type(model).__name__} {model.name!r}: {count}, {learned}"


def of_layer(layer: Any) -> str:
    """Return a layer in a line, and its parameters as a table."""
    rows: list[Row] = [("parameter", "shape", "min", "mean", "max", "norm")]
    rows += [(name, str(value.shape), *figures(value)) for name, value, _ in layer.parameters()]
    line = ". ".join(filter(None, (layer_line(layer), _arguments(layer))))
    return table(rows, line, left=2) if len(rows) > 1 else f"<b>{html.escape(line)}</b>"


def layer_line(layer: Any) -> str:
    """Return a layer in a line: its class, name and shapes."""
    name = getattr(layer, "name", None) if layer.name_counts else None
    head = type(layer).__name__ + (f" {name!r}" if name else "")
    if getattr(layer, "input_shape", None) is None:
        return f"{head}: not built"
    return (
        f"{head}: {layer.input_shape} → {layer.output_shape}, {layer.count_params():,} parameters"
    )


def _arguments(layer: Any) -> str:
    return "" if hasattr(layer, "layers") else ", ".join(details(layer))


def of_history(history: Any) -> str:
    """Return a run's numbers, a row an epoch, and its curves."""
    curves = history.history
    if not any(len(values) for values in curves.values()):
        return f"<b>{html.escape(history_line(history))}</b>"
    rows: list[Row] = [("epoch", *curves)]
    whole = {name: len(values) == len(history.epoch) for name, values in curves.items()}
    for place, epoch in enumerate(history.epoch):
        numbers = (f"{values[place]:.4f}" if whole[n] else "–" for n, values in curves.items())
        rows.append((str(epoch + 1), *numbers))
    drawn = [name for name in curves if not name.startswith("val_")][:2]
    drawings = [history_curves(history, name) for name in drawn]
    return table(rows, history_line(history), left=0) + pictures(drawings, "curves of the run")


def history_line(history: Any) -> str:
    """Return a run in a line: how many epochs, and the last numbers."""
    count = len(history.epoch)
    last = [f"{name} {values[-1]:.4f}" for name, values in history.history.items() if len(values)]
    text = f"History: {count} epoch{'' if count == 1 else 's'}"
    return f"{text}, at the end {', '.join(last)}" if last else text
