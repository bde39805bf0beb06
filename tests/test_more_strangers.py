"""What strangers wrote and what then went wrong in silence, or in an error of Python's own."""

import numpy as np
import pytest

import npcnn
from npcnn import NpcnnError, callbacks, layers, metrics, ops

X = np.random.default_rng(0).random((12, 6)).astype("float32")
Y = np.random.default_rng(1).random((12, 3)).astype("float32")


class Gain(layers.Layer):
    def build(self, input_shape):
        self.gain = self.add_weight(shape=(input_shape[-1],), name="gain", initializer="ones")

    def call(self, x):
        return x * self.gain


class Around(layers.Layer):
    """Builds the layer that it holds, as textbooks have it."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def build(self, input_shape):
        self.inner.build(input_shape)
        self.mix = self.add_weight(shape=(), name="mix", initializer="ones")

    def call(self, x):
        return self.inner(x) * self.mix


class Later(Gain):
    def build(self, input_shape):
        super().build(input_shape)
        self.shift = self.add_weight(shape=(input_shape[-1],), name="shift", initializer="zeros")

    def call(self, x):
        return super().call(x) + self.shift


class Pair(layers.Layer):
    def build(self, a_shape, b_shape):
        self.w = self.add_weight(shape=(a_shape[-1], b_shape[-1]), name="w")

    def call(self, a, b):
        return ops.matmul(a, self.w) * b


def names(model):
    return [weight.name for weight in model.weights]


def fitted(*stack, **more):
    model = npcnn.Sequential([layers.Input((6,)), *stack, layers.Dense(3)])
    model.compile("sgd", "mse", **more)
    return model, model.fit(X, Y, 4, verbose=0).history


# `build` called by a program: the weights were made twice, and the first ones were never used.


@pytest.mark.parametrize("times", [1, 2])
def test_a_layer_that_was_built_has_its_weights_once(times, backend):
    for made, own in ((Gain(), ["gain"]), (Later(), ["gain", "shift"])):
        for _ in range(times):
            made.build((None, 6))
        assert names(made) == own
        first = made.gain
        model, _ = fitted(made)
        assert names(model) == [*own, "kernel", "bias"]
        assert made.gain is first
        assert (first.numpy() != 1).all()


def test_a_layer_within_others_has_its_weights_once(backend, tmp_path):
    model, _ = fitted(Around(Around(Gain())))
    assert names(model) == ["mix", "mix", "gain", "kernel", "bias"]
    assert model.count_params() == 1 + 1 + 6 + 6 * 3 + 3


def test_build_takes_what_its_arguments_are():
    layer = Pair()
    layer.build((None, 6), b_shape=(None, 2))
    assert layer.w.shape == (6, 2)
    assert layer(np.ones((1, 6)), np.ones((1, 2))).shape == (1, 2)
    assert len(layer.weights) == 1


def test_a_build_that_failed_may_be_tried_again():
    class Picky(Gain):
        def build(self, input_shape):
            if input_shape[-1] != 6:
                raise KeyError("six")
            super().build(input_shape)

    layer = Picky()
    with pytest.raises(KeyError):
        layer.build((None, 5))
    layer.build((None, 6))
    assert names(layer) == ["gain"]


# Metrics, models, data ---------------------------------------------------------------------------


def test_a_metric_that_counts_and_has_no_result_says_so(backend):
    class Forgets(metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            self.seen = len(y_pred)

    with pytest.raises(NpcnnError, match=r"^Forgets: expected a method result, got none; docs/ext"):
        fitted(metrics=[Forgets()])


def test_one_that_adds_up_in_the_base_s_way_needs_none(backend):
    class Adds(metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            self.add_up(np.abs(np.asarray(y_true) - y_pred).mean(axis=-1), np.zeros(len(y_pred)))

    assert fitted(metrics=[Adds(name="none")])[1]["none"] == [0.0]


def test_a_model_that_does_not_begin_says_so(backend):
    class Forgets(npcnn.Model):
        def __init__(self):
            self.dense = layers.Dense(3)

        def call(self, x):
            return self.dense(x)

    for use in (
        lambda m: m(X), lambda m: m.compile("sgd", "mse"), lambda m: m.predict(X), repr,
        lambda m: m.summary(), lambda m: m.save("never.keras"), lambda m: m.layers,
    ):  # fmt: skip
        with pytest.raises(NpcnnError, match=r"^Forgets: expected super\(\).__init__\(\) called f"):
            use(Forgets())


@pytest.mark.filterwarnings("ignore:epoch 2")
def test_an_epoch_without_batches_has_no_loss(backend, tmp_path):
    """A loss of 0.0, as it was, is the best of all, and is kept."""

    def batches():
        for k in range(2):
            yield X[4 * k : 4 * k + 4], Y[4 * k : 4 * k + 4]

    model, _ = fitted()
    best = callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras", "loss", save_best_only=True)
    with pytest.warns(npcnn.NpcnnWarning, match="loss"):
        history = model.fit(
            batches(), steps_per_epoch=2, epochs=2, verbose=0, callbacks=[best]
        ).history
    assert len(history["loss"]) == 1
    assert history["loss"][0] > 0
    assert best.best == history["loss"][0]
