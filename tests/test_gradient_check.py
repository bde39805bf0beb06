import numpy as np
import pytest
from models import assert_same_weights, small_data, small_model

import npcnn
from npcnn import Sequential, layers
from npcnn.checks import ArgumentError, DtypeError, NumericsError, StateError
from npcnn.gradient_check import (
    check_layer,
    check_model,
    numerical_gradient,
    relative_error,
    spaced_values,
)
from npcnn.initializers import Constant


def test_numerical_gradient():
    x = np.array([[0.5, -2.0], [30.0, 0.0]])
    before = x.copy()
    found = numerical_gradient(lambda: float(np.sin(x[0]).sum() + (x[1] ** 2).sum()), x)
    np.testing.assert_allclose(found, [np.cos([0.5, -2.0]), [60, 0]], rtol=1e-8, atol=1e-8)
    np.testing.assert_array_equal(x, before)


def test_numerical_gradient_wants_float64():
    with pytest.raises(DtypeError, match="expected float64, got float32"):
        numerical_gradient(lambda: 0.0, np.zeros(1, "float32"))


def test_relative_error():
    assert relative_error(np.array([1.0, 2.0]), np.array([1.0, 2.5])) == pytest.approx(0.2)
    assert relative_error(np.zeros(2), np.zeros(2)) == 0
    assert relative_error(np.zeros(2), np.zeros(3)) == np.inf
    assert np.isnan(relative_error(np.array([np.nan]), np.ones(1)))


@pytest.mark.parametrize("shape", [(1,), (2,), (3, 3), (2, 5, 4)])
def test_spaced_values_keep_away_from_each_other_and_from_zero(shape):
    values = np.sort(spaced_values(shape, np.random.default_rng(0)).ravel())
    assert np.abs(values).min() > 0.2 / values.size
    assert np.abs(values).max() < 1
    if values.size > 1:
        assert np.diff(values).min() > 1.9 / values.size


class Planted(layers.Dense):
    """A Dense layer with a mistake in its backward pass."""

    mistake = "none"

    def backward_logits(self, grad_z, need_grad_x=True):
        grad_x = super().backward_logits(grad_z, need_grad_x)
        if self.mistake == "bias":
            self.grad_bias[...] = 0
        elif self.mistake == "kernel":
            self.grad_kernel[...] = self.grad_kernel[::-1]
        elif self.mistake == "input":
            grad_x = grad_z @ self.kernel  # transposed; square, so the shapes agree
        elif self.mistake == "nan":
            self.grad_bias[0] = np.nan
        return grad_x


def planted(mistake):
    layer = Planted(4, name="planted")
    layer.mistake = mistake
    return layer


@pytest.mark.parametrize(
    ("mistake", "array"),
    [("bias", "bias"), ("kernel", "kernel"), ("input", "input"), ("nan", "bias")],
)
def test_a_mistake_is_found_and_named(mistake, array):
    assert check_layer(planted("none"), (3, 4)).passed
    table = check_layer(planted(mistake), (3, 4))
    assert not table.passed
    assert [row.array for row in table.rows if not row.passed] == [array]
    assert str(table).count("WRONG at [") == 1
    assert str(table).endswith("WRONG: mend planted")
    text = rf"gradient check of planted: expected a relative error of {array} ≤ 1e-09, got "
    with pytest.raises(NumericsError, match=text):
        check_layer(planted(mistake), (3, 4), raise_on_error=True)


def test_a_mistake_in_a_model_is_found_and_named():
    row = [layers.Dense(4, "tanh"), planted("kernel"), layers.Dense(2, "softmax")]
    model = Sequential([layers.Input((3,)), *row], dtype="float64")
    model.compile("sgd", "categorical_crossentropy")
    x = np.random.default_rng(0).uniform(-1, 1, (5, 3))
    y = np.eye(2)[[0, 1, 1, 0, 1]]
    table = check_model(model, x, y)
    wrong = [(row.layer, row.array) for row in table.rows if not row.passed]
    assert wrong == [("planted", "kernel")]
    with pytest.raises(NumericsError, match="gradient check of planted"):
        check_model(model, x, y, raise_on_error=True)


def test_the_layer_is_left_alone():
    layer = layers.Dense(3, name="mine")
    check_layer(layer, (2, 4))
    assert not layer.built
    layer.build((None, 4))
    before = layer.get_weights()
    check_layer(layer, (2, 4))
    assert_same_weights(layer.get_weights(), before)
    assert layer.kernel.dtype == "float32"


def test_the_table_reads():
    text = str(check_layer(layers.Dense(3, name="units"), (2, 4)))
    lines = text.splitlines()
    assert lines[0] == "layer  gradient by  entries  relative error"
    assert [line.split()[:3] for line in lines[1:-1]] == [
        ["units", "input", "8"], ["units", "kernel", "12"], ["units", "bias", "3"],
    ]  # fmt: skip
    assert lines[-1] == "all 23 entries are right, within 1e-09"


@pytest.mark.parametrize("loss", ["sparse", "one-hot", "smoothed", "from probabilities"])
@pytest.mark.parametrize("training", [False, True])
def test_whole_models(backend, loss, training):
    from npcnn.losses import CategoricalCrossentropy

    model = small_model("float64", dropout=0.3)
    x, y = small_data(4)
    x = x / 255.0
    if loss == "from probabilities":
        model.add(layers.Activation("linear"))
    if loss != "sparse":
        y = np.eye(3)[y]
        smoothing = 0.1 if loss == "smoothed" else 0.0
        model.compile("adam", CategoricalCrossentropy(label_smoothing=smoothing))
    table = check_model(model, x, y, sample_weight=[1, 2, 0.5, 0], training=training)
    assert table.raise_on_error() is table
    learnt = [row.layer for row in table.rows if row.array in ("kernel", "bias")]
    assert learnt == ["conv2d"] * 2 + ["dense"] * 2 + ["dense_1"] * 2
    assert {layer.name for layer in model.layers} | {"loss"} == {row.layer for row in table.rows}
    assert all(row.checked and row.exact for row in table.rows)
    assert table.largest <= 1e-12


def test_the_model_is_left_alone():
    model = small_model("float64")
    x, y = small_data(4)
    model.fit(x, y, verbose=0)
    weights = model.get_weights()
    gradients = [g.copy() for layer in model.layers for _, _, g in layer.parameters()]
    steps = model.optimizer.iterations
    check_model(model, x / 255.0, y)
    assert_same_weights(model.get_weights(), weights)
    after = [g for layer in model.layers for _, _, g in layer.parameters()]
    assert_same_weights(after, gradients)
    assert model.optimizer.iterations == steps


def test_errors():
    x, y = small_data(4)
    with pytest.raises(DtypeError, match=r"check_model\(model\): expected float64, got float32"):
        check_model(small_model(), x, y)
    with pytest.raises(
        StateError, match="a model built and compiled, got one that is not compiled"
    ):
        check_model(small_model("float64", compiled=False), x, y)
    with pytest.raises(ArgumentError, match=r"check_model\(y\): expected labels from 0 to 2"):
        check_model(small_model("float64"), x, y + 1)


# What every layer must do ----------------------------------------------------------------------


class Odd(layers.Layer):
    """Doubles its input, and does one thing otherwise than a layer must."""

    parameter_names = ("scale",)

    def __init__(self, odd, **kwargs):
        super().__init__(**kwargs)
        self.odd = odd

    def create_parameters(self, input_shape):
        self.add_parameter("scale", (1,), Constant(2.0))

    def forward(self, x, training=False, step=0, keep=True):
        self._saved = (x,)
        y = x * self.scale
        return {
            "output dtype": y.astype("float64"), "output shape": y[:, :1], "no output": None,
            "whole numbers": np.round(y).astype("int32"),
        }.get(self.odd, y)  # fmt: skip

    def backward(self, grad_y, need_grad_x=True):
        (x,) = self.saved()
        self.grad_scale[...] = (grad_y * x).sum()
        if self.odd == "parameter":
            vars(self)["grad_scale"] = self.grad_scale.astype("float64")
        grad_x = grad_y * self.scale
        return {
            "input dtype": grad_x.astype("float64"), "input shape": grad_x[1:], "no input": None,
        }.get(self.odd, grad_x)  # fmt: skip


@pytest.mark.parametrize(
    ("odd", "array", "expected", "got"),
    [
        ("output dtype", "output", "output float32 (2, 4)", "output float64 (2, 4)"),
        ("output shape", "output", "output float32 (2, 4)", "output float32 (2, 1)"),
        ("no output", "output", "output float32 (2, 4)", "output of type NoneType"),
        ("whole numbers", "output", "output float32 (2, 4)", "output int32 (2, 4)"),
        ("input dtype", "input", "by input float32 (2, 4)", "gradient by input float64 (2, 4)"),
        ("input shape", "input", "by input float32 (2, 4)", "gradient by input float32 (1, 4)"),
        ("no input", "input", "by input float32 (2, 4)", "gradient by input of type NoneType"),
        ("parameter", "scale", "by scale float32 (1,)", "gradient by scale float64 (1,)"),
    ],
)
def test_shapes_and_dtypes_are_checked(odd, array, expected, got):
    assert check_layer(Odd("nothing"), (2, 4)).passed
    table = check_layer(Odd(odd, name="odd"), (2, 4))
    assert [row.array for row in table.rows] == [array]
    assert not table.passed
    assert table.rows[0].expected.endswith(f"{expected} (float32, numpy)")
    assert table.rows[0].got == f"{got} (float32, numpy)"
    assert f"WRONG: {got} (float32, numpy), expected" in str(table)
    with pytest.raises(NumericsError, match=r"gradient check of odd: expected .*, got .*; mend"):
        check_layer(Odd(odd, name="odd"), (2, 4), raise_on_error=True)


@pytest.mark.parametrize("wrong", ["numpy", "numba"])
def test_both_backends_are_checked(wrong, monkeypatch):
    class Lopsided(layers.Dense):
        def backward(self, grad_y, need_grad_x=True):
            grad_x = super().backward(grad_y, need_grad_x)
            return grad_x * (2 if npcnn.get_backend() == wrong else 1)

    before = npcnn.get_backend()
    table = check_layer(Lopsided(3), (2, 4))
    assert [row.array for row in table.failed] == ["input"]
    assert npcnn.get_backend() == before


def test_ops_that_somebody_replaced_are_the_ones_checked(monkeypatch):
    """The check takes the reference's ops for a while; what stood in their place comes back."""
    from npcnn.backend import ops

    right = ops.dense_backward

    def wrong(*args):
        return 2 * right(*args)

    monkeypatch.setattr(ops, "dense_backward", wrong, raising=False)
    for _ in range(2):
        assert [row.array for row in check_layer(layers.Dense(3), (2, 4)).failed] == ["input"]
        assert ops.dense_backward is wrong


# Mistakes, planted -----------------------------------------------------------------------------


def test_planted_mistakes_and_no_false_alarm():
    """Half the side, a trained network: 25 pairs, and a hundred mistakes, ten of each kind.

    benchmarks/gradient_check.py asks it of 1,000 pairs of MNIST's test images, of two networks.
    """
    from benchmark_scripts import load

    script = load("gradient_check")
    npcnn.set_random_seed(1)
    model = script.varied_network(14)
    x, y = npcnn.datasets.draw_digits(600, seed=3)
    x = x[:, ::2, ::2, None]
    model.optimizer.learning_rate = 0.004
    model.fit(x, y, batch_size=20, epochs=14, verbose=0)  # raw pixels: sure of itself
    generator = np.random.default_rng(0)
    answers = script.false_alarms(model, x, y, 25, generator)
    assert answers["called_wrong"] == 0
    assert answers["largest_error"] < 1e-9
    found = script.found(model, x, y, 100, generator)
    assert found["found_and_the_right_layer_named"] == 100, found
    assert set(found["by_kind"].values()) == {"10 of 10"}


class Doubled(layers.Layer):
    """Makes the layer that it holds where it is built."""

    def build(self, input_shape):
        self.inner = layers.Dense(input_shape[-1])
        self.inner.build(input_shape)
        self.gain = self.add_weight((), "ones", name="gain")

    def call(self, x):
        return self.inner(x) * self.gain


@pytest.mark.parametrize("built", ["not", "built", "called"])
def test_weights_within_are_listed_once_and_built_layers_are_taken(built):
    layer = Doubled(name="twice")
    if built == "built":
        layer.build((None, 4))
    if built == "called":
        layer(np.ones((3, 4), np.float32))
    table = check_layer(layer, (2, 4))
    assert table.passed
    names = [row.array.rpartition("/")[2] for row in table.rows]
    assert names == ["input", "gain", "kernel", "bias"]
    names = []
    for _ in range(3):
        names.append(layers.Dense(2).name)
        check_layer(Doubled(), (2, 4))  # which uses no names up
    first, second = (int(name.rpartition("_")[2]) for name in names[1:])
    assert second == first + 1
