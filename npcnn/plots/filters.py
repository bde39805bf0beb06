"""Pictures of weights: the filters of a convolution, and how they change while they learn."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.checks import ArgumentError, message, positive_int
from npcnn.plots import signed, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from npcnn.inspection import Recording

Array = np.ndarray


@style.styled
def filters(kernel: Any, title: str = "", size: float | None = None) -> Figure:
    """Draw all filters of a convolution: a column a filter, a row an input channel.

    Args:
        kernel: (KH, KW, C, F); or a layer, or its trace, that has one.
        title: a text for the head; one is made if it is empty.
        size: the weight drawn in full colour; None for the largest.

    Raises:
        ArgumentError: there is no kernel of four axes.

    >>> figure = filters(np.random.default_rng(0).normal(size=(3, 3, 1, 5)))
    >>> len(figure.axes)  # five filters and the colour key
    6
    """
    kernel = _kernel(kernel, "filters(kernel)")
    height, width, channels, count = kernel.shape
    size = signed.limit(kernel) if size is None else size
    across = min(1.6, 8.4 / count, 6.4 / channels)
    title = title or f"{count} filters of {height}×{width}×{channels}"
    note = "red weights add what they see, blue ones subtract it; white is 0"
    if channels > 1:
        note = f"a column is a filter, a row one of its {channels} input channels; " + note
    tall = 0.75 + across * height / width * channels + 0.45
    figure = style.new_figure(title, note, height=max(tall, 1.9))
    grid = figure.add_gridspec(channels, count, wspace=0.02, hspace=0.02)
    image = None
    for c in range(channels):
        for f in range(count):
            axes = figure.add_subplot(grid[c, f])
            image = signed.draw_map(axes, kernel[:, :, c, f], size, signed=True)
            signed.outline(axes)
            if c == 0:
                axes.set_title(f"filter {f}" if across > 0.9 else str(f), loc="center", pad=4)
            if f == 0 and channels > 1:
                axes.set_ylabel(f"channel {c}" if across > 0.9 else str(c), labelpad=4)
    assert image is not None
    signed.colour_key(figure, image, figure.axes, "weight")
    return figure


def filter_gif(
    recording: Recording, path: str | os.PathLike[str], layer: str | None = None,
    seconds: float = 6.0, width: int = 800,
) -> None:  # fmt: skip
    """Write a GIF of a filter bank as it learns, one picture a recorded frame.

    All frames share one colour scale; the last one stays for two seconds.

    Args:
        recording: what `npcnn.load_recording` returned.
        path: the file.
        layer: a convolution's name; None for the first.
        seconds: how long a turn takes.
        width: in pixels.

    Raises:
        ArgumentError: the layer has no filters. FileError: the file cannot be written.
    """
    from PIL import Image

    from npcnn.files import atomic_write

    named = ((name, recording.arrays.get(f"weights/{name}/kernel")) for name in recording.layers)
    banks = {name: bank for name, bank in named if bank is not None and bank.ndim == 5}
    name = layer if layer is not None else next(iter(banks), "")
    if name not in banks:
        fix = "name a convolution"
        expected = f"one of {', '.join(banks) or 'no convolution'}"
        raise ArgumentError(message("filter_gif(layer)", expected, repr(layer), fix))
    bank = banks[name]
    width = positive_int(width, "filter_gif(width)")
    size = signed.limit(bank)
    pictures = []
    for frame, step in enumerate(recording.steps):
        loss = recording.losses[frame]
        seen = f", loss {loss:.3f}" if np.isfinite(loss) else ""
        figure = filters(bank[frame], f"{name} after {step:,} steps{seen}", size)
        with io.BytesIO() as file:
            figure.savefig(file, format="png", dpi=style.DPI * width / 1000)
            pictures.append(Image.open(file).convert("RGB"))
    palette = pictures[-1].quantize(128, method=Image.Quantize.MEDIANCUT)
    frames = [p.quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures]
    each = max(40, int(1000 * seconds / len(frames)))
    times = [each] * (len(frames) - 1) + [2000]
    with atomic_write(path) as temporary:
        frames[0].save(
            temporary, format="GIF", save_all=True, append_images=frames[1:], duration=times,
            loop=0, disposal=1,
        )  # fmt: skip


def _kernel(given: Any, where: str) -> Array:
    kernel = np.asarray(getattr(given, "kernel", given))
    if kernel.ndim != 4 or kernel.dtype.kind not in "fiu":
        fix = "give a convolution's kernel"
        got = f"{kernel.dtype} {kernel.shape}"
        raise ArgumentError(message(where, "weights (KH, KW, C, F)", got, fix))
    return kernel
