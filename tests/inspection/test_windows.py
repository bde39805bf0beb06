import re

import numpy as np
import pytest
import sample_networks as networks

import npcnn
from npcnn import layers
from npcnn.checks import ArgumentError

NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?|-inf"


def numbers(text):
    return [float(found) for found in re.findall(NUMBER, text)]


def line_with(window, start):
    return next(line for line in str(window).splitlines() if line.startswith(start))


def close(printed, value):
    """Whether a printed number is the value to the six digits that are shown."""
    return printed == pytest.approx(value, rel=1e-5, abs=1e-12)


def by_hand(x, kernel, top, left, steps=(1, 1)):
    """Σ x·k in plain loops, zeros outside."""
    total = 0.0
    for u in range(kernel.shape[0]):
        for v in range(kernel.shape[1]):
            i, j = top + u * steps[0], left + v * steps[1]
            if 0 <= i < x.shape[0] and 0 <= j < x.shape[1]:
                for c in range(kernel.shape[2]):
                    total += float(x[i, j, c]) * float(kernel[u, v, c])
    return total


@pytest.mark.parametrize("place", [(0, 0), (3, 5), (27, 27), (14, 0)])
def test_convolution_by_hand(backend, place):
    model, (x, y) = networks.document_network(), networks.digits(2)
    trace = npcnn.trace(model, x, y)
    for name in ("conv2d", "conv2d_1"):
        layer = trace[name]
        w = trace.window(name, 1, *place, filter=3)
        assert (w.top, w.left) == (place[0] - 1, place[1] - 1)
        total = by_hand(layer.input[1], layer.kernel[:, :, :, 3], w.top, w.left)
        assert w.total == pytest.approx(total, abs=1e-12)
        np.testing.assert_array_equal(w.products, w.patch.astype("float64") * w.kernel)
        assert w.pre_activation == pytest.approx(w.total + w.bias, abs=1e-5)
        assert w.pre_activation == layer.pre_activation[(1, *place, 3)]
        assert w.activation == max(w.pre_activation, 0.0) == layer.activation[(1, *place, 3)]
        slope = w.grad_activation if w.pre_activation > 0 else 0.0
        assert w.grad_pre_activation == slope
        assert w.inside.sum() == {0: 4, 3: 9, 27: 4, 14: 6}[place[0]]


def test_windows_with_strides_dilation_and_valid_padding(backend):
    for padding in ("same", "valid"):
        model, (x, y) = networks.small_network("float64", padding), networks.pictures(2)
        trace = npcnn.trace(model, x, y)
        for name, steps in (("conv2d", (1, 1)), ("conv2d_1", (2, 2)), ("conv2d_2", (1, 1))):
            layer = trace[name]
            _, rows, cols, filters = layer.activation.shape
            for i, j, f in [(0, 0, 0), (rows - 1, cols - 1, filters - 1)]:
                w = trace.window(name, 0, i, j, f)
                total = by_hand(layer.input[0], layer.kernel[..., f], w.top, w.left, steps)
                assert w.total == pytest.approx(total, abs=1e-12)
                assert w.pre_activation == pytest.approx(total + w.bias, abs=1e-12)


def test_shares_of_all_pixels_add_up_to_the_kernels_gradient():
    model, (x, y) = networks.small_network("float64"), networks.pictures(2)
    trace = npcnn.trace(model, x, y)
    samples, rows, cols, _ = trace["conv2d"].activation.shape
    total = sum(
        trace.window("conv2d", n, i, j, 2).grad_kernel_share
        for n in range(samples)
        for i in range(rows)
        for j in range(cols)
    )
    np.testing.assert_allclose(total, trace["conv2d"].grad_kernel[..., 2], atol=1e-14)


def test_every_printed_number_of_a_convolution():
    model, (x, y) = networks.document_network("float64"), networks.digits(2)
    trace = npcnn.trace(model, x, y)
    w = trace.window("conv2d_1", 0, 12, 0, 4)
    text = str(w)
    assert numbers(text.splitlines()[0])[-4:] == [0, 12, 0, 4]
    assert "rows 11 to 13, columns -1 to 1" in text
    assert "[0]" in text
    for c in range(5):
        block = text.split(f"input channel {c} ")[1].splitlines()[1:4]
        for u, line in enumerate(block):
            printed = numbers(line)
            wanted = [*w.patch[u, :, c], *w.kernel[u, :, c], *w.products[u, :, c]]
            assert len(printed) == 9
            assert all(map(close, printed, wanted))
    *sums, total = numbers(line_with(w, "sum of products").replace("- ", "-"))
    assert all(map(close, sums, w.products.sum(axis=(0, 1))))
    assert close(total, w.products.sum())
    total, bias, z = numbers(line_with(w, "with the bias").replace("- ", "-"))
    assert close(total, w.total)
    assert close(bias, w.bias)
    assert close(z, w.total + w.bias)
    assert all(map(close, numbers(line_with(w, "relu")), (z, 0, max(w.total + w.bias, 0))))
    printed = numbers(line_with(w, "gradient of the loss"))
    assert all(map(close, printed, (w.grad_activation, w.grad_pre_activation)))


@pytest.mark.parametrize("place", [(0, 0), (3, 2), (1, 1)])
def test_pooling_by_hand(backend, place):
    model, (x, y) = networks.small_network("float64"), networks.pictures(3)
    trace = npcnn.trace(model, x, y)
    layer = trace["max_pooling2d"]
    i, j = place  # windows 2 × 2, strides 1 × 2: they overlap
    w = trace.window("max_pooling2d", 2, i, j, 1)
    channel = layer.input[2, :, :, 1]
    for u in range(2):
        for v in range(2):
            row, col = w.top + u, w.left + v
            inside = row < channel.shape[0] and col < channel.shape[1]
            assert w.cells[u, v] == (channel[row, col] if inside else -np.inf)
    assert w.activation == w.cells.max() == layer.activation[2, i, j, 1]
    assert channel[w.source] == w.activation
    assert w.source == (w.top + w.winner[0], w.left + w.winner[1])
    assert w.grad_activation == layer.grad_activation[2, i, j, 1]
    won = sum(
        other.grad_activation
        for row in range(layer.activation.shape[1])
        for col in range(layer.activation.shape[2])
        if (other := trace.window("max_pooling2d", 2, row, col, 1)).source == w.source
    )
    assert w.grad_source == pytest.approx(won, abs=1e-15)
    printed = numbers(line_with(w, "max("))
    assert all(map(close, printed, [*w.cells.ravel(), w.activation, *w.source]))
    assert close(numbers(line_with(w, "gradient by"))[0], w.grad_activation)
    assert str(w).count("*") == 2  # in the legend, and at the winner


def test_pooling_that_hangs_over_the_edge():
    model, (x, y) = networks.small_network("float64"), networks.pictures(1)
    w = npcnn.trace(model, x, y).window("max_pooling2d", 0, 3, 0, 0)
    assert np.isneginf(w.cells[1]).all()
    assert "-inf" in str(w)


def test_dense_by_hand(backend):
    model, (x, y) = networks.document_network("float64", dropout=0.3), networks.digits(2)
    trace = npcnn.trace(model, x, y, training=True)
    w = trace.unit("dense", 1, 17)
    layer = trace["dense"]
    terms = [float(a) * float(b) for a, b in zip(layer.input[1], layer.kernel[:, 17], strict=True)]
    np.testing.assert_allclose(w.contributions, terms, rtol=1e-15)
    assert w.total == pytest.approx(sum(terms), abs=1e-12)
    assert w.pre_activation == pytest.approx(w.total + w.bias, abs=1e-12)
    assert w.activation == max(w.pre_activation, 0)
    assert list(np.abs(w.contributions[w.largest])) == sorted(map(abs, terms), reverse=True)
    assert w.origin == (7, 7, 10)  # through the dropout layer, back to what was flattened
    row, col, channel = numbers(w.place(481))
    before = trace["flatten"].input[1][int(row), int(col), int(channel)]
    assert trace["flatten"].activation[1, 481] == before
    assert isinstance(trace.window("dense", 1, filter=17), type(w))


def test_every_printed_number_of_a_dense_unit():
    model, (x, y) = networks.document_network("float64"), networks.digits(2)
    w = npcnn.trace(model, x, y).unit("dense_1", 0, 6)
    lines = str(w).splitlines()
    for line, k in zip(lines[2:12], w.largest, strict=False):
        index, value, weight, product = numbers(line)
        assert index == k
        assert close(value, w.inputs[k])
        assert close(weight, w.weights[k])
        assert close(product, w.inputs[k] * w.weights[k])
    shown, rest, count, total = numbers(line_with(w, "sum of products").replace("- ", "-"))
    assert close(shown, w.contributions[w.largest[:10]].sum())
    assert count == 118
    assert close(rest, w.total - shown)
    assert close(total, w.total)
    z = w.pre_activations
    z0, largest, minus, up, below, p = numbers(line_with(w, "softmax").replace("- ", "-"))
    assert close(z0, z[6])
    assert close(largest, -z.max())
    assert close(minus, -z.max())
    assert close(up, np.exp(z[6] - z.max()))
    assert close(below, np.exp(z - z.max()).sum())
    assert close(p, w.activation)
    assert w.activation == pytest.approx(up / below, rel=1e-5)
    assert close(numbers(line_with(w, "gradient of the loss"))[0], w.grad_pre_activation)


def test_errors():
    model, (x, y) = networks.small_network(), networks.pictures(2)
    trace = npcnn.trace(model, x, y)
    with pytest.raises(ArgumentError, match=r"window of conv2d \(row\): expected 0 to 3, got 4"):
        trace.window("conv2d", 0, 4, 0, 0)
    with pytest.raises(ArgumentError, match=r"window of conv2d \(sample\): expected 0 to 1, got 2"):
        trace.window("conv2d", 2)
    with pytest.raises(ArgumentError, match=r"window\(layer\): .* got Flatten 'flatten'"):
        trace.window("flatten")
    with pytest.raises(ArgumentError, match=r"unit\(layer\): .* got Conv2D 'conv2d'"):
        trace.unit("conv2d")


def test_other_activations_are_named():
    model, (x, y) = networks.small_network("float64"), networks.pictures(2)
    trace = npcnn.trace(model, x, y)
    assert "tanh(" in str(trace.window("conv2d_1", 0, 1, 1, 1))
    assert "sigmoid(" in str(trace.unit("dense", 0, 1))
    plain = str(trace.window("conv2d_2", 0, 1, 1, 1))
    assert "before the linear" not in plain
    npcnn.backend.clear_session(free_memory=False)
    softmax = networks.compiled(
        npcnn.Sequential(
            [layers.Input((2, 2, 1)), layers.Conv2D(3, 1, activation="softmax"), layers.Flatten()]
        )
    )
    trace = npcnn.trace(softmax, np.ones((1, 2, 2, 1)), [0])
    assert "softmax over the filters: " in str(trace.window("conv2d"))
