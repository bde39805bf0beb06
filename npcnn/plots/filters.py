"""Pictures of weights: the filters of a convolution, and how they change while they learn."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from npcnn.arguments import ARecording, Function, Path, checked
from npcnn.checks import ArgumentError, as_numbers, message, positive, positive_int
from npcnn.figures import style
from npcnn.plots import signed
from npcnn.plots.arrays import Array, as_places

Positive = Annotated[float, positive]
Seconds = Annotated[float, partial(positive, most=3600.0)]
Pixels = Annotated[int, partial(positive_int, most=10_000)]

if TYPE_CHECKING:
    from matplotlib.figure import Figure


MOST = 32  # filters, and channels, of one picture: more could not be told apart
ACROSS, LARGEST = 8.4, 1.6  # inches of all filters, and of one at most
MOST_FRAMES = 50  # of a GIF
PER_ROW, MOST_ROWS = 16, 8  # filters of one channel side by side, and rows of them


@style.styled
def filters(
    kernel: Any, title: str = "", size: Positive | None = None, filters: Any = None,
    channels: Any = None,
) -> Figure:  # fmt: skip
    """Draw the filters of a convolution: a column a filter, a row an input channel.

    Filters of a single channel stand in rows of 16. What is left out is said.

    Args:
        kernel: (KH, KW, C, F); or a layer, or its trace, that has one.
        title: a text for the head; one is made if it is empty.
        size: the weight drawn in full colour; None for the largest.
        filters: the numbers of those to draw; None for all, 32 at most (of one channel 128).
        channels: the numbers of the input channels to draw; None for all, 32 at most.

    Raises:
        ArgumentError: there is no kernel of four axes, or no such filter or channel.

    >>> figure = filters(np.random.default_rng(0).normal(size=(3, 3, 1, 5)))
    >>> figure.axes[0].images[0].get_array().shape  # five filters side by side
    (3, 15)
    """
    kernel = _kernel(kernel, "filters(kernel)")
    height, width, depth, count = kernel.shape
    rows = as_places(channels, depth, MOST, "filters(channels)")
    single = len(rows) == 1
    most = PER_ROW * MOST_ROWS if single else MOST
    chosen = as_places(filters, count, most, "filters(filters)")
    size = signed.limit(kernel) if size is None else size
    tiles = _tiles(kernel, rows, chosen)
    columns = min(len(chosen), PER_ROW) if single else len(chosen)
    down = -(-len(tiles) // columns)
    side = min(LARGEST, ACROSS / columns, 6.4 / down if down < 10 else ACROSS / MOST)
    title = title or f"{count} filters of {height}×{width}×{depth}"
    tall = 0.75 + side * height / width * down + 0.6
    figure = style.new_figure(title, _note(chosen, rows, kernel.shape), height=max(tall, 1.9))
    axes = figure.add_subplot()
    image = signed.draw_tiles(axes, tiles, columns, size, signed=True, gap=max(1.5, 3.5 * side))
    _number(axes, chosen, [] if single else rows, columns, side, (height, width))
    signed.colour_key(figure, image, axes, "weight")
    return figure


def _note(filters: list[int], channels: list[int], shape: tuple[int, ...]) -> str:
    """Return how to read the picture, and what is left out of it."""
    counts = {"filters": (len(filters), shape[3]), "channels": (len(channels), shape[2])}
    left_out = {name: pair for name, pair in counts.items() if pair[0] < pair[1]}
    if left_out:
        shown = ", ".join(f"{few} of {all_} {name}" for name, (few, all_) in left_out.items())
        how = ", ".join(f"{name}=…" for name in left_out)
        return f"{shown} ({how} draws others); red adds, blue subtracts, white is 0"
    note = "red weights add what they see, blue ones subtract it; white is 0"
    return note if len(channels) == 1 else f"a column is a filter, a row an input channel; {note}"


def _number(
    axes: Any, filters: list[int], channels: list[int], columns: int, side: float,
    window: tuple[int, int],
) -> None:  # fmt: skip
    """Write the numbers of filters above and of channels beside the tiles."""
    height, width = window
    axes.tick_params(length=0, labelsize=10, top=False, labeltop=True, labelbottom=False, pad=3)
    axes.xaxis.set_label_position("top")
    down = len(channels) or -(-len(filters) // columns)
    places, numbers = signed.tile_ticks(columns, width, columns * side)
    if len(filters) == columns:
        axes.set_xticks(places, [str(filters[k]) for k in numbers])
        axes.set_xlabel("filter", fontsize=11, color=style.MUTED)
    places, numbers = signed.tile_ticks(down, height, down * side * height / width)
    if channels:
        axes.set_yticks(places, [str(channels[k]) for k in numbers])
        axes.set_ylabel("channel", fontsize=11, color=style.MUTED)
    elif down > 1:
        rows = [filters[columns * k : columns * (k + 1)] for k in numbers]
        axes.set_yticks(places, [f"{row[0]} to {row[-1]}" for row in rows])
        axes.set_ylabel("filters", fontsize=11, color=style.MUTED)


def _tiles(kernel: Array, channels: list[int], filters: list[int]) -> Array:
    """Return (channels · filters, KH, KW): what each filter has for each channel."""
    height, width = kernel.shape[:2]
    tiles = kernel[:, :, channels][..., filters].transpose(2, 3, 0, 1)
    return tiles.reshape(-1, height, width)


@checked
def filter_gif(
    recording: ARecording, path: Path, layer: str | None = None,
    seconds: Seconds = 6.0, width: Pixels = 800, retouch: Function | None = None,
) -> None:  # fmt: skip
    """Write a GIF of a filter bank as it learns, one picture a recorded frame, 50 at most.

    All frames share one colour scale; the last one stays for two seconds.

    Args:
        recording: what `npcnn.load_recording` returned.
        path: the file.
        layer: a convolution's name; None for the first.
        seconds: how long a turn takes.
        width: in pixels.
        retouch: called with the Figure before each frame is drawn, to say its words otherwise.

    Raises:
        ArgumentError: the layer has no filters. FileError: the file cannot be written.
    """
    from npcnn.files import atomic_write

    named = ((name, recording.arrays.get(f"weights/{name}/kernel")) for name in recording.layers)
    banks = {name: bank for name, bank in named if bank is not None and bank.ndim == 5}
    name = layer if layer is not None else next(iter(banks), "")
    if name not in banks:
        fix = "name a convolution"
        expected = f"one of {', '.join(banks) or 'no convolution'}"
        raise ArgumentError(message("filter_gif(layer)", expected, repr(layer), fix))
    frames = _frames(recording, name, banks[name], width, retouch or (lambda figure: None))
    each = max(40, int(1000 * seconds / len(frames)))
    times = [each] * (len(frames) - 1) + [2000]
    with atomic_write(path) as temporary:
        frames[0].save(
            temporary, format="GIF", save_all=True, append_images=frames[1:], duration=times,
            loop=0, disposal=1,
        )  # fmt: skip


def _frames(recording: Any, name: str, bank: Array, width: int, retouch: Any) -> list[Any]:
    """Return pictures (Pillow's) of a bank (frames, KH, KW, C, F), which share their colours."""
    from PIL import Image

    figure: Any = filters(bank[0], "a title", signed.limit(bank))
    figure.set_dpi(style.DPI * width / 1000)
    image, head = figure.axes[0].images[0], figure.texts[0]
    moving = [image, *figure.axes[0].collections, head]
    for artist in moving:
        artist.set_animated(True)
    retouch(figure)
    figure.canvas.draw()
    still = figure.canvas.copy_from_bbox(figure.bbox)  # what is alike in all frames, drawn once
    columns = np.shape(image.get_array())[1] // bank.shape[2]
    channels = list(range(min(bank.shape[3], MOST)))
    chosen = list(range(min(bank.shape[4], MOST if len(channels) > 1 else PER_ROW * MOST_ROWS)))
    pictures = []
    shown = np.unique(np.linspace(0, len(bank) - 1, min(len(bank), MOST_FRAMES)).astype(int))
    for frame in shown:
        loss = recording.losses[frame]
        seen = f", loss {loss:.3f}" if np.isfinite(loss) else ""
        head.set_text(f"{name} after {recording.steps[frame]:,} steps{seen}")
        retouch(figure)
        image.set_data(signed.sheet(_tiles(bank[frame], channels, chosen), columns))
        figure.canvas.restore_region(still)
        for artist in moving:
            artist.draw(figure.canvas.get_renderer())
        pictures.append(Image.fromarray(np.array(figure.canvas.buffer_rgba())[..., :3]))
    palette = pictures[-1].quantize(128, method=Image.Quantize.MEDIANCUT)
    return [p.quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures]


def _kernel(given: Any, where: str) -> Array:
    kernel = as_numbers(getattr(given, "kernel", given), where)
    if kernel.ndim != 4 or not kernel.size or kernel.dtype.kind not in "fiu":
        fix = "give a convolution's kernel"
        got = f"{kernel.dtype} {kernel.shape}"
        raise ArgumentError(message(where, "weights (KH, KW, C, F)", got, fix))
    return kernel
