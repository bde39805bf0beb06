"""Windows as text: the formula with the numbers in, so that it can be done again by hand.

In a notebook, cells are coloured.
"""

from __future__ import annotations

import html
from typing import Any

import numpy as np

from npcnn import notebook
from npcnn.tables import columns

Array = np.ndarray

SHOWN = 10  # contributions of a dense unit that are printed
MOST_CHANNELS = 5  # of a window in a notebook


def digits(value: float) -> str:
    """Return a number with six significant digits, a true minus sign left out of words.

    >>> digits(-0.5), digits(1234567.0), digits(float("-inf"))
    ('-0.5', '1.23457e+06', '-inf')
    """
    return f"{value + 0.0:.6g}"


def plus(value: float) -> str:
    """Return a number as the next term of a sum.

    >>> plus(0.5), plus(-0.5)
    ('+ 0.5', '- 0.5')
    """
    return f"{'-' if value < 0 else '+'} {digits(abs(value))}"


def convolution(w: Any) -> str:
    """Return a ConvWindow's formula: patch, kernel and products channel by channel."""
    height, width, channels = w.patch.shape
    bottom = w.top + (height - 1) * w.dilation[0]
    right = w.left + (width - 1) * w.dilation[1]
    lines = [
        f"{w.layer}: sample {w.sample}, row {w.row}, column {w.col}, filter {w.filter}",
        f"window: rows {w.top} to {bottom}, columns {w.left} to {right} of the input"
        + ("" if w.inside.all() else "; cells in [ ] hang over the edge and count 0"),
    ]
    for c in range(channels):
        blocks = [_cells(w.patch[:, :, c], w.inside), _cells(w.kernel[:, :, c]),
                  _cells(w.products[:, :, c])]  # fmt: skip
        heads = (f"input channel {c}", "kernel", "input × kernel")
        lines += ["", *_side_by_side(blocks, heads, (" × ", " = "))]
    sums = w.products.sum(axis=(0, 1))
    lines.append("")
    if channels > 1:
        terms = " ".join([digits(sums[0]), *(plus(v) for v in sums[1:])])
        lines.append(f"sum of products, by channel: {terms} = {digits(w.total)}")
    else:
        lines.append(f"sum of products: {digits(w.total)}")
    return "\n".join([*lines, *_ending(w), _share(w)])


def _share(w: Any) -> str:
    return (
        f"this pixel adds input × {digits(w.grad_pre_activation)} to the kernel's gradient, "
        f"{digits(w.grad_pre_activation)} to the bias's"
    )


def pooling(w: Any) -> str:
    """Return a PoolWindow's formula: the cells, the winner, where the gradient went."""
    height, width = w.cells.shape
    marked = [
        [digits(v) + ("*" if (i, j) == w.winner else " ") for j, v in enumerate(row)]
        for i, row in enumerate(w.cells)
    ]
    numbers = ", ".join(digits(v) for v in w.cells.ravel())
    lines = [
        f"{w.layer}: sample {w.sample}, row {w.row}, column {w.col}, channel {w.filter}",
        f"window: rows {w.top} to {w.top + height - 1}, columns {w.left} to {w.left + width - 1}"
        " of the input; * marks the first maximum",
        *("  " + line for line in columns([tuple(row) for row in marked], left=0)),
        f"max({numbers}) = {digits(w.activation)}, from row {w.source[0]}, column {w.source[1]}",
        f"gradient by this output: {digits(w.grad_activation)}",
        f"all of it went to that row and column, 0 to the other {w.cells.size - 1} cells",
    ]
    if w.grad_source != w.grad_activation:
        lines.append(f"with the other windows it won, that cell got {digits(w.grad_source)}")
    return "\n".join(lines)


def dense(w: Any) -> str:
    """Return a DenseUnit's formula: its largest contributions, the rest in one number."""
    shown = w.largest[:SHOWN]
    lines = [f"{w.layer}: sample {w.sample}, unit {w.unit}, {len(w.inputs)} inputs"]
    rows: list[tuple[str, ...]] = [("", "input", "", "weight", "", "product")]
    for i in shown:
        numbers = [digits(float(v)) for v in (w.inputs[i], w.weights[i], w.contributions[i])]
        rows.append((w.place(int(i)), numbers[0], "×", numbers[1], "=", numbers[2]))
    lines += ["  " + line for line in columns(rows)]
    shown_sum = float(w.contributions[shown].sum())
    rest = w.total - shown_sum
    lines.append(
        f"sum of products: {digits(shown_sum)} shown {plus(rest)} from the other "
        f"{len(w.inputs) - len(shown)} = {digits(w.total)}"
    )
    return "\n".join([*lines, *_ending(w)])


def _ending(w: Any) -> list[str]:
    """Return bias, activation and the way back, which convolution and dense have in common."""
    z, y = digits(w.pre_activation), digits(w.activation)
    lines = [f"with the bias: {digits(w.total)} {plus(w.bias)} = {z}"]
    if w.function == "softmax":
        shifted = getattr(w, "pre_activations", None)
        if shifted is None:
            lines.append(f"softmax over the filters: {y}")
        else:
            largest = float(shifted.max())
            powers = np.exp(shifted.astype(np.float64) - largest)
            lines.append(
                f"softmax: exp({z} {plus(-largest)}) / Σ exp(z {plus(-largest)}) = "
                f"{digits(float(np.exp(w.pre_activation - largest)))} / "
                f"{digits(float(powers.sum()))} = {y}"
            )
    elif w.function == "relu":
        lines.append(f"relu: max({z}, 0) = {y}")
    elif w.function != "linear":
        lines.append(f"{w.function}({z}) = {y}")
    if w.function in ("softmax", "linear"):
        lines.append(f"gradient of the loss by this sum: {digits(w.grad_pre_activation)}")
    else:
        lines.append(
            f"gradient of the loss: {digits(w.grad_activation)} by the output, "
            f"{digits(w.grad_pre_activation)} before the {w.function}"
        )
    return lines


def _cells(block: Array, inside: Array | None = None) -> list[list[str]]:
    """Return a matrix as cells of text, those over the edge in brackets."""
    return [
        [
            digits(float(v)) if inside is None or inside[i, j] else f"[{digits(float(v))}]"
            for j, v in enumerate(row)
        ]
        for i, row in enumerate(block)
    ]


def _side_by_side(
    blocks: list[list[list[str]]], heads: tuple[str, ...], signs: tuple[str, ...]
) -> list[str]:
    """Return matrices in a row with a sign between them, at the height of the middle row."""
    texts = [columns([tuple(row) for row in block], left=0) for block in blocks]
    widths = [
        max(len(head), *(len(line) for line in text))
        for head, text in zip(heads, texts, strict=True)
    ]
    lines = ["   ".join(h.ljust(w) for h, w in zip(heads, widths, strict=True)).rstrip()]
    middle = (len(texts[0]) - 1) // 2
    for i in range(len(texts[0])):
        line = ""
        for k, (text, width) in enumerate(zip(texts, widths, strict=True)):
            line += text[i].ljust(width)
            if k < len(signs):
                line += signs[k] if i == middle else "   "
        lines.append(line.rstrip())
    return lines


def of_conv_window(window: Any) -> str:
    """Return a convolution's window as coloured cells, channel by channel, and its formula."""
    channels = window.patch.shape[2]
    sizes = [float(abs(a).max()) for a in (window.patch, window.kernel, window.products)]
    shown = []
    for c in range(min(channels, MOST_CHANNELS)):
        parts = [
            notebook.cells(window.patch[:, :, c], sizes[0], f"input, channel {c}", ~window.inside),
            "×", notebook.cells(window.kernel[:, :, c], sizes[1], "kernel"),
            "=", notebook.cells(window.products[:, :, c], sizes[2], "input × kernel"),
        ]  # fmt: skip
        shown.append(notebook.beside(parts))
    if channels > MOST_CHANNELS:
        shown.append(f"<div>and {channels - MOST_CHANNELS} more channels</div>")
    head, *_, ending = str(window).split("\n\n")
    head = html.escape(head).replace("\n", "<br>")
    return f"<b>{head}</b>{''.join(shown)}{notebook.text(ending)}"


def of_pool_window(window: Any) -> str:
    """Return a pooling's window as coloured cells, and what became of it."""
    finite = window.cells[abs(window.cells) < float("inf")]
    size = float(abs(finite).max(initial=0.0))
    return notebook.cells(window.cells, size, "window") + notebook.text(window)


def of_dense_unit(window: Any) -> str:
    """Return a dense unit's largest contributions as a table, and its formula."""
    rows: list[tuple[str, ...]] = [("from", "input", "weight", "product")]
    for i in map(int, window.largest[:SHOWN]):
        numbers = window.inputs[i], window.weights[i], window.contributions[i]
        rows.append((window.place(i), *(digits(float(v)) for v in numbers)))
    lines = str(window).splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("sum of products"))
    return notebook.table(rows, lines[0]) + notebook.text("\n".join(lines[start:]))
