"""The table of a model: layer, output shape, parameters, and in a graph what hands on to what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from npcnn.network import Network

WIDTH, GRAPH_WIDTH = 65, 98  # characters of a line, as in Keras 2
_COLUMNS, _GRAPH_COLUMNS = (0.53, 0.86, 1.0), (0.33, 0.55, 0.67, 1.0)  # where they end
Row = tuple[str, ...]


def summary_lines(
    model: Network, line_length: int | None = None, expand_nested: bool = False,
    show_trainable: bool = False,
) -> list[str]:  # fmt: skip
    """Return the lines of a model's table, in the form of the document's.

    Layers that are not built yet have '?' and no parameters, as in Keras.

    Args:
        model: built or not.
        line_length: characters of a line; 65, or 98 for a graph.
        expand_nested: whether the layers of models within the model follow them.
        show_trainable: whether a column says Y or N.
    """
    graph = model.built and model.keras_class == "Functional" and not model.is_written
    joined = graph and not model.graph.chain
    ends = _GRAPH_COLUMNS if joined else _COLUMNS
    width = GRAPH_WIDTH if joined else WIDTH
    if line_length is not None:
        width = max(line_length - 11 * show_trainable, len(ends))
    edges = [round(width * end) for end in ends]
    head: Row = ("Layer (type)", "Output Shape", "Param #")
    head += ("Connected to",) * joined
    if show_trainable:
        head, edges = (*head, "Trainable"), [*edges, width + 11]
    lines = [f'Model: "{model.name}"', "_" * edges[-1]]
    lines += [_row((f" {head[0]}", *head[1:]), edges), "=" * edges[-1]]
    for row in _rows(model, joined, expand_nested, show_trainable, " "):
        lines += _lines(row, edges)
    built = [layer for layer in model.leaves if layer.built]
    total = sum(value.size for layer in built for _, value in layer.own_arrays())
    learnt = [layer.parameters() for layer in built if layer.trainable]
    trainable = sum(value.size for own in learnt for _, value, _ in own)
    return [
        *lines,
        "=" * edges[-1],
        f"Total params: {total:,}",
        f"Trainable params: {trainable:,}",
        f"Non-trainable params: {total - trainable:,}",
        "_" * edges[-1],
    ]


def _rows(model: Network, joined: bool, nested: bool, flags: bool, indent: str) -> list[Row]:
    """Return the cells of each layer, those of models within it after them if wanted."""
    rows: list[Row] = []
    nodes = {id(node) for node in model.graph_nodes()}
    for layer in model.layers if model.is_written else model.made_of():
        kind = f"{indent}{layer.name} ({type(layer).__name__})"
        row: Row = (kind, "?", "0 (unbuilt)")
        if layer.built:
            row = (kind, str(layer.output_shape), str(layer.count_params()))
        if joined:
            row = (*row, "\n".join(_sources(layer, nodes)))
        rows.append((*row, "Y" if layer.trainable else "N") if flags else row)
        if nested and hasattr(layer, "layers"):
            rows += _rows(layer, joined, nested, flags, indent + "  ")
    return rows


def _sources(layer: Any, nodes: set[int]) -> list[str]:
    """Return what a layer is given, as Keras writes it: name[call][output]."""
    found = []
    for node in layer._inbound_nodes:
        for tensor in node.inputs if id(node) in nodes else ():
            calls = [n for n in tensor.node.operation._inbound_nodes if id(n) in nodes]
            found.append(f"{tensor.name}[{calls.index(tensor.node)}][{tensor.place}]")
    return found


def _lines(row: Row, edges: list[int]) -> list[str]:
    """Return a row of the table; a cell of several lines makes it several."""
    cells = [cell.split("\n") for cell in row]
    height = max(map(len, cells))
    parts = [[*cell, *[""] * (height - len(cell))] for cell in cells]
    return [_row(line, edges) for line in zip(*parts, strict=True)]


def _row(cells: Row, edges: list[int]) -> str:
    """Return the cells side by side; a cell too long for its column keeps one space after it."""
    line = ""
    for cell, edge in zip(cells, edges, strict=True):
        line = f"{line}{cell}".ljust(edge)
        if len(line) > edge or not line.endswith(" "):
            line += " "
    return line.rstrip()
