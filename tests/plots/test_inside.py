"""The pictures of the inside share one trace and one recorded run, so they share a file."""

import figures
import numpy as np
import pytest
import sample_networks as networks

import npcnn
from npcnn import plots
from npcnn.checks import ArgumentError, FileError
from npcnn.figures import style
from npcnn.inspection import loss_along_line, most_exciting, occlusion_map
from npcnn.plots import signed


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
    return [np.ma.getdata(i.get_array()) for axes in figure.axes for i in axes.images]


def assert_signed_images_are_centred(figure):
    for axes in figure.axes:
        for image in axes.images:
            low, high = image.get_clim()
            if image.get_cmap().name == style.DIVERGING:
                assert low == -high
            else:
                assert low == 0
                assert not (np.ma.getdata(image.get_array()) < 0).any()


def tiles(image, columns, count):
    """Return the first `count` tiles of a sheet, `columns` side by side, as (n, rows, columns)."""
    rows = -(-count // columns)
    height, width = image.shape[0] // rows, image.shape[1] // columns
    cut = image.reshape(rows, height, columns, width).swapaxes(1, 2)
    return cut.reshape(-1, height, width)[:count]


def test_filters(trace):
    kernel = trace["conv2d_1"].kernel
    figure = plots.filters(trace["conv2d_1"])
    (drawn,) = images(figure)
    cells = tiles(drawn, 5, 25)
    for place in range(25):  # a row a channel, a column a filter
        channel, filter = divmod(place, 5)
        np.testing.assert_array_equal(cells[place], kernel[:, :, channel, filter])
    assert_signed_images_are_centred(figure)
    assert figures.title(figure) == "5 filters of 3×3×5"
    figures.assert_nothing_cut(figure)
    with pytest.raises(ArgumentError, match=r"filters\(kernel\): expected weights"):
        plots.filters(trace["dense"])


def test_feature_maps(trace):
    figure = plots.feature_maps(trace, 1)
    drawn = images(figure)
    assert len(drawn) == 8  # the picture, four convolutions, two poolings, a dense layer
    np.testing.assert_array_equal(drawn[0], trace.x[1, :, :, 0].astype("float32"))
    for place, name in ((1, "conv2d"), (2, "conv2d_1"), (3, "max_pooling2d"), (5, "conv2d_3")):
        maps = np.moveaxis(trace[name].activation[1], 2, 0)
        np.testing.assert_array_equal(tiles(drawn[place], len(maps), len(maps)), maps)
    np.testing.assert_array_equal(drawn[7].ravel(), trace["dense"].activation[1])
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
    maps = np.moveaxis(trace["conv2d"].grad_activation[0], 2, 0)
    np.testing.assert_array_equal(tiles(drawn[1], 5, 5), maps)
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
    drawn = tiles(*images(figure), 3, 30)
    found = most_exciting(model, x, "conv2d_2", 3)
    for place, picture in enumerate(drawn):
        filter, rank = divmod(place, 3)
        np.testing.assert_array_equal(picture, x[found[filter].pictures[rank], :, :, 0])
    figures.assert_nothing_cut(figure)
    few = plots.exciting_pictures(model, x, 0, count=3, filters=[4])
    assert images(few)[0].shape == (28, 3 * 28)
    assert any(text.startswith("filter 4") for text in figures.texts(few))


def test_boxes_of_exciting_pictures_are_what_the_filter_saw(model):
    x, _ = networks.digits(12)
    figure = plots.exciting_pictures(model, x, "conv2d_2", count=2, filters=[3])
    (found,) = most_exciting(model, x, "conv2d_2", 2, [3])
    boxes = figure.axes[0].collections[1].get_paths()
    assert len(boxes) == sum(value > 0 for value in found.values)
    for place, (box, (top, left, height, width)) in enumerate(zip(boxes, found.boxes, strict=True)):
        extents = box.get_extents()
        rows, columns = (max(top, 0), min(top + height, 28)), (max(left, 0), min(left + width, 28))
        assert (extents.y0 + 0.5, extents.y1 + 0.5) == rows
        assert (extents.x0 + 0.5 - 28 * place, extents.x1 + 0.5 - 28 * place) == columns


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
    recorder = npcnn.Recorder(tmp_path / "run.npz", every=5)
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
    heads = []
    plots.filter_gif(
        recording, path, width=100, retouch=lambda figure: heads.append(figure.texts[0].get_text())
    )
    assert len(heads) == 1 + len(recording)  # what stands still first, then each frame
    assert heads[-1].startswith(f"conv2d after {recording.steps[-1]} steps, loss ")
    with pytest.raises(ArgumentError, match=r"filter_gif\(layer\): expected one of conv2d, .*'den"):
        plots.filter_gif(recording, path, "dense")
    with pytest.raises(FileError):
        plots.filter_gif(recording, tmp_path / "no" / "filters.gif", width=100)


def test_short_numbers():
    assert [signed.short(v) for v in (254.3, -0.0, 0.0123, 1e-9, 12345.6)] == [
        "254", "0", "0.012", "1e-09", "12346",
    ]  # fmt: skip
    assert signed.limit(np.zeros(3)) > 0
