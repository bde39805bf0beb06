"""What a user's class lacks or calls wrongly is one line that names it."""

import re

import numpy as np
import pytest

import npcnn
from npcnn import activations, layers, losses, optimizers
from npcnn.backend import ops, using
from npcnn.checks import NpcnnError

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
Y = np.eye(3, dtype="float32")[[0, 1, 2, 0]]


@pytest.fixture(autouse=True, params=["numpy", "numba"])
def backend(request):
    with using(request.param):
        yield request.param


def learns(*inner, optimizer="sgd", loss="mse"):
    model = npcnn.Sequential([layers.Input((3,)), *inner, layers.Dense(3)])
    model.compile(optimizer, loss)
    return model.train_on_batch(X, Y)


class Empty(layers.Layer):
    pass


class OneWay(layers.Layer):
    def forward(self, x, training=False, step=0, keep=True):
        return x


class NoValues(losses.Loss):
    def gradient(self, targets, outputs):
        return outputs


class NoGradient(losses.Loss):
    def values(self, targets, outputs):
        return outputs[:, 0]


class Still(optimizers.Optimizer):
    pass


MISSING = {
    "forward": (lambda: learns(Empty(name="mine")), "Empty 'mine'"),
    "backward": (lambda: learns(layers.Dense(3), OneWay(name="mine")), "OneWay 'mine'"),
    "values": (lambda: learns(loss=NoValues()), "NoValues"),
    "gradient": (lambda: learns(loss=NoGradient()), "NoGradient"),
    "update": (lambda: learns(optimizer=Still()), "Still"),
}


@pytest.mark.parametrize("method", MISSING)
def test_a_method_that_is_missing(method):
    call, who = MISSING[method]
    with pytest.raises(NpcnnError) as caught:
        call()
    text = f"{who}: expected a method {method}, got none; docs/extending.md shows one."
    if method == "update":  # found earlier, when the model is compiled
        assert re.match(
            r"compile\(optimizer\): expected .* update\(\), got Still, ", str(caught.value)
        )
        with pytest.raises(NotImplementedError, match=r"^Still: expected a method update, "):
            Still().update(X, X)
    else:
        assert str(caught.value) == text


def test_an_activation_without_a_forward():
    function = type("Bare", (activations.ActivationFunction,), {})("bare")
    with pytest.raises(NpcnnError, match=r"^Bare: expected a method forward, got none; "):
        learns(layers.Activation(function))


WRONG = {
    (layers.Layer, "forward"): (lambda self, x: x, "forward(self, x, training, step, keep)"),
    (layers.Layer, "backward"): (lambda self, grad_y: 0, "backward(self, grad_y, need_grad_x)"),
    (losses.Loss, "values"): (lambda self, y: y, "values(self, targets, outputs)"),
    (optimizers.Optimizer, "update"): (lambda self, p: p, "update(self, parameters, gradients, m)"),
    (activations.ActivationFunction, "forward"): (lambda self: 0, "forward(self, x)"),
}


@pytest.mark.parametrize(("base", "method"), WRONG)
def test_a_method_that_takes_too_little(base, method):
    function, wanted = WRONG[base, method]
    with pytest.raises(NpcnnError) as caught:
        type("Mine", (base,), {method: function, "slot_names": ("m",)})
    text = str(caught.value)
    assert text.startswith(f"class Mine: expected {wanted}, got {method}(self")
    assert text.endswith("; take all, or *args.")
    assert "\n" not in text
    for fits in (lambda *args: 0, lambda self, a, b=0, c=0, *rest: 0):
        type("Mine", (base,), {method: fits})


@pytest.mark.parametrize(
    "name", ["name", "forward", "dtype", "trainable", "input_shape", "grad_w", "_w", "a b", 3, None]
)
def test_a_parameter_cannot_have_a_name_that_a_layer_uses(name):
    class Named(OneWay):
        def create_parameters(self, input_shape):
            self.add_parameter(name, (2,), "zeros")

    with pytest.raises(NpcnnError, match=r"^Named 'mine'\.add_parameter\(name\): expected .*\.$"):
        Named(name="mine").build((None, 3))


class Writes(layers.Layer):
    """Writes into its input."""

    def forward(self, x, training=False, step=0, keep=True):
        x *= 0.5
        return x

    def backward(self, grad_y, need_grad_x=True):
        return 0.5 * grad_y


def test_the_callers_array_is_never_written_into():
    x, model = X.copy(), npcnn.Sequential([layers.Input((3,)), Writes(), layers.Dense(3)])
    model.compile("sgd", "mse")
    for _ in range(4):
        found = [model(x), model.predict(x, verbose=0)]
        model.evaluate(x, Y, verbose=0)
        model.fit(x, Y, batch_size=4, verbose=0)
        model.train_on_batch(x, Y)
        np.testing.assert_allclose(found[0], found[1], rtol=1e-6)
    np.testing.assert_array_equal(x, X)


IMAGES, KERNEL = np.ones((2, 6, 5, 3), "float32"), np.ones((3, 3, 3, 4), "float32")
ROWS, ONES = np.ones((2, 3), "float32"), np.ones(2, "float32")
BAD = [0, -1, 1.5, 2.5, True, "2", None, float("nan")]


def settings():
    for bad in BAD:
        yield from (
            ("max_pooling2d", IMAGES, (bad, 2), (1, 1), "valid"),
            ("max_pooling2d", IMAGES, (2, 2), (1, bad), "same"),
            ("average_pooling2d", IMAGES, (2, bad), (1, 1), "valid"),
            ("average_pooling2d_backward", IMAGES, IMAGES, (1, bad), (1, 1), "valid"),
            ("max_pooling2d_backward", IMAGES, IMAGES, IMAGES, (1, bad), (1, 1), "valid"),
            ("conv2d", IMAGES, KERNEL, None, (bad, 1), "same", (1, 1), "relu"),
            ("conv2d", IMAGES, KERNEL, None, (1, 1), "same", (1, bad), "relu"),
        )
    yield "max_pooling2d", IMAGES, (2, 2), (1, 1), "full"
    yield "conv2d", IMAGES, KERNEL, None, (1, 1), "full", (1, 1), "relu"
    yield "conv2d", IMAGES, KERNEL, None, (1, 1), "same", (1, 1), "tanh"
    yield "dense", ROWS, ROWS.T, None, "tanh"
    for rate in (1, 1.5, -0.5, "a", None, float("nan")):
        yield "dropout", ROWS, rate, 3, (2, 3)
        yield "dropout_backward", ROWS, rate, 3, (2, 3)
    yield "mean_squared_error", ROWS[:, :0], ROWS[:, :0], ONES
    yield "categorical_crossentropy", ROWS[:, :0], ROWS[:, :0], ONES


@pytest.mark.parametrize("call", list(settings()), ids=lambda call: call[0])
def test_an_op_refuses_settings_that_mean_nothing(call):
    """Once, a pool size of 0 gave numbers that depended on the backend, or on old memory."""
    name, *arguments = call
    with pytest.raises(NpcnnError, match=rf"^ops\.{name}.*: expected .*\.$") as caught:
        getattr(ops, name)(*arguments)
    assert "\n" not in str(caught.value)


def test_batch_normalization_far_from_zero():
    rng = np.random.default_rng(0)
    x = (1e4 + rng.normal(size=(256, 8, 8, 3))).astype("float32")
    wide = x.astype("float64")
    want = (wide - wide.mean((0, 1, 2))) / np.sqrt(wide.var((0, 1, 2)) + 1e-3)
    state = np.zeros(3, "float32"), np.ones(3, "float32")
    y, *_ = ops.batch_normalization(x, None, None, *state, 0.9, 1e-3, True)
    np.testing.assert_allclose(y, want, atol=1.5e-3)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("w", (2, 0), "zeros"), "positive integers"),
        (("w", (2,), lambda shape, dtype: np.zeros(3)), r"numbers of shape \(2,\), got .*\(3,\)"),
        (("w", (2,), lambda shape, dtype: None), r"numbers of shape \(2,\), got object"),
        (("w", (2,), "zeros", np.ones(3)), "True or False"),
        (("w" * 1000, (2,), "zeros"), "an attribute's name"),
    ],
)
def test_a_parameter_that_is_none(given, text):
    """It once had another shape than was said, or was learnt whatever `trainable` was."""

    class Mine(layers.Layer):
        def create_parameters(self, input_shape):
            self.add_parameter(*given)

    with pytest.raises(NpcnnError, match=text) as caught:
        Mine(name="mine").build((None, 2))
    assert "\n" not in str(caught.value)
