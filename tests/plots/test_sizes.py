"""Every picture for a small, a middling and a large network, and for runs of 1, 5 and 600 steps."""

import time

import figures
import numpy as np
import pytest
import sample_networks as networks
from matplotlib.figure import Figure
from PIL import Image

import npcnn
from npcnn import layers, plots
from npcnn.checks import ArgumentError
from npcnn.inspection import Recording, occlusion_map
from npcnn.inspection.recording import HIGHEST, LOWEST
from npcnn.plots.attention import MOST_FILTERS


def convolutions(*filters):
    """Return a network of two convolutions, poolings and a dense layer, as Keras's example has."""
    model = npcnn.Sequential([layers.Input((28, 28, 1))])
    for count in filters:
        model.add(layers.Conv2D(count, 3, activation="relu"))
        model.add(layers.MaxPooling2D())
    for layer in (layers.Flatten(), layers.Dropout(0.5), layers.Dense(10, activation="softmax")):
        model.add(layer)
    return networks.compiled(model)


NETWORKS = {
    "document": networks.document_network,
    "32 and 64": lambda: convolutions(32, 64),
    "128": lambda: convolutions(128, 128),
}


@pytest.fixture(autouse=True)
def in_five_seconds(monkeypatch):
    """Each picture takes five seconds of the processor at most; others' are not counted."""
    made, begin = [], Figure.__init__

    def counted(self, *args, **kwargs):
        made.append(self)
        begin(self, *args, **kwargs)

    monkeypatch.setattr(Figure, "__init__", counted)
    start = time.thread_time()
    yield
    assert time.thread_time() - start < 5 * max(len(made), 1)


@pytest.fixture(scope="module", params=list(NETWORKS))
def model(request):
    npcnn.set_random_seed(1)
    return NETWORKS[request.param]()


@pytest.fixture(scope="module")
def trace(model):
    return npcnn.trace(model, *networks.digits(2))


def recorded(model, steps):
    """Return a recording of a run that was never run: some 50 frames, the first without figures."""
    rng = np.random.default_rng(steps)
    at = np.unique(np.linspace(0, steps, min(steps + 1, 50)).astype(int))
    arrays = {"step": at, "epoch": at // 100, "loss": np.exp(-at / 200)}
    for layer in model.layers:
        for name, value, _ in layer.parameters():
            drift = rng.normal(size=value.shape).astype("float32") * 0.01
            key = f"{layer.name}/{name}"
            arrays[f"weights/{key}"] = value + drift * np.sqrt(at).reshape(-1, *[1] * value.ndim)
            arrays[f"gradient_norm/{key}"] = 1e-3 * rng.lognormal(size=len(at))
            arrays[f"update_ratio/{key}"] = 1e-3 * (1 + 0.1 * rng.random(len(at)))
            sizes = rng.integers(0, 50, (len(at), HIGHEST - LOWEST)).astype(float)
            arrays[f"gradient_sizes/{key}"] = sizes
            for start in ("gradient_norm", "update_ratio", "gradient_sizes"):
                arrays[f"{start}/{key}"][0] = np.nan
            arrays[f"dead/{layer.name}"] = 0.012 + 0.001 * rng.random(len(at))
    return Recording(arrays)


def convolution(model, place):
    return [layer.name for layer in model.layers if "conv2d" in layer.name][place]


@pytest.mark.parametrize("place", [0, 1])
def test_filters(model, trace, place):
    layer = trace[convolution(model, place)]
    figure = plots.filters(layer)
    figures.assert_readable(figure)
    axes = figure.axes[0]
    box = axes.get_window_extent()
    cells = np.shape(axes.images[0].get_array())
    assert box.width / cells[1] > 7  # pixels that a weight takes
    assert box.height / cells[0] > 7
    height, width, channels, count = layer.kernel.shape
    shown = cells[0] // height * cells[1] // width
    if shown < count * channels:
        assert f"{cells[1] // width} of {count} filters" in " ".join(figures.texts(figure))


def test_filters_of_any_number(model, trace):
    layer = trace[convolution(model, 1)]
    last = layer.kernel.shape[3] - 1
    figure = plots.filters(layer, filters=[last], channels=[0, -1])
    cells = np.asarray(figure.axes[0].images[0].get_array())
    np.testing.assert_array_equal(cells[:3], layer.kernel[:, :, 0, last])
    np.testing.assert_array_equal(cells[3:], layer.kernel[:, :, -1, last])
    assert str(last) in figures.texts(figure)
    for wrong in ([last + 1], [], [0.5], ["a"]):
        with pytest.raises(ArgumentError, match=rf"filters\(filters\): expected numbers .* {last}"):
            plots.filters(layer, filters=wrong)


def test_maps(trace):
    for draw in (plots.feature_maps, plots.gradient_maps):
        figure = draw(trace, 1)
        figures.assert_readable(figure)
        shown = " ".join(figures.texts(figure))
        for layer in trace.layers:
            if layer.activation.ndim == 4 and layer.activation.shape[-1] > 64:
                assert f"and {layer.activation.shape[-1] - 64} more" in shown


def test_saliency_and_im2col(model, trace):
    lost = occlusion_map(model, trace.x[0], int(trace.y[0]))
    figures.assert_readable(plots.saliency(trace, 0, lost))
    figures.assert_readable(plots.im2col(trace, convolution(model, 1), 0, 3, 3, 2))


def test_what_is_no_probability_is_not_called_one(trace):
    lead = np.linspace(-1.5, 1.5, 28 * 28).reshape(28, 28)
    figure = plots.saliency(trace, 0, lead, what="lead lost", key="difference of probabilities")
    assert "difference of probabilities" in figures.texts(figure)
    assert "probability" not in figures.texts(figure)


def test_exciting(model):
    x, _ = networks.digits(12)
    name = convolution(model, 1)
    count = model.get_layer(name).filters
    figure = plots.exciting_pictures(model, x, name)
    figures.assert_readable(figure)
    shown = " ".join(figures.texts(figure))
    if count > MOST_FILTERS:
        assert f"What 10 of the {count} filters" in figures.title(figure)
        assert f"10 of {count} filters (filters=… shows others)" in shown
    else:
        assert "others" not in shown
    figures.assert_readable(plots.exciting_pictures(model, x, name, filters=range(count)), 1000)
    last = plots.exciting_pictures(model, x, name, count=2, filters=np.array([count - 1]))
    assert any(text.startswith(f"filter {count - 1}") for text in figures.texts(last))
    with pytest.raises(ArgumentError, match=rf"exciting_pictures\(filters\): .* 0 to {count - 1}"):
        plots.exciting_pictures(model, x, name, filters=[count])


def test_diagram(model):
    figures.assert_readable(plots.network_diagram(model))


@pytest.mark.parametrize("steps", [1, 5, 600])
def test_runs(model, steps):
    recording = recorded(model, steps)
    for draw in (plots.weight_histograms, plots.gradient_histograms, plots.run_curves):
        figure = draw(recording)
        figures.assert_readable(figure)
        assert figures.ink(figure) > 0.003
        for axes in figure.axes:
            labels = [tick.get_text() for tick in axes.get_xticklabels()]
            assert all(label.replace(",", "").replace("−", "").isdigit() for label in labels)
    for line in plots.run_curves(recording).axes[0].lines:
        assert (line.get_marker() == "o") == (steps < 30)  # a curve of one point is seen


def test_a_gif_has_fifty_frames_at_most(model, tmp_path):
    recording = recorded(model, 600)
    recording.arrays = {name: np.repeat(a, 2, axis=0) for name, a in recording.arrays.items()}
    doubled = Recording(recording.arrays)
    assert len(doubled) == 100
    plots.filter_gif(doubled, tmp_path / "run.gif", width=300)
    with Image.open(tmp_path / "run.gif") as image:
        assert 40 <= image.n_frames <= 50  # equal neighbours become one


@pytest.mark.parametrize("epochs", [1, 2, 5, 600])
def test_history(epochs):
    curve = (1 - np.exp(-np.arange(1, epochs + 1) / 20)).tolist()
    figure = plots.history_curves({"loss": curve, "val_loss": curve}, "loss")
    figures.assert_readable(figure)
    ticks = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert all(tick.replace("−", "").isdigit() for tick in ticks)
    after = "after 1 epoch:" if epochs == 1 else f"after {epochs} epochs:"
    assert after in " ".join(figures.texts(figure))
    if epochs == 600:  # of a long run the first tenth is steep
        assert figure.axes[1].get_xlim()[0] == 60.5


@pytest.mark.parametrize("classes", [2, 10, 20, 100])
def test_confusion(classes):
    rng = np.random.default_rng(classes)
    true = np.arange(20 * classes) % classes
    answers = np.where(rng.random(len(true)) < 0.1, rng.integers(0, classes, len(true)), true)
    figure = plots.confusion_matrix(true, answers)
    figures.assert_readable(figure, 1000)
    counted = "samples taken for another class" in figures.texts(figure)
    assert counted == (classes > 20)


def test_a_hundred_classes_have_a_bar_each_for_the_largest():
    model = npcnn.Sequential([layers.Input((4,)), layers.Dense(100, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    trace = npcnn.trace(model, np.eye(4), [99, 0, 1, 2])
    figure = plots.feature_maps(trace, 0)
    figures.assert_readable(figure)
    shown = figures.texts(figure)
    assert "99 (label)" in shown
    assert "the 12 largest of 100 classes" in shown
    heights = [bar.get_height() for bar in figure.axes[-1].patches]
    assert len(heights) == 12
    assert max(heights) == pytest.approx(trace.outputs[0].max())


def test_a_layer_of_ones_own_is_in_the_pictures_of_a_run():
    """Its parameter is no kernel: the first one it has is drawn."""
    steps = np.arange(3)
    arrays = {"step": steps, "epoch": steps * 0, "loss": np.ones(3)}
    arrays["weights/scale/factor"] = np.linspace(1, 2, 12).reshape(3, 4)
    arrays["gradient_norm/scale/factor"] = arrays["update_ratio/scale/factor"] = np.ones(3)
    arrays["gradient_sizes/scale/factor"] = np.ones((3, HIGHEST - LOWEST))
    recording = Recording(arrays)
    for draw in (plots.weight_histograms, plots.gradient_histograms, plots.run_curves):
        assert "scale" in figures.texts(draw(recording))


def test_a_run_that_stands_still_has_curves():
    """Where no gradient arrives all sizes are 0, and a scale of powers has no place for them."""
    steps = np.arange(3)
    arrays = {"step": steps, "epoch": steps * 0, "loss": np.ones(3)}
    arrays["weights/dense/kernel"] = np.ones((3, 4))
    arrays["gradient_norm/dense/kernel"] = arrays["update_ratio/dense/kernel"] = np.zeros(3)
    figures.assert_readable(plots.run_curves(Recording(arrays)))


@pytest.mark.parametrize(("steps", "least"), [(1, 1), (5, 5), (94, 20), (188, 20)])
def test_a_short_run_is_recorded_often_enough_to_be_seen(tmp_path, steps, least):
    model = npcnn.Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = np.ones((2 * steps, 4)), np.arange(2 * steps) % 3
    recorder = npcnn.Recorder(tmp_path / "run.npz")
    model.fit(x, y, batch_size=2, verbose=0, callbacks=[recorder])
    recording = npcnn.load_recording(tmp_path / "run.npz")
    assert np.isfinite(recording["gradient_norm/dense/kernel"]).sum() >= least
    figures.assert_readable(plots.run_curves(recording))
