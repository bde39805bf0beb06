import numpy as np
import pytest
from models import assert_same_weights, small_data, small_model

from npcnn import Sequential, layers
from npcnn.checks import ArgumentError, DtypeError, NumericsError, StateError
from npcnn.gradient_check import (
    check_layer,
    check_model,
    numerical_gradient,
    relative_error,
    spaced_values,
)


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
