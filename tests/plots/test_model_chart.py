"""Charts of graphs: all that is drawn is where a reader looks for it."""

import itertools

import numpy as np
import pytest
from benchmark_scripts import load
from figures import assert_nothing_cut, texts
from onnx_cases import GRAPHS, drawn
from PIL import Image

from npcnn.checks import ArgumentError, FileError
from npcnn.figures import style
from npcnn.plots import facts, network_diagram
from npcnn.plots.chart import SHORT_HEAD, WIDE, Box, Sheet, chart
from npcnn.plots.chart_layout import ROWS, lay_out
from npcnn.utils import plot_model


def model_of(name):
    return load("resnet20").resnet20() if name == "resnet20" else drawn(name)[0]


def edges_of(name):
    """Return how many boxes a graph has, and its edges; numbers stand for graphs drawn by lot."""
    if isinstance(name, str):
        found, edges = facts.steps(model_of(name))
        return len(found), edges
    rng = np.random.default_rng(name)
    count = int(rng.integers(4, 60))
    edges = [(int(rng.integers(max(0, stop - 1 - 2 * int(rng.integers(1, 6))), stop)), stop)
             for stop in range(1, count) for _ in range(rng.integers(1, 4))]  # fmt: skip
    return count, edges


@pytest.mark.parametrize("name", [*GRAPHS, "resnet20", *range(12)])
def test_lines_lead_down_and_through_no_box_that_they_do_not_join(name):
    count, edges = edges_of(name)
    boxes = [Box(["Name"], ["text"] * (place % 4), style.SKY) for place in range(count)]
    sheet = Sheet(boxes, lay_out(count, edges), SHORT_HEAD)
    places = []
    for box, spot in zip(boxes, sheet.layout.spots, strict=True):
        x, y = sheet.corner(spot)
        assert x > 0
        assert y >= SHORT_HEAD
        assert x + WIDE < sheet.width
        assert y + sheet.height_of(box) < sheet.height
        places.append((x, y, x + WIDE, y + sheet.height_of(box)))
    for one, other in itertools.combinations(places, 2):
        assert not _meet(one, other)
    for start, stop in set(edges):
        assert sheet.layout.spots[start].row < sheet.layout.spots[stop].row
        way = sheet.way(start, stop)
        middle = (places[start][0] + places[start][2]) / 2
        assert way[0] == pytest.approx((middle, places[start][3]))
        assert places[stop][0] - 1 < way[-1][0] < places[stop][2] + 1
        assert way[-1][1] == pytest.approx(places[stop][1])
        for (x1, y1), (x2, y2) in itertools.pairwise(way):
            assert min(x1, x2) >= 0
            assert max(x1, x2) <= sheet.width
            assert x1 == pytest.approx(x2) or y1 == pytest.approx(y2)
            line = min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
            assert not any(_meet(line, place) for place in places)


def _meet(one, other, edge=1e-6):
    apart = (one[2] <= other[0] + edge or other[2] <= one[0] + edge
             or one[3] <= other[1] + edge or other[3] <= one[1] + edge)  # fmt: skip
    return not apart


def test_two_boxes_lines_never_lie_on_each_other_on_their_way_down():
    for name in [*GRAPHS, "resnet20", *range(12)]:
        count, edges = edges_of(name)
        sheet = Sheet([Box(["Name"], [], style.SKY)] * count, lay_out(count, edges), SHORT_HEAD)
        held = {}
        for start, stop in sorted(set(edges)):
            for (x1, y1), (x2, y2) in itertools.pairwise(sheet.way(start, stop)[:-1]):
                if x1 == x2:
                    for line in held.get((round(x1, 6)), []):
                        low, high = max(min(y1, y2), line[0]), min(max(y1, y2), line[1])
                        assert line[2] == start or line[3] == stop or low >= high - 1e-6
                    held.setdefault(round(x1, 6), []).append(
                        (min(y1, y2), max(y1, y2), start, stop)
                    )


def test_a_long_graph_goes_on_in_further_columns():
    count, edges = edges_of("resnet20")
    layout = lay_out(count, edges)
    bands = 1 + max(spot.band for spot in layout.spots)
    assert bands == 4
    assert all(0 < len(layout.rows(band)) <= ROWS for band in range(bands))


@pytest.mark.parametrize("name", [*GRAPHS, "resnet20"])
def test_texts_stay_inside_their_boxes(name):
    figure = network_diagram(model_of(name))
    assert_nothing_cut(figure)
    (axes,) = figure.axes
    boxes = [patch.get_window_extent() for patch in axes.patches if patch.get_width() == WIDE]
    for text in axes.texts:
        if text.get_text():
            extent = text.get_window_extent()
            assert any(box.x0 < extent.x0 and extent.x1 < box.x1 and box.y0 <= extent.y0
                       and extent.y1 <= box.y1 for box in boxes), text.get_text()  # fmt: skip


def test_long_names_take_two_lines_and_long_texts_are_cut():
    figure = chart([Box(["A"], ["x" * 40], style.SKY)], [], "One")
    assert "x" * 24 + "…" in texts(figure)
    assert {"GlobalAverage", "Pooling2D"} <= set(texts(network_diagram(model_of("resnet20"))))


def test_plot_model_writes_what_is_asked_for(tmp_path):
    model, _ = drawn("shared")
    path = tmp_path / "model.png"
    figure = plot_model(model, path, dpi=50)
    width, height = figure.get_size_inches()
    with Image.open(path) as picture:
        assert picture.size == (int(width * 50), int(height * 50))
    plain = [text for text in texts(figure) if text]
    assert plain.count("Model") == plain.count("Conv2D") == 2
    expanded = plot_model(
        model, None, show_shapes=True, show_layer_names=True, show_dtype=True, expand_nested=True,
        show_layer_activations=True, show_trainable=True,
    )  # fmt: skip
    said = texts(expanded)
    assert "Model" not in said
    assert said.count("Dense") == 2
    assert {"in (None, 3)", "out (None, 72, 3)", "reshape", "float32", "learns", "relu"} <= set(
        said
    )
    assert_nothing_cut(expanded)


def test_what_plot_model_cannot_do_is_said(tmp_path):
    model, _ = drawn("residual")
    with pytest.raises(
        ArgumentError, match=r"plot_model\(to_file\): expected a name ending in .png"
    ):
        plot_model(model, tmp_path / "model.svg")
    with pytest.raises(ArgumentError, match=r"plot_model\(rankdir\): expected one of TB, got 'LR'"):
        plot_model(model, None, rankdir="LR")
    with pytest.raises(FileError):
        plot_model(model, tmp_path / "no" / "model.png")
