import numpy as np
import pytest
from layer_checks import check_everything

from npcnn import Sequential, layers
from npcnn.checks import ArgumentError
from npcnn.gradient_check import check_model

SHAPE = (3, 4, 2, 3)


@pytest.mark.parametrize("name", ["linear", "relu", "sigmoid", "softmax", "tanh"])
def test_activation(backend, name):
    check_everything(lambda **more: layers.Activation(name, **more), SHAPE, SHAPE, (), "activation")


@pytest.mark.parametrize(
    "arguments",
    [{}, {"max_value": 0.5}, {"negative_slope": 0.2}, {"threshold": 0.1},
     {"max_value": 0.7, "negative_slope": 0.1, "threshold": 0.2}],
)  # fmt: skip
def test_relu(backend, arguments):
    check_everything(lambda **more: layers.ReLU(**arguments, **more), SHAPE, SHAPE, (), "re_lu")


@pytest.mark.parametrize("axis", [-1, 1, 2, 3, -2])
def test_softmax(backend, axis):
    check_everything(
        lambda **more: layers.Softmax(axis, **more), SHAPE, SHAPE, (), "softmax", trains=axis == -1
    )
    y = layers.Softmax(axis)(np.random.default_rng(0).uniform(-3, 3, SHAPE))
    np.testing.assert_allclose(y.sum(axis=axis), 1, rtol=1e-6)


def test_relu_values():
    x = np.array([[-2, 0, 1, 3, 9]], "float32")
    y = layers.ReLU(max_value=6, negative_slope=0.5, threshold=2)(x)
    np.testing.assert_array_equal(y, [[-2, -1, -0.5, 3, 6]])


def test_a_softmax_of_any_kind_is_fused_with_the_loss():
    """Dense's own, a layer's, an Activation's: all start the loss from logits, huge or not."""
    ends = [
        [layers.Dense(3, activation="softmax")],
        [layers.Dense(3), layers.Softmax()],
        [layers.Dense(3), layers.Softmax(axis=1)],
        [layers.Dense(3), layers.Activation("softmax")],
    ]
    x, y = np.eye(2) * 1e4, np.array([0, 1])
    weights = [np.array([[1.0, -1.0, 0.0], [1.0, -1.0, 0.0]]), np.zeros(3)]
    for end in ends:
        model = Sequential([layers.Input((2,)), *end], dtype="float64")
        model.set_weights(weights)
        model.compile("sgd", "sparse_categorical_crossentropy")
        assert model.evaluate(x, y, verbose=0) == pytest.approx(1e4)
        assert model.train_on_batch(x, y) == pytest.approx(1e4)
        assert np.isfinite(model.get_weights()[0]).all()


def test_a_softmax_over_another_axis_is_not():
    model = Sequential(
        [layers.Input((3, 4)), layers.Dense(4), layers.Softmax(axis=1)], dtype="float64"
    )
    model.compile("sgd", "categorical_crossentropy")
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (2, 3, 4)), rng.uniform(0, 1, (2, 3, 4))
    for axis, starts in ((1, False), (-1, True)):
        softmax = layers.Softmax(axis=axis)
        softmax.build((None, 3, 4), "float64")
        softmax.forward(x)
        assert (softmax.logits_of(("softmax",)) is x) == starts
    assert check_model(model, x, y).passed


@pytest.mark.parametrize("axis", [0, 1.5, True, None])
def test_bad_axes(axis):
    with pytest.raises(ArgumentError, match=r"Softmax\(axis\): expected one axis other than"):
        layers.Softmax(axis)


def test_an_axis_the_input_lacks():
    with pytest.raises(ArgumentError, match="expected axes of the input, got axis 3 of an input"):
        layers.Softmax(3).build((None, 4))


@pytest.mark.parametrize("name", ["max_value", "negative_slope", "threshold"])
@pytest.mark.parametrize("value", [-1, "a", float("inf"), float("nan")])
def test_bad_relu_arguments(name, value):
    with pytest.raises(ArgumentError, match=rf"ReLU\({name}\): expected a number ≥ 0"):
        layers.ReLU(**{name: value})


def test_unknown_activation():
    with pytest.raises(ArgumentError, match=r"Activation\(activation\): .*perhaps 'relu' was"):
        layers.Activation("rellu")
    with pytest.raises(
        ArgumentError, match=r"Dense\(activation\): expected a name, an activation or"
    ):
        layers.Dense(3, activation=3.5)
