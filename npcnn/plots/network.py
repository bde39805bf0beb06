"""A diagram of a model: what each layer gives, how large it is, and what it has learned from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from npcnn.checks import ArgumentError, message
from npcnn.plots import style

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

COLOURS = {
    "Input": style.PAPER,
    "Conv2D": style.SKY,
    "MaxPooling2D": style.ORANGE,
    "Flatten": style.YELLOW,
    "Dense": style.GREEN,
    "Dropout": style.PURPLE,
}


class Block(NamedTuple):
    """One block of the diagram: a layer and what it gives."""

    kind: str
    details: list[str]
    shape: tuple[int, ...]
    parameters: int | None
    window: tuple[int, int] | None


class Outline(NamedTuple):
    """Where a block was drawn: its front, and how far it reaches to the right."""

    x: float
    top: float
    width: float
    height: float
    right: float


@style.styled
def network_diagram(model: Any, title: str = "") -> Figure:
    """Draw a model's layers in order: each block is what the layer gives, named above and below.

    A stack of squares is a stack of feature maps (side: rows and columns, depth: channels), a bar
    of cells a vector. The small square on a stack is the window that the next layer looks through.

    Args:
        model: a Sequential whose shapes are known.
        title: a text for the head; one is made if it is empty.

    Raises:
        StateError: the model is not built.
        ArgumentError: it has a layer whose output is no vector and no stack of images.

    >>> from npcnn import Sequential, layers
    >>> model = Sequential([layers.Dense(3, activation="softmax", input_shape=(4,))])
    >>> figure = network_diagram(model)
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['Input', '4', 'Dense', 'softmax', '3', '15 parameters', '']
    """
    blocks = list_blocks(model)
    title = title or f"{len(blocks) - 1} layers, {model.count_params():,} parameters"
    note = "each block is what a layer gives"
    if any(block.window for block in blocks):
        note += "; small square: the window the next layer looks through"
    rows = math.ceil(len(blocks) / PER_ROW)
    height = 0.85 + rows * ROW
    width = LEFT + min(len(blocks), PER_ROW) * ACROSS
    figure = style.new_figure(title, note, height=height, width=max(width, 8.2), arranged=False)
    axes = style.bare(figure.add_axes((0, 0, 1, (height - 0.75) / height)))
    axes.set_xlim(0, figure.get_figwidth())
    axes.set_ylim(height - 0.75, 0)
    largest = max([max(block.shape[:2]) for block in blocks if len(block.shape) == 3], default=1)
    before: Outline | None = None
    for i, block in enumerate(blocks):
        row, column = divmod(i, PER_ROW)
        x, y = LEFT + column * ACROSS, row * ROW
        after = _draw_block(axes, block, x, y, largest)
        if before is not None and column:
            _join(axes, before, after, blocks[i - 1], block, y + MIDDLE)
        elif before is not None:  # a new row: one arrow out of the last, one into this
            _arrow(axes, before.right + 0.1, before.right + 0.4, y - ROW + MIDDLE)
            _arrow(axes, 0.05, x - 0.05, y + MIDDLE)
        before = after
    return figure


def list_blocks(model: Any) -> list[Block]:
    """Return the blocks of a built model: its input, then one a layer.

    >>> from npcnn import Sequential, layers
    >>> model = Sequential([layers.Conv2D(2, 3, input_shape=(8, 8, 1))])
    >>> list_blocks(model)[1].details, list_blocks(model)[1].shape
    (['2 filters 3 × 3'], (6, 6, 2))
    """
    blocks = [Block("Input", [], tuple(model.input_shape[1:]), None, None)]
    for layer in model.layers:
        config = layer.get_config()
        details = describe(config)
        window = config.get("kernel_size") or config.get("pool_size")
        shape = tuple(layer.output_shape[1:])
        blocks.append(Block(type(layer).__name__, details, shape, layer.count_params(), window))
    for block in blocks:
        if len(block.shape) not in (1, 3):
            expected = "vectors (n,) or images (rows, columns, channels)"
            got, fix = f"{block.kind} with {block.shape}", "draw the part of the model that fits"
            raise ArgumentError(message("network_diagram(model)", expected, got, fix))
    return blocks


def describe(config: dict[str, Any]) -> list[str]:
    """Return a layer's arguments as at most two short lines, defaults left out.

    >>> describe({"pool_size": (2, 2), "strides": (1, 1), "padding": "same"})
    ['windows 2 × 2', 'step 1 × 1, same']
    """
    head, tail = [], []
    if "filters" in config:
        head.append(f"{config['filters']} filters {_times(config['kernel_size'])}")
    if "pool_size" in config:
        head.append(f"windows {_times(config['pool_size'])}")
    if "rate" in config:
        head.append(f"drops {config['rate']:.0%}")
    usual = config.get("pool_size", (1, 1))
    if config.get("strides", usual) != usual:
        tail.append(f"step {_times(config['strides'])}")
    if config.get("dilation_rate", (1, 1)) != (1, 1):
        tail.append(f"spread {_times(config['dilation_rate'])}")
    if config.get("padding") == "same":
        tail.append("same")
    if config.get("activation") not in (None, "linear"):
        tail.append(config["activation"])
    return [", ".join(head), ", ".join(tail)] if head and tail else [*filter(None, head + tail)]


def _times(sizes: tuple[int, ...]) -> str:
    return " × ".join(map(str, sizes))


def _draw_block(axes: Axes, block: Block, x: float, y: float, largest: int) -> Outline:
    """Draw a block and its texts at the cell whose upper left corner is (x, y)."""
    colour = COLOURS.get(block.kind, style.FAINT)
    kind = block.kind if len(block.kind) <= 15 else block.kind[:14] + "…"
    axes.text(x, y + 0.26, kind, fontsize=13, fontweight="bold")
    for line, text in enumerate(block.details):
        axes.text(x, y + 0.48 + 0.19 * line, text, fontsize=11)
    draw = _draw_maps if len(block.shape) == 3 else _draw_vector
    outline = draw(axes, block, x, y + MIDDLE, largest, colour)
    axes.text(x, y + 2.3, _times(block.shape), fontsize=12)
    count = block.parameters
    learned = "" if not count else "1 parameter" if count == 1 else f"{count:,} parameters"
    if learned:
        axes.text(x, y + 2.52, learned, fontsize=11, color=style.MUTED)
    return outline


def _draw_maps(
    axes: Axes, block: Block, x: float, middle: float, largest: int, colour: str
) -> Outline:
    """Draw a stack of maps; a side is the root of its size, so that 7 × 7 is still seen."""
    rows, columns = (max(0.08, SIDE * math.sqrt(size / largest)) for size in block.shape[:2])
    depth = (min(block.shape[2], MAPS) - 1) * STEP
    top = middle - (rows - depth) / 2
    for k in range(min(block.shape[2], MAPS)):  # the back one, up and to the right, comes first
        shift = depth - k * STEP
        _box(axes, x + shift, top - shift, columns, rows, colour)
    return Outline(x, top, columns, rows, x + columns + depth)


def _draw_vector(
    axes: Axes, block: Block, x: float, middle: float, largest: int, colour: str
) -> Outline:
    """Draw a vector as a bar of cells; a long one has dots in its middle, dropout leaves holes."""
    shown = min(block.shape[0], MOST_CELLS)
    top = middle - shown * CELL_SIDE / 2
    for k in range(shown):
        y = top + k * CELL_SIDE
        if block.shape[0] > shown and abs(k - (shown - 1) / 2) < 2:
            axes.plot(x + BAR / 2, y + CELL_SIDE / 2, ".", color=style.INK, markersize=3)
            continue
        hole = block.kind == "Dropout" and k % 2
        _box(axes, x, y, BAR, CELL_SIDE, style.PAPER if hole else colour)
    return Outline(x, top, BAR, shown * CELL_SIDE, x + BAR)


def _box(axes: Axes, x: float, y: float, width: float, height: float, colour: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle((x, y), width, height, facecolor=colour, edgecolor=style.INK, linewidth=0.8)
    )


def _join(
    axes: Axes, before: Outline, after: Outline, source: Block, target: Block, middle: float
) -> None:
    """Lead from one block to the next: by its window, if it has one, or else by an arrow."""
    if target.window is None or len(source.shape) != 3 or len(target.shape) != 3:
        _arrow(axes, before.right + 0.1, after.x - 0.1, middle)
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


def _arrow(axes: Axes, start: float, end: float, y: float) -> None:
    properties = {"arrowstyle": "-|>", "color": style.MUTED, "linewidth": 1.4}
    axes.annotate("", (end, y), (start, y), arrowprops=properties)
