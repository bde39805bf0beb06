"""The table of a model: layer, output shape, parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from npcnn.architecture import LayerStack

_COLUMNS = (34, 22, 9)


def summary_lines(model: LayerStack) -> list[str]:
    """Return the lines of a model's table, in the form of the document's.

    Layers that are not built yet have '?' and no parameters, as in Keras.
    """
    width = sum(_COLUMNS)
    lines = [f'Model: "{model.name}"', "_" * width]
    lines += [_row(" Layer (type)", "Output Shape", "Param #"), "=" * width]
    for layer in model.layers:
        kind = f" {layer.name} ({type(layer).__name__})"
        if layer.built:
            lines.append(_row(kind, str(layer.output_shape), str(layer.count_params())))
        else:
            lines.append(_row(kind, "?", "0 (unbuilt)"))
    built = [layer for layer in model.layers if layer.built]
    total = sum(layer.count_params() for layer in built)
    learnt = [layer.parameters() for layer in built if layer.trainable]
    trainable = sum(value.size for own in learnt for _, value, _ in own)
    lines += [
        "=" * width,
        f"Total params: {total:,}",
        f"Trainable params: {trainable:,}",
        f"Non-trainable params: {total - trainable:,}",
        "_" * width,
    ]
    return lines


def _row(*cells: str) -> str:
    """Return the cells side by side; a cell too long for its column keeps one space after it."""
    line, edge = "", 0
    for cell, width in zip(cells, _COLUMNS, strict=True):
        edge += width
        line = f"{line}{cell}".ljust(edge)
        if len(line) > edge or not line.endswith(" "):
            line += " "
    return line.rstrip()
