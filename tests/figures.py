"""What tests of pictures ask of a Figure."""

import weakref

import numpy as np

DRAWN = weakref.WeakSet()


def drawn(figure):
    """Draw a figure, unless nothing of it has changed since it was drawn here."""
    if figure.stale or figure not in DRAWN:
        figure.canvas.draw()
        DRAWN.add(figure)


def pixels(figure):
    """Return the figure as it is saved: (rows, columns, 3) bytes."""
    drawn(figure)
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]


def ink(figure):
    """Return the share of pixels that are not white."""
    return float((pixels(figure) < 250).any(axis=-1).mean())


def texts(figure):
    """Return every text of the figure that is not empty."""
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def title(figure):
    """Return the figure's head line."""
    return figure.texts[0].get_text()


def assert_nothing_cut(figure):
    """Fail if something sticks out of the figure, or texts of one axes lie on each other."""
    drawn(figure)
    box, size = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 >= 0, box
    assert box.y0 >= 0, box
    assert box.x1 <= size[0], box
    assert box.y1 <= size[1], box
    for axes in figure.axes:
        boxes = [(t.get_text(), t.get_window_extent()) for t in axes.texts if t.get_text()]
        for i, (first, box) in enumerate(boxes):
            for second, other in boxes[i + 1 :]:
                apart = (
                    box.x1 <= other.x0 or other.x1 <= box.x0
                    or box.y1 <= other.y0 or other.y1 <= box.y0
                )  # fmt: skip
                assert apart, f"{first!r} lies on {second!r}"


def assert_readable(figure, artists=700):
    """Fail if something is cut, labels of an axis are alike, or there is too much to draw.

    matplotlib takes some milliseconds an artist: how many there are bounds the time, whatever else
    the machine does.
    """
    assert_nothing_cut(figure)
    assert len(figure.findobj()) <= artists
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            for side in ("label1", "label2"):
                labels = [getattr(tick, side) for tick in ticks]
                shown = [t.get_text() for t in labels if t.get_visible() and t.get_text()]
                assert len(set(shown)) == len(shown), shown
