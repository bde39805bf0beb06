"""A diagram of a model: what each layer gives, how large it is, and what it has learned from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from npcnn import tables
from npcnn.arguments import AModel
from npcnn.checks import ArgumentError, message
from npcnn.figures import style
from npcnn.plots import facts
from npcnn.plots.labels import name_lines
from npcnn.plots.model_chart import chart_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PER_ROW = 6  # blocks side by side; more layers take more rows
ACROSS, ROW = 1.8, 2.75  # inches that a block takes, across and down
LEFT = 0.35  # inches before the first block
SIDE = 0.95  # inches of the largest map's side
MAPS, STEP = 8, 0.055  # maps drawn of a stack at most, inches from one to the next
BAR, CELL_SIDE = 0.18, 0.085  # inches of a vector's cell, across and down
MOST_CELLS = 15  # cells drawn of a vector at most
MIDDLE = 1.45  # inches from the top of a cell to the middle of its block


class Block(NamedTuple):
    """One block of the diagram: a layer and what it gives."""

    kind: str
    details: list[str]
    shape: tuple[int, ...]
    parameters: int | None
    window: tuple[int, int] | None
    colour: str = style.PAPER
    holes: bool = False


class Outline(NamedTuple):
    """Where a block was drawn: its front, how far it reaches right, and its cell's corner."""

    x: float
    top: float
    width: float
    height: float
    right: float
    cell: tuple[float, float]


@style.styled
def network_diagram(model: AModel, title: str = "") -> Figure:
    """Draw a model's layers in order: each block is what the layer gives, named above and below.

    Where the model branches it is a chart: a box a layer, lines from one to the next. Else a stack
    of squares is a stack of feature maps (side: rows and columns, depth: channels), a bar of cells
    a vector; the small square on a stack is the window that the next layer looks through.

    Args:
        model: one whose shapes are known.
        title: a text for the head; one is made if it is empty.

    Raises:
        StateError: the model is not built.
        ArgumentError: it has no branches, and an output that is no vector and no stack of images.

    >>> from npcnn import Sequential, layers
    >>> model = Sequential([layers.Dense(3, activation="softmax", input_shape=(4,))])
    >>> figure = network_diagram(model)
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['Input', '4', 'Dense', 'softmax', '3', '15 parameters', '']
    """
    graph = model.graph
    title = title or f"{len(graph.layers)} layers, {model.count_params():,} parameters"
    return draw_blocks(list_blocks(model), title) if graph.chain else chart_of(model, title)


def list_blocks(model: Any) -> list[Block]:
    """Return the blocks of a built model: its input, then one a layer.

    >>> from npcnn import Sequential, layers
    >>> model = Sequential([layers.Conv2D(2, 3, input_shape=(8, 8, 1))])
    >>> list_blocks(model)[1].details, list_blocks(model)[1].shape
    (['2 filters 3 × 3'], (6, 6, 2))
    """
    blocks = [Block("Input", [], tuple(model.input_shape[1:]), None, None)]
    for layer in model.graph.layers:
        shape = tuple(layer.output_shape[1:])
        kind, window = type(layer).__name__, facts.window(layer)
        about = tables.details(layer), shape, layer.count_params(), window
        blocks.append(Block(kind, *about, facts.colour(layer), facts.drops(layer)))
    for block in blocks:
        if len(block.shape) not in (1, 3):
            expected = "vectors (n,) or images (rows, columns, channels)"
            got, fix = f"{block.kind} with {block.shape}", "draw the part of the model that fits"
            raise ArgumentError(message("network_diagram(model)", expected, got, fix))
    return blocks


def draw_blocks(blocks: list[Block], title: str) -> Figure:
    """Draw blocks in rows, and what leads from one to the next."""
    note = "each block is what a layer gives"
    if any(block.window for block in blocks):
        note += "; small square: the window the next layer looks through"
    height = 0.85 + math.ceil(len(blocks) / PER_ROW) * ROW
    width = LEFT + min(len(blocks), PER_ROW) * ACROSS
    figure = style.new_figure(title, note, height=height, width=max(width, 8.2), arranged=False)
    axes = style.bare(figure.add_axes((0, 0, 1, (height - 0.75) / height)))
    axes.set_xlim(0, figure.get_figwidth())
    axes.set_ylim(height - 0.75, 0)
    largest = max([max(block.shape[:2]) for block in blocks if len(block.shape) == 3], default=1)
    drawn: list[Outline] = []
    for place, block in enumerate(blocks):
        row, column = divmod(place, PER_ROW)
        drawn.append(_draw_block(axes, block, LEFT + column * ACROSS, row * ROW, largest))
        if column:
            _join(axes, drawn[-2], drawn[-1], blocks[place - 1], block)
        elif row:
            _lead(axes, drawn[-2], drawn[-1])
    return figure


def _draw_block(axes: Axes, block: Block, x: float, y: float, largest: int) -> Outline:
    """Draw a block and its texts at the cell whose upper left corner is (x, y)."""
    size = 13 if len(block.kind) <= 14 else 11
    for line, text in enumerate(reversed(name_lines(block.kind))):
        axes.text(x, y + 0.26 - 0.19 * line, text, fontsize=size, fontweight="bold")
    for line, text in enumerate(block.details):
        axes.text(x, y + 0.48 + 0.19 * line, text, fontsize=11)
    draw = _draw_maps if len(block.shape) == 3 else _draw_vector
    outline = draw(axes, block, x, y, largest)
    axes.text(x, y + 2.3, tables.times(block.shape), fontsize=12)
    count = block.parameters
    learned = "" if not count else "1 parameter" if count == 1 else f"{count:,} parameters"
    if learned:
        axes.text(x, y + 2.52, learned, fontsize=11, color=style.MUTED)
    return outline


def _draw_maps(axes: Axes, block: Block, x: float, y: float, largest: int) -> Outline:
    """Draw a stack of maps; a side is the root of its size, so that 7 × 7 is still seen."""
    rows, columns = (max(0.08, SIDE * math.sqrt(size / largest)) for size in block.shape[:2])
    depth = (min(block.shape[2], MAPS) - 1) * STEP
    top = y + MIDDLE - (rows - depth) / 2
    for k in range(min(block.shape[2], MAPS)):  # the back one, up and to the right, comes first
        shift = depth - k * STEP
        _box(axes, x + shift, top - shift, columns, rows, block.colour)
    return Outline(x, top, columns, rows, x + columns + depth, (x, y))


def _draw_vector(axes: Axes, block: Block, x: float, y: float, largest: int) -> Outline:
    """Draw a vector as a bar of cells; a long one has dots in its middle, dropout leaves holes."""
    shown = min(block.shape[0], MOST_CELLS)
    top = y + MIDDLE - shown * CELL_SIDE / 2
    for k in range(shown):
        edge = top + k * CELL_SIDE
        if block.shape[0] > shown and abs(k - (shown - 1) / 2) < 2:
            axes.plot(x + BAR / 2, edge + CELL_SIDE / 2, ".", color=style.INK, markersize=3)
            continue
        hole = block.holes and k % 2
        _box(axes, x, edge, BAR, CELL_SIDE, style.PAPER if hole else block.colour)
    return Outline(x, top, BAR, shown * CELL_SIDE, x + BAR, (x, y))


def _box(axes: Axes, x: float, y: float, width: float, height: float, colour: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle((x, y), width, height, facecolor=colour, edgecolor=style.INK, linewidth=0.8)
    )


def _join(axes: Axes, before: Outline, after: Outline, source: Block, target: Block) -> None:
    """Lead from one block to the next: by its window, if it has one, or else by an arrow."""
    if target.window is None or len(source.shape) != 3 or len(target.shape) != 3:
        start = before.right + 0.1, before.cell[1] + MIDDLE
        _arrow(axes, start, (after.x - 0.1, after.cell[1] + MIDDLE))
        return
    height = before.height * min(1.0, target.window[0] / source.shape[0])
    width = before.width * min(1.0, target.window[1] / source.shape[1])
    x = before.x + (before.width - width) * 0.7
    y = before.top + (before.height - height) * 0.4
    _box(axes, x, y, width, height, style.PAPER)
    end = after.x + after.width * 0.25, after.top + after.height * 0.5
    for edge in (y, y + height):
        axes.plot((x + width, end[0]), (edge, end[1]), color=style.INK, linewidth=0.8, zorder=5)
    axes.plot(*end, "s", color=style.INK, markersize=3, zorder=5)


def _lead(axes: Axes, before: Outline, after: Outline) -> None:
    """Lead from the end of a row to the start of the next."""
    leave, arrive = before.cell[1] + MIDDLE, after.cell[1] + MIDDLE
    _arrow(axes, (before.right + 0.1, leave), (before.right + 0.4, leave))
    _arrow(axes, (0.05, arrive), (after.x - 0.05, arrive))


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    properties = {"arrowstyle": "-|>", "color": style.MUTED, "linewidth": 1.4}
    axes.annotate("", end, start, arrowprops=properties)
