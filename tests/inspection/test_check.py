import numpy as np
import pytest
import sample_networks as networks

import npcnn
from npcnn import layers
from npcnn.backend import ops
from npcnn.checks import NumericsError


def test_the_documents_network_is_right_in_float64(backend):
    model, (x, y) = networks.document_network("float64"), networks.digits(2)
    check = npcnn.trace(model, x, y).check()
    assert check.largest < 1e-12
    assert check.passed
    names = {(row.layer, row.array) for row in check.rows}
    for layer in model.layers:
        assert (layer.name, "input") in names
        for name, _, _ in layer.parameters():
            assert (layer.name, name) in names
    assert all(row.checked and row.exact for row in check.rows)
    assert sum(
        row.entries for row in check.rows if row.array == "kernel"
    ) == model.count_params() - (sum(row.entries for row in check.rows if row.array == "bias"))


def test_a_float32_model_is_checked_in_float64():
    model, (x, y) = networks.small_network("float32"), networks.pictures(3)
    assert npcnn.trace(model, x, y, training=True).check().largest < 1e-12


def test_raw_pixels_and_a_trained_network():
    model = networks.document_network()
    x, y = npcnn.datasets.draw_digits(40, seed=1)
    x = x[..., None]
    model.fit(x, y, epochs=3, batch_size=10, verbose=0)
    noise = np.random.default_rng(0).integers(0, 60, (2, 28, 28, 1))
    check = npcnn.trace(model, np.clip(x[:2] + noise, 0, 255), y[:2]).check()
    assert check.largest < 1e-9
    assert check.passed


def test_a_relu_at_zero_is_named():
    model = npcnn.Sequential(
        [
            layers.Input((2,)),
            layers.Dense(3, activation="relu", use_bias=False),
            layers.Dense(2, activation="softmax"),
        ],
        dtype="float64",
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.layers[0].kernel[...] = [[1.0, 1.0, -1.0], [-1.0, 1.0, -1.0]]
    check = npcnn.trace(model, [[1.0, 1.0]], [0]).check()  # the first unit's input is exactly 0
    assert [(row.layer, row.array, row.kinks) for row in check.rows if row.kinks] == [
        ("dense", "input", 1)
    ]
    assert check.largest < 1e-12
    assert not check.unchecked
    line = next(line for line in str(check).splitlines() if line.endswith("1 tied"))
    assert line.split()[:3] == ["dense", "input", "2"]
    assert "tied: a ReLU at 0 or equal maxima; of several gradients, one is given" in str(check)


def test_a_tie_for_a_maximum_is_named():
    model = npcnn.Sequential(
        [
            layers.Input((2, 2, 1)), layers.MaxPooling2D(), layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ],
        dtype="float64",
    )  # fmt: skip
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = np.array([1.0, 3.0, 3.0, 2.0]).reshape(1, 2, 2, 1)
    check = npcnn.trace(model, x, [0]).check()
    assert {row.layer: row.kinks for row in check.rows if row.kinks} == {"max_pooling2d": 1}
    assert check.largest < 1e-12


def test_every_relu_at_zero():
    model = npcnn.Sequential(
        [
            layers.Input((2,)), layers.Dense(2, activation="relu", name="bent"),
            layers.Dense(2, activation="softmax"),
        ],
        dtype="float64",
    )  # fmt: skip
    model.compile("sgd", "sparse_categorical_crossentropy")
    check = npcnn.trace(model, [[0.0, 0.0]], [0]).check()
    assert check.passed
    assert {row.layer: row.kinks for row in check.rows if row.kinks} == {"bent": 2}


@pytest.mark.parametrize("layer", ["ties", "corners"])
def test_kinks_are_counted(layer):
    x = np.array([[0.0, 1.0, 1.0, 6.0], [0.0, 1.0, 2.0, 0.5]]).reshape(1, 2, 4, 1)
    if layer == "corners":
        assert layers.ReLU(max_value=6.0, threshold=0.5).kinks(x) == 2
        assert layers.ReLU().kinks(x) == 2
        return
    assert layers.MaxPooling2D().kinks(x) == 1
    assert layers.MaxPooling2D((1, 2), padding="same").kinks(x) == 0
    assert layers.MaxPooling2D(3, 1, padding="same").kinks(x) == 2 * 1


def test_zero_gradients_are_no_error():
    model = npcnn.Sequential(
        [layers.Input((2,)), layers.Dense(2, activation="relu"), layers.Dense(2)], dtype="float64"
    )
    model.compile("sgd", npcnn.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.layers[0].bias[...] = -100.0
    check = npcnn.trace(model, np.eye(2), [0, 1]).check()
    assert check.error("dense", "kernel") == 0.0
    assert check.passed


# Planted mistakes: each in one place, each found there -------------------------------------------


def plant_flipped_kernel(monkeypatch):
    right = ops.conv2d_backward

    def wrong(grad_y, x, y, kernel, *rest):
        return right(grad_y, x, y, kernel[::-1, ::-1], *rest)

    monkeypatch.setattr(ops, "conv2d_backward", wrong, raising=False)


def plant_forgotten_bias(monkeypatch, name):
    right = layers.Conv2D.backward_logits

    def wrong(self, grad_z, need_grad_x=True):
        grad_x = right(self, grad_z, need_grad_x)
        if self.name == name:
            self.grad_bias[...] = 0
        return grad_x

    monkeypatch.setattr(layers.Conv2D, "backward_logits", wrong)


def plant_transposed_weight(monkeypatch, name):
    right = layers.Dense.backward_logits

    def wrong(self, grad_z, need_grad_x=True):
        grad_x = right(self, grad_z, need_grad_x)
        if self.name != name:
            return grad_x
        return grad_z @ self.kernel  # of a square layer: the shapes agree

    monkeypatch.setattr(layers.Dense, "backward_logits", wrong)


def test_a_flipped_kernel_in_the_backward_is_caught(monkeypatch, backend):
    model, (x, y) = networks.document_network("float64"), networks.digits(2)
    plant_flipped_kernel(monkeypatch)
    check = npcnn.trace(model, x, y).check()
    wrong = [(row.layer, row.array) for row in check.failed]  # the one nearest the loss first
    assert wrong == [(name, "input") for name in ("conv2d_3", "conv2d_2", "conv2d_1", "conv2d")]
    assert str(check).endswith("WRONG: mend conv2d_3, conv2d_2, conv2d_1, conv2d")
    with pytest.raises(
        NumericsError, match="check of conv2d_3: expected a relative error of input"
    ):
        check.raise_on_error()


def test_a_forgotten_bias_gradient_is_caught(monkeypatch):
    model, (x, y) = networks.document_network("float64"), networks.digits(2)
    plant_forgotten_bias(monkeypatch, "conv2d_1")
    check = npcnn.trace(model, x, y).check()
    assert [(row.layer, row.array) for row in check.failed] == [("conv2d_1", "bias")]
    assert check.failed[0].error == 1.0


def test_a_transposed_weight_is_caught(monkeypatch):
    model = networks.compiled(
        npcnn.Sequential(
            [
                layers.Input((6,)), layers.Dense(6, activation="tanh"),
                layers.Dense(6, activation="tanh"), layers.Dense(3, activation="softmax"),
            ],
            dtype="float64",
        )
    )  # fmt: skip
    x = np.random.default_rng(1).normal(size=(4, 6))
    plant_transposed_weight(monkeypatch, "dense_1")
    trace = npcnn.trace(model, x, [0, 1, 2, 1])
    check = trace.check()
    assert [(row.layer, row.array) for row in check.failed] == [("dense_1", "input")]
    with pytest.raises(NumericsError, match="check of dense_1: expected a relative error of input"):
        trace.check(raise_on_error=True)


def test_a_forgotten_factor_in_the_loss_is_caught(monkeypatch):
    model, (x, y) = networks.small_network("float64"), networks.pictures(2)
    right = ops.categorical_crossentropy_from_logits

    def wrong(*args):
        losses, grad = right(*args)
        return losses, grad * len(losses)  # not divided by the number of samples

    monkeypatch.setattr(ops, "categorical_crossentropy_from_logits", wrong, raising=False)
    check = npcnn.trace(model, x, y).check()
    assert [(row.layer, row.array) for row in check.failed] == [("loss", "logits")]
    assert check.failed[0].error == pytest.approx(0.5)


def test_rounding_beside_a_kink_is_no_mistake():
    """The largest gradient is at a tie; the rest is 14 orders smaller."""
    model = npcnn.Sequential(
        [layers.Input((2, 4, 1)), layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(2)],
        dtype="float64",
    )
    model.set_weights([np.array([[1.0, -1.0], [1e-14, -2e-14]]), np.zeros(2)])
    model.compile("sgd", npcnn.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.array([[5.0, 5.0, 1.0, 2.0], [5.0, 5.0, 3.0, 4.0]]).reshape(1, 2, 4, 1)
    check = npcnn.trace(model, x, np.array([1])).check()
    row = next(r for r in check.rows if (r.layer, r.array) == ("max_pooling2d", "input"))
    assert row.kinks == 1
    assert row.error < 1e-9
    assert check.passed
