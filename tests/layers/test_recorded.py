"""Layers as strangers write them, whose `call` is recorded."""

import pickle

import numpy as np
import pytest

import npcnn
from npcnn import layers, ops
from npcnn.checks import ArgumentError

X = np.random.default_rng(0).random((16, 6)).astype("float32")
Y = np.random.default_rng(1).random((16, 3)).astype("float32")


class Noisy(layers.Layer):
    def call(self, x, training=None):
        return x + 100.0 if training else x


class Counting(layers.Layer):
    def build(self, input_shape):
        self.count = self.add_weight(shape=(), trainable=False, name="count")

    def call(self, x):
        self.count.assign_add(1)
        return x * 1.0


class Late(layers.Layer):
    """Weights that are None in `__init__`, and made in `call`."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.w = None

    def call(self, x):
        if self.w is None:
            self.w = self.add_weight(shape=(x.shape[-1], 3), name="w")
        self.kept = ops.matmul(x, self.w)
        return self.kept


class Sometimes(layers.Layer):
    """Layers that are called in training alone."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense, self.dropout = layers.Dense(3), layers.Dropout(0.5)

    def call(self, x, training=False):
        x = self.dense(x)
        if training:
            x = self.dropout(x, training=training)
        return ops.tanh(x)


class Torn(Sometimes):
    def call(self, x, training=False):
        return self.dense(x) if training else ops.tanh(self.dense(x))


class Writing(layers.Layer):
    def call(self, x):
        np.asarray(x)[...] = 0
        return ops.exp(x)


def learnt(*made):
    npcnn.random.set_random_seed(0)
    model = npcnn.Sequential([layers.Input((6,)), *made])
    model.compile("sgd", "mse")
    model.fit(X, Y, 8, 2, 0)
    return model


def test_what_hangs_on_training_is_done_in_training():
    model = learnt(Noisy(), layers.Dense(3))
    assert model.evaluate(X, Y, verbose=0) < 1e30
    assert not np.allclose(model.layers[0](X, training=True), X)
    plain = learnt(layers.Dense(3))
    assert model.get_weights()[0].std() > 2 * plain.get_weights()[0].std()


def test_layers_that_only_act_in_training_are_called_there():
    model = learnt(Sometimes())
    assert "Dropout" in [type(leaf).__name__ for leaf in model.layers[-1].parts()]
    with pytest.raises(ArgumentError, match=r"call\(x\): expected the same layers in training"):
        learnt(Torn())


def test_state_is_counted_in_steps_alone():
    model = learnt(Counting(), layers.Dense(3))
    assert float(model.layers[0].count.numpy()) == 4


def test_weights_may_be_made_late_by_several_of_a_class():
    model = learnt(Late(), Late())
    assert [w.shape for w in model.get_weights()] == [(6, 3), (3, 3)]
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_calls_of_functions_can_be_copied():
    model = learnt(Sometimes())
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_nobody_writes_into_what_a_layer_is_given():
    with pytest.raises(ValueError, match="read-only"):
        learnt(Writing())
