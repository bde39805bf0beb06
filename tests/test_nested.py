"""A class of one's own that calls itself for ever is told so; one that comes to an end may."""

import numpy as np
import pytest

import npcnn
from npcnn import layers
from npcnn.nested import EndlessCallError

X = np.ones((4, 3), "float32")


class Itself(layers.Layer):
    def call(self, x):
        return self(x)


class InTraining(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(3)

    def call(self, x, training=False):
        return self(self.inner(x))


class Above(layers.Layer):
    def call(self, x):
        return super().call(x)


class Forward(layers.Layer):
    def forward(self, x, training=False, step=0, keep=True):
        return self(x)

    def backward(self, grad_y, need_grad_x=True):
        return grad_y


class Other(layers.Layer):
    def call(self, x):
        return self.other(x)


def pair():
    one, two = Other(), Other()
    one.other, two.other = two, one
    return one


class Calls(npcnn.Model):
    def call(self, x, training=None):
        return self(x)


class Predicts(npcnn.Model):
    def call(self, x):
        return self.predict(x)


class Loss(npcnn.Loss):
    def call(self, y_true, y_pred):
        return self(y_true, y_pred)


def fit(*chain, loss="mse"):
    model = npcnn.Sequential([layers.Dense(3), *chain])
    model.compile("sgd", loss)
    model.fit(X, X, verbose=0)


CASES = {
    "a call": lambda: Itself()(X), "symbolic": lambda: Itself()(layers.Input((3,))),
    "training": lambda: fit(InTraining()), "super": lambda: fit(Above()),
    "a forward": lambda: Forward()(X), "a forward in fit": lambda: fit(Forward()),
    "each other": lambda: fit(pair()), "a model": lambda: Calls()(X),
    "predict": lambda: Predicts()(X), "a loss": lambda: fit(loss=Loss()),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_call_without_an_end_is_one_line(backend, case):
    with pytest.raises(EndlessCallError, match=r"expected an end, got 8 calls of itself") as caught:
        CASES[case]()
    assert "\n" not in str(caught.value)


def test_what_failed_may_be_called_again(backend):
    layer = InTraining()
    for _ in range(2):
        with pytest.raises(EndlessCallError):
            layer(X)
    layer.call = layer.inner
    assert layer.inner(X).shape == (4, 3)


def test_a_layer_may_call_itself_if_that_ends(backend):
    class Halves(layers.Layer):
        def call(self, x, times=5):
            return self(x * 0.5, times=times - 1) if times else x

    np.testing.assert_array_equal(Halves()(X), X / 32)
    model = npcnn.Sequential([layers.Input((3,)), Halves()])
    np.testing.assert_array_equal(model.predict(X, verbose=0), X / 32)
