"""What a notebook shows: cells are run in a kernel, and their outputs looked at."""

import html
import re
import warnings

import notebooks
import numpy as np
import pytest
import sample_networks as networks

import npcnn
from npcnn import layers, notebook

MODEL = """
import time
import warnings
import numpy as np, npcnn
from npcnn import layers, plots

warnings.simplefilter("error")

class Slow(npcnn.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.12)  # longer than a bar waits before it is drawn again

npcnn.set_random_seed(1)
model = npcnn.Sequential([
    layers.Input((6, 6, 1)), layers.Conv2D(2, 3, activation="relu"), layers.MaxPooling2D(),
    layers.Flatten(), layers.Dense(3, activation="softmax"),
])
model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
x, y = np.random.default_rng(0).random((8, 6, 6, 1)), np.arange(8) % 3
"""
CELLS = {
    "model": MODEL + "model",
    "layer": "model.layers[0]",
    "fit": "history = model.fit(x, y, 2, 2, validation_data=(x, y), callbacks=[Slow()])",
    "history": "history",
    "figure": "plots.network_diagram(model)",
    "trace": "trace = npcnn.trace(model, x, y)\ntrace",
    "layer trace": "trace.conv2d",
    "window": "trace.window('conv2d', 0, 1, 2, 1)",
    "pool": "trace.window('max_pooling2d', 0, 1, 1, 0)",
    "unit": "trace.unit('dense', 0, 2)",
    "events": "list(npcnn.step_through(model, x, y))[0]",
    "without widgets": (
        "import sys\n"
        "for name in [n for n in sys.modules if n.startswith(('tqdm', 'ipywidgets'))]:\n"
        "    del sys.modules[name]\n"
        "sys.modules['ipywidgets'] = None\n"
        "history = model.fit(x, y, 2, 1, callbacks=[Slow()])"
    ),
    "inline": "%matplotlib inline\nplots.network_diagram(model)",
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    made = notebooks.executed(list(CELLS.values()), folder, NPCNN_BACKEND="numpy")
    return dict(zip(CELLS, made.cells, strict=True))


def rows(cell):
    """Return the cells of the tables of some HTML, as texts."""
    found = re.findall(r"<tr>(.*?)</tr>", notebooks.shown(cell)["text/html"])
    return [[html.unescape(c) for c in re.findall(r"<t[hd][^>]*>(.*?)</t", row)] for row in found]


def test_a_model_is_a_table_of_its_layers(cells):
    assert rows(cells["model"]) == [
        ["layer", "class", "arguments", "output shape", "parameters"],
        ["conv2d", "Conv2D", "2 filters 3 × 3, relu", "(None, 4, 4, 2)", "20"],
        ["max_pooling2d", "MaxPooling2D", "windows 2 × 2", "(None, 2, 2, 2)", "0"],
        ["flatten", "Flatten", "", "(None, 8)", "0"],
        ["dense", "Dense", "softmax", "(None, 3)", "27"],
    ]
    plain = notebooks.shown(cells["model"])["text/plain"]
    assert plain == "<Sequential 'sequential': 4 layers, 47 parameters>"


def test_a_layer_is_a_table_of_its_parameters(cells):
    head, kernel, bias = rows(cells["layer"])
    assert head == ["parameter", "shape", "min", "mean", "max", "norm"]
    assert kernel[:2] == ["kernel", "(3, 3, 1, 2)"]
    assert bias == ["bias", "(2,)", "0", "0", "0", "0"]
    assert "(None, 6, 6, 1) → (None, 4, 4, 2)" in notebooks.shown(cells["layer"])["text/html"]


def test_an_epoch_shows_a_bar(cells):
    """A widget, as tqdm makes where ipywidgets is there, and the epoch's line after it."""
    shown = cells["fit"].outputs
    widgets = [o for o in shown if "application/vnd.jupyter.widget-view+json" in o.get("data", {})]
    assert len(widgets) == 2  # an epoch each
    lines = notebooks.printed(cells["fit"]).splitlines()
    assert lines[0] == "Epoch 1/2"
    assert re.fullmatch(r"4/4 - \d+s - loss: .* - val_accuracy: .*/step", lines[1])
    assert len(lines) == 4
    assert notebooks.printed(cells["fit"], "stderr") == ""


def test_without_widgets_the_bar_is_made_of_letters(cells):
    printed = notebooks.printed(cells["without widgets"])
    assert re.search(r"\r1/4 .*loss: ", printed)
    assert re.search(r"4/4 - \d+s - loss: ", printed)
    assert notebooks.printed(cells["without widgets"], "stderr") == ""


def test_a_history_is_its_numbers_and_curves(cells):
    table = rows(cells["history"])
    assert table[0] == ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]
    assert [row[0] for row in table[1:]] == ["1", "2"]
    printed = notebooks.printed(cells["fit"]).splitlines()
    assert all(f"{table[0][k]}: {table[1][k]}" in printed[1] for k in range(1, 5))
    curves = notebooks.embedded(cells["history"])
    assert [picture.shape for picture in curves] == [(520, 1000, 3)] * 2
    assert all((picture < 250).any() for picture in curves)
    assert notebooks.shown(cells["history"])["text/plain"].startswith("History: 2 epochs, at the")


def test_a_figure_is_a_picture(cells):
    for name in ("figure", "inline"):
        picture = notebooks.png(cells[name])
        assert picture.shape[1] > 700
        assert (picture < 250).any()
        assert len(cells[name].outputs) == 1


def test_traces_are_tables(cells):
    table = rows(cells["trace"])
    assert table[0] == ["layer", "array", "shape", "min", "max", "norm", "|grad| max", "grad norm"]
    assert [row[0] for row in table if row[0]][2:] == [
        "conv2d",
        "max_pooling2d",
        "flatten",
        "dense",
    ]
    arrays = [row[0] for row in rows(cells["layer trace"])]
    assert {"input", "activation", "grad_kernel", "grad_bias"} <= set(arrays)


def test_windows_are_tables_and_their_formula(cells):
    values = np.array([[float(v) for v in row] for row in rows(cells["window"])])
    patch, kernel, products = values.reshape(3, 3, 3)
    np.testing.assert_allclose(patch * kernel, products, rtol=2e-3, atol=1e-6)
    assert "sum of products: " in notebooks.shown(cells["window"])["text/html"]
    pool = [float(v) for row in rows(cells["pool"]) for v in row]
    assert len(pool) == 4
    assert f"= {max(pool):.3g}"[:6] in notebooks.shown(cells["pool"])["text/html"]
    unit = rows(cells["unit"])
    assert unit[0] == ["from", "input", "weight", "product"]
    assert len(unit) == 9
    assert "softmax: exp(" in notebooks.shown(cells["unit"])["text/html"]
    for name in ("window", "pool", "unit", "events"):
        assert "array(" not in notebooks.shown(cells[name])["text/plain"]


# Without a kernel ------------------------------------------------------------------------------


def test_reprs_of_what_is_not_there_yet():
    model = npcnn.Sequential([layers.Dense(3)])
    assert repr(model) == "<Sequential 'sequential': 1 layer, not built>"
    assert "not built" in model._repr_html_()
    assert repr(layers.Conv2D(4, 3)) == "<Conv2D: not built>"
    assert "4 filters 3 × 3" in layers.Conv2D(4, 3)._repr_html_()
    assert repr(npcnn.callbacks.History()) == "History: 0 epochs"
    assert "0 epochs" in npcnn.callbacks.History()._repr_html_()


def test_a_history_whose_validation_comes_now_and_then_is_shown():
    history = npcnn.callbacks.History()
    history.history, history.epoch = {"loss": [1.0, 0.5], "val_loss": [0.7]}, [0, 1]
    assert history._repr_html_().count("–") == 2  # which epochs it stands for is not known


def test_texts_are_escaped_and_long_tables_cut():
    assert notebook.table([("<b>",)]).count("<b>") == 0
    model = npcnn.Sequential([layers.Dense(2, input_shape=(2,), name="<i>")], name="<script>")
    assert "<script>" not in model._repr_html_()
    assert "<i>" not in model._repr_html_()
    body = [(str(k),) for k in range(100)]
    cut = notebook.table([("number",), *body])
    assert "<td" in cut
    assert cut.count("<tr>") == 1 + notebook.FIRST + 1 + notebook.LAST
    assert ">99<" in cut
    assert ">…<" in cut
    assert notebook.table([("number",), *body], whole=True).count("<tr>") == 101


def test_a_window_beyond_the_edge_marks_what_lies_there():
    model = networks.document_network()
    window = npcnn.trace(model, *networks.digits(1)).window("conv2d", 0, 0, 0, 0)
    assert window._repr_html_().count("dashed") == 5  # three above, two more on the left
    wide = npcnn.trace(model, *networks.digits(1)).window("conv2d_3", 0, 5, 5, 0)
    assert "and 5 more channels" in wide._repr_html_()


def test_recordings_and_reports_are_shown(tmp_path):
    x, y = networks.digits(10)
    model = networks.document_network()
    recorder = npcnn.Recorder(tmp_path / "run.npz", every=1)
    model.fit(x, y, 5, verbose=0, callbacks=[recorder])
    run = npcnn.load_recording(tmp_path / "run.npz")
    assert repr(run) == "Recording: 3 frames, steps 0 to 2"
    assert run._repr_html_().count("<tr>") == 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = npcnn.overfit_one_batch(model, x, y, steps=1)
    assert repr(report) == str(report)
