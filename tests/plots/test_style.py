import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from figures import ink, pixels, title

from npcnn.checks import FileError
from npcnn.figures import style
from npcnn.plots import history_curves, save_figure

CURVES = {"loss": [2.0, 1.0]}


def test_new_figure_has_its_size_and_texts():
    figure = style.new_figure("Seen", "how", height=3.0)
    assert pixels(figure).shape == (300, 1000, 3)
    assert [text.get_text() for text in figure.texts] == ["Seen", "how"]
    assert 0 < ink(figure) < 0.1


def test_the_callers_parameters_neither_change_nor_matter(tmp_path):
    save_figure(history_curves(CURVES, "loss"), tmp_path / "plain.png")
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "lines.linewidth": 9}):
        save_figure(history_curves(CURVES, "loss"), tmp_path / "other.png")
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "other.png").read_bytes()
    assert dict(matplotlib.rcParams) == before


def test_styled_keeps_name_and_docstring():
    assert history_curves.__name__ == "history_curves"
    assert history_curves.__doc__.startswith("Draw a metric's curves")


def test_drawing_loads_no_pyplot_and_importing_no_matplotlib():
    program = (
        "import sys, npcnn.plots\n"
        "assert 'matplotlib' not in sys.modules\n"
        "npcnn.plots.history_curves({'loss': [2.0, 1.0]}, 'loss')\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_save_figure_writes_a_png_of_the_figures_size(tmp_path):
    from PIL import Image

    figure = history_curves(CURVES, "loss")
    save_figure(figure, tmp_path / "loss.png")
    with Image.open(tmp_path / "loss.png") as image:
        assert image.format == "PNG"
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), pixels(figure))
    assert [path.name for path in tmp_path.iterdir()] == ["loss.png"]


def test_save_figure_names_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(FileError, match=r"^write .*missing/a\.png: expected a writable place"):
        save_figure(style.new_figure("Seen", arranged=False), tmp_path / "missing" / "a.png")


def test_palette_has_distinct_colours():
    assert len(set(style.PALETTE)) == len(style.PALETTE) == 7


def test_bare_takes_ticks_and_frame_off():
    axes = style.bare(style.new_figure("Seen").add_subplot())
    assert len(axes.get_xticks()) == len(axes.get_yticks()) == 0
    assert not any(spine.get_visible() for spine in axes.spines.values())


def test_title_is_the_head_line():
    assert title(style.new_figure("Seen", "how")) == "Seen"
