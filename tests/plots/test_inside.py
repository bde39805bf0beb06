"""The pictures of the inside share one trace and one recorded run, so they share a file."""

import figures
import networks
import numpy as np
import pytest

import npcnn
from npcnn import plots
from npcnn.checks import ArgumentError, FileError
from npcnn.inspection import loss_along_line, most_exciting, occlusion_map
from npcnn.plots import signed, style


@pytest.fixture(scope="module")
def model():
    npcnn.set_random_seed(1)
    return networks.document_network(dropout=0.5)


@pytest.fixture(scope="module")
def trace(model):
    return npcnn.trace(model, *networks.digits(2))


@pytest.fixture(scope="module")
def recording(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "run.npz"
    x, y = networks.digits(20)
    twin = networks.document_network()
    twin.fit(x, y, batch_size=5, epochs=3, verbose=0, callbacks=[npcnn.Recorder(path, every=3)])
    return npcnn.load_recording(path)


def images(figure):
    return [np.asarray(i.get_array()) for axes in figure.axes for i in axes.images]


def assert_signed_images_are_centred(figure):
    for axes in figure.axes:
        for image in axes.images:
            low, high = image.get_clim()
            if image.get_cmap().name == style.DIVERGING:
                assert low == -high
            else:
                assert low == 0
                assert (np.asarray(image.get_array()) >= 0).all()


def test_filters(trace):
    figure = plots.filters(trace["conv2d_1"])
    drawn = images(figure)
    assert len(drawn) == 25
    np.testing.assert_array_equal(drawn[0], trace["conv2d_1"].kernel[:, :, 0, 0])
    np.testing.assert_array_equal(drawn[6], trace["conv2d_1"].kernel[:, :, 1, 1])
    assert_signed_images_are_centred(figure)
    assert figures.title(figure) == "5 filters of 3×3×5"
    figures.assert_nothing_cut(figure)
    with pytest.raises(ArgumentError, match=r"filters\(kernel\): expected weights"):
        plots.filters(trace["dense"])


def test_feature_maps(trace):
    figure = plots.feature_maps(trace, 1)
    drawn = images(figure)
    np.testing.assert_array_equal(drawn[0], trace.x[1, :, :, 0])
    np.testing.assert_array_equal(drawn[3], trace["conv2d"].activation[1, :, :, 2])
    assert len(drawn) == 1 + 5 + 5 + 5 + 10 + 10 + 10 + 1  # and the bars
    heights = [bar.get_height() for bar in figure.axes[-1].patches]
    np.testing.assert_allclose(heights, trace.outputs[1])
    assert_signed_images_are_centred(figure)
    assert f"{trace.y[1]} (label)" in figures.texts(figure)
    assert "conv2d_3\n14×14×10" in "".join(figures.texts(figure))
    figures.assert_nothing_cut(figure)
    with pytest.raises(ArgumentError, match=r"feature_maps\(sample\): expected 0 to 1, got 2"):
        plots.feature_maps(trace, 2)


def test_gradient_maps(trace):
    figure = plots.gradient_maps(trace, 0)
    drawn = images(figure)
    np.testing.assert_array_equal(drawn[0], trace["conv2d"].grad_input[0, :, :, 0])
    np.testing.assert_array_equal(drawn[1], trace["conv2d"].grad_activation[0, :, :, 0])
    heights = [bar.get_height() for bar in figure.axes[-1].patches]
    np.testing.assert_allclose(heights, trace["dense_1"].grad_pre_activation[0])
    assert all(
        image.get_cmap().name == style.DIVERGING for axes in figure.axes for image in axes.images
    )
    assert_signed_images_are_centred(figure)
    figures.assert_nothing_cut(figure)


@pytest.mark.parametrize(("layer", "channels"), [("conv2d", 1), ("conv2d_1", 5), ("conv2d_3", 5)])
def test_im2col(trace, layer, channels):
    figure = plots.im2col(trace, layer, 0, 3, 4, 2)
    *seen, columns, kernel, product = images(figure)
    assert len(seen) == channels  # five at most are drawn
    rows, cols = trace[layer].activation.shape[1:3]
    assert columns.shape[0] == rows * cols
    np.testing.assert_array_equal(kernel, trace[layer].kernel.reshape(len(kernel), -1))
    np.testing.assert_allclose(columns @ kernel, product, atol=1e-4)
    window = trace.window(layer, 0, 3, 4, 2)
    row = 3 * cols + 4
    np.testing.assert_array_equal(columns[row], window.patch.ravel())
    assert product[row, 2] == pytest.approx(window.total, abs=1e-5)
    texts = figures.texts(figure)
    assert f"columns {rows * cols}×{len(kernel)}" in texts
    assert texts.count(str(row)) == 2
    assert_signed_images_are_centred(figure)
    figures.assert_nothing_cut(figure)


def test_im2col_wants_a_convolution(trace):
    with pytest.raises(ArgumentError, match=r"im2col\(layer\): expected a convolution, got Max"):
        plots.im2col(trace, "max_pooling2d")


def test_saliency(model, trace):
    occluded = occlusion_map(model, trace.x[0], 3)
    figure = plots.saliency(trace, 0, occluded)
    drawn = images(figure)
    np.testing.assert_array_equal(drawn[1], trace["conv2d"].grad_input[0, :, :, 0])
    np.testing.assert_array_equal(drawn[2], occluded)
    assert_signed_images_are_centred(figure)
    figures.assert_nothing_cut(figure)
    assert len(plots.saliency(trace, 0).axes) < len(figure.axes)


def test_exciting_pictures(model):
    x, _ = networks.digits(12)
    figure = plots.exciting_pictures(model, x, "conv2d_2", count=3)
    drawn = images(figure)
    assert len(drawn) == 30
    found = most_exciting(model, x, "conv2d_2", 3)
    np.testing.assert_array_equal(drawn[4], x[found[1].pictures[1], :, :, 0])
    figures.assert_nothing_cut(figure)
    few = plots.exciting_pictures(model, x, 0, count=3, filters=[4])
    assert len(images(few)) == 3


def test_histograms_of_a_run(recording):
    figure = plots.weight_histograms(recording)
    assert [axes.get_title(loc="left") for axes in figure.axes] == recording.layers
    mesh = figure.axes[0].collections[0]
    shares = np.asarray(mesh.get_array().filled(0)).reshape(-1, len(recording))
    kernel = recording["weights/conv2d/kernel"]
    wanted, _ = np.histogram(kernel[1], shares.shape[0], (-abs(kernel).max(), abs(kernel).max()))
    np.testing.assert_allclose(shares[:, 1], wanted / 45)
    figures.assert_nothing_cut(figure)
    figure = plots.gradient_histograms(recording)
    assert len(figure.axes) == 6
    figures.assert_nothing_cut(figure)


def test_curves_of_a_run(recording):
    figure = plots.run_curves(recording)
    norms, ratios, dead = figure.axes
    seen = np.isfinite(recording["gradient_norm/dense/kernel"])
    line = next(line for line in norms.lines if line.get_label() == "dense")
    np.testing.assert_array_equal(line.get_xdata(), recording.steps[seen])
    np.testing.assert_array_equal(line.get_ydata(), recording["gradient_norm/dense/kernel"][seen])
    assert [axes.get_ylabel() for axes in (norms, ratios, dead)] == [
        "gradient norm", "update / weight", "dead ReLUs",
    ]  # fmt: skip
    assert len(dead.lines) == 5  # the softmax layer has no ReLU
    figures.assert_nothing_cut(figure)


def test_a_recording_without_steps_has_no_curves(tmp_path):
    x, y = networks.digits(4)
    recorder = npcnn.Recorder(tmp_path / "run.npz")
    networks.document_network().fit(x, y, verbose=0, callbacks=[recorder])
    short = npcnn.load_recording(tmp_path / "run.npz")
    for draw in (plots.run_curves, plots.gradient_histograms):
        with pytest.raises(ArgumentError, match="expected recorded steps"):
            draw(short)


def test_loss_line(recording, model):
    x, y = networks.digits(20)
    line = loss_along_line(
        networks.document_network(), recording.weights(0), recording.weights(-1), x, y, points=4,
        beyond=0.0,
    )  # fmt: skip
    figure = plots.loss_line(*line)
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), line[1])
    np.testing.assert_array_equal(figure.axes[1].lines[0].get_ydata(), line[2])
    figures.assert_nothing_cut(figure)


def test_filter_gif(recording, tmp_path):
    from PIL import Image

    path = tmp_path / "filters.gif"
    plots.filter_gif(recording, path, width=400)
    with Image.open(path) as gif:
        assert gif.n_frames == len(recording)
        assert gif.size[0] == 400
        first = np.asarray(gif.convert("RGB")).astype(int)
        gif.seek(gif.n_frames - 1)
        last = np.asarray(gif.convert("RGB")).astype(int)
    assert np.abs(first - last).max() > 50  # the title at least
    with pytest.raises(ArgumentError, match=r"filter_gif\(layer\): expected one of conv2d, .*'den"):
        plots.filter_gif(recording, path, "dense")
    with pytest.raises(FileError):
        plots.filter_gif(recording, tmp_path / "no" / "filters.gif", width=100)


def test_short_numbers():
    assert [signed.short(v) for v in (254.3, -0.0, 0.0123, 1e-9, 12345.6)] == [
        "254", "0", "0.012", "1e-09", "12346",
    ]  # fmt: skip
    assert signed.limit(np.zeros(3)) > 0
