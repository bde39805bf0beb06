"""What parts within a `call` are told of training: what it is told, where nothing else is said."""

import numpy as np
import pytest

import npcnn
from npcnn import layers

X = np.arange(16, dtype="float32").reshape(8, 2)  # of means 7 and 8


class Normal:
    def __init__(self):
        super().__init__()
        self.normal = layers.BatchNormalization(momentum=0.5)


class Off(Normal, npcnn.Model):
    def call(self, x, training=False):
        return self.normal(x, training=training)


class Unsaid(Normal, npcnn.Model):
    def call(self, x, training=None):
        return self.normal(x, training=training)


class Silent(Normal, npcnn.Model):
    def call(self, x):
        return self.normal(x)


class Computing(Normal, layers.Layer):
    def build(self, input_shape):
        self.one = self.add_weight(shape=(), initializer="ones", trainable=False)

    def call(self, x, training=False):
        return self.normal(x, training=training) * self.one


def around(inner, computes, said):
    class Around(npcnn.Model):
        def __init__(self):
            super().__init__()
            self.inner = inner()
            if computes:
                self.one = self.add_weight(shape=(), initializer="ones", trainable=False)

        def call(self, x, training=None):
            how = {"told": {"training": training}, "nothing": {}}.get(said, {"training": said})
            y = self.inner(x, **how)
            return y * self.one if computes else y

    return Around()


# As Keras 3.15 does on torch; on JAX its `fit` tells parts nothing that are told "nothing".
MEANS = {"told": [3.5, 4], "nothing": [3.5, 4], False: [0, 0], True: [5.25, 6]}


@pytest.mark.parametrize("said", MEANS)
@pytest.mark.parametrize("computes", [False, True])
@pytest.mark.parametrize("inner", [Off, Unsaid, Silent, Computing])
def test_parts_are_told_what_a_call_is_told(inner, computes, said):
    model = around(inner, computes, said)
    model(X)  # counts, where the call says that it is in training
    model.compile(npcnn.optimizers.SGD(1e-9), "mse")
    model.fit(X, X, verbose=0)
    np.testing.assert_array_equal(model.inner.normal.moving_mean, MEANS[said])
    trained = np.asarray(model(X, training=said in ("told", "nothing"))).mean(axis=0)
    off = (X / np.sqrt(1.001)).mean(axis=0)
    np.testing.assert_allclose(trained, off if said is False else [0, 0], atol=0.05)
