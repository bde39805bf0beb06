import numpy as np
import pytest
import sample_networks as networks

import npcnn
from npcnn import layers
from npcnn.backend import ops
from npcnn.checks import NumericsError
from npcnn.gradient_check import check_layer
from npcnn.utils import plot_model


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


NAMES = ("input_gate", "input_2", "activation", "pre_activation", "mask")


class Product(layers.Layer):
    """y = x · a · b · …, with weights called as one likes."""

    def create_parameters(self, input_shape):
        for name in NAMES:
            self.add_parameter(name, (input_shape[-1],), "ones")

    def forward(self, x, training=False, step=0, keep=True):
        self._saved = x
        return x * np.prod([vars(self)[name] for name in NAMES], axis=0)

    def backward(self, grad_y, need_grad_x=True):
        for name in NAMES:
            others = np.prod([vars(self)[other] for other in NAMES if other != name], axis=0)
            getattr(self, f"grad_{name}")[...] = (grad_y * self.saved() * others).sum(axis=0)
        return grad_y * np.prod([vars(self)[name] for name in NAMES], axis=0)


class Called(layers.Layer):
    """The same as a `call`, with more names that are free there."""

    def build(self, input_shape):
        self.held = []
        for name in (*NAMES, "op", "bends"):
            weight = self.add_weight((input_shape[-1],), "ones", name=name)
            setattr(self, name, weight)
            self.held.append(weight)

    def call(self, x):
        for weight in self.held:
            x = x * weight
        return x


@pytest.mark.parametrize("kind", [Product, Called])
def test_weights_may_be_called_as_what_goes_through_a_layer(kind):
    model = npcnn.Sequential([layers.Input((5,)), layers.Dense(4), kind(name="it")])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(3, 5))
    step = npcnn.trace(model, x, x[:, :4])
    assert step["it"]["activation"].shape == step["it"]["input"].shape == (3, 4)
    assert step["it"]["activation (weight)"].shape == (4,)
    assert step["it"]["grad_input_2 (weight)"].shape == (4,)
    assert "input_gate" in str(step)
    assert "mask (weight)" in str(step)
    table = step.check()
    rows = [row.array for row in table.rows if row.layer == "it"]
    own = ["input_gate"] + [f"{name} (weight)" for name in NAMES[1:]]
    assert [name for name in rows if name not in ("op", "bends", "own_op", "own_bends")] == [
        *own, "input",
    ]  # fmt: skip
    assert table.passed
    assert table.largest < 1e-12
    told = {row.array for row in check_layer(kind(), (3, 4), raise_on_error=True).rows}
    assert told >= {"input", *own}
    events = list(npcnn.inspection.step_through(model, x, x[:, :4]))
    assert all(isinstance(event.op, str) for event in events)
    forward, backward = (event for event in events if event.layer == "it")
    assert forward.after["activation"].shape == (3, 4)
    assert backward.after["grad_mask (weight)"].shape == (4,)


def test_a_weight_called_activation_is_none(tmp_path):
    model = npcnn.Sequential([layers.Input((4,)), Called(name="it")])
    model.compile("sgd", "mse")
    x, run = np.ones((3, 4)), tmp_path / "run.keras"
    saver = npcnn.callbacks.ModelCheckpoint(run, save_freq="epoch")
    model.fit(x, x, epochs=1, verbose=0, callbacks=[saver])
    model.fit(x, x, epochs=2, verbose=0, callbacks=[saver], resume_from=run)
    model.fit(x, x, epochs=1, verbose=0, callbacks=[npcnn.Diagnostics()])
    texts = plot_model(model, None, show_layer_activations=True).axes[0].texts
    assert not any("0." in text.get_text() for text in texts)
