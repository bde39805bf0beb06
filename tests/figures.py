"""What tests of pictures ask of a Figure."""

import numpy as np


def pixels(figure):
    """Return the figure as it is saved: (rows, columns, 3) bytes."""
    figure.canvas.draw()
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
    figure.canvas.draw()
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
