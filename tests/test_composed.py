"""Layers made of layers, and models made by a `call`: the user's class says what hangs together."""

import copy
import pickle

import numpy as np
import pytest

import npcnn
from npcnn import layers
from npcnn.checks import ArgumentError, DtypeError, NpcnnError


@npcnn.utils.register_keras_serializable()
class Unit(layers.Layer):
    """A residual unit."""

    def __init__(self, filters, strides=1, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.strides = filters, strides
        self.main = [
            layers.Conv2D(filters, 3, strides, padding="same", use_bias=False),
            layers.BatchNormalization(),
            npcnn.activations.relu,
            layers.Conv2D(filters, 3, padding="same", use_bias=False),
        ]
        self.skip = [layers.Conv2D(filters, 1, strides)] if strides > 1 else []

    def call(self, inputs):
        x, skipped = inputs, inputs
        for layer in self.main:
            x = layer(x)
        for layer in self.skip:
            skipped = layer(skipped)
        return npcnn.activations.relu(x + skipped)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "strides": self.strides}


class Digits(npcnn.Model):
    """A small network, two of its layers behind one another by hand."""

    def __init__(self, rate=0.0):
        super().__init__()
        self.flatten, self.hidden = layers.Flatten(), layers.Dense(6, activation="relu")
        self.dropout, self.out = layers.Dropout(rate), layers.Dense(3, activation="softmax")

    def call(self, inputs, training=None):
        return self.out(self.dropout(self.hidden(self.flatten(inputs)), training=training))


def pictures(n=12):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 6, 6, 2)).astype("float32"), np.arange(n) % 3


def residual(unit=True):
    """Return a network with residual units, or the same written out."""
    npcnn.set_random_seed(5)
    if unit:
        middle = [Unit(2), Unit(4, 2)]
        end = [layers.Flatten(), layers.Dense(3, activation="softmax")]
        model = npcnn.Sequential([layers.Input((6, 6, 2)), *middle, *end])
    else:
        x = first = layers.Input((6, 6, 2))
        for filters, strides in ((2, 1), (4, 2)):
            x = Unit(filters, strides).call(x)
        x = layers.Dense(3, activation="softmax")(layers.Flatten()(x))
        model = npcnn.Model(first, x)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_a_composed_layer_is_the_graph_that_its_call_makes(backend):
    x, y = pictures()
    made, written = residual(), residual(unit=False)
    assert [type(layer).__name__ for layer in made.layers] == ["Unit", "Unit", "Flatten", "Dense"]
    assert made.count_params() == written.count_params()
    for one, other in zip(made.get_weights(), written.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    histories = [m.fit(x, y, 4, 3, verbose=0, shuffle=False).history for m in (made, written)]
    assert histories[0] == histories[1]
    assert npcnn.trace(made, x[:2], y[:2]).check().passed


@pytest.mark.parametrize("form", ["keras", "h5"])
def test_in_files(tmp_path, form):
    x, y = pictures()
    model = residual()
    model.fit(x, y, verbose=0)
    model.save(tmp_path / f"m.{form}")
    back = npcnn.models.load_model(tmp_path / f"m.{form}")
    assert isinstance(back.layers[0], Unit)
    np.testing.assert_array_equal(back.predict(x, verbose=0), model.predict(x, verbose=0))
    assert back.fit(x, y, verbose=0).history == model.fit(x, y, verbose=0).history


def test_frozen_as_a_whole():
    x, y = pictures()
    model = residual()
    model.layers[0].trainable = False
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    frozen = len(model.layers[0].weights)
    assert frozen == 6
    for k, (old, new) in enumerate(zip(before, model.get_weights(), strict=True)):
        assert (old == new).all() == (k < frozen)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_go_on_by_themselves(copied):
    x, y = pictures()
    model = residual()
    model.fit(x, y, verbose=0)
    other = copied(model)
    before = model.get_weights()
    assert other.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    other.fit(x, y, verbose=0)
    for one, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, old)


def test_a_model_of_ones_own_is_built_from_the_first_data(tmp_path):
    x, y = pictures()
    model = Digits()
    assert not model.built
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    losses = model.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    names = [layer.name for layer in model.layers]
    assert names == ["flatten", "dense", "dropout", "dense_1"]
    model.save(tmp_path / "m.keras")
    back = npcnn.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(back(x), model(x))


def test_training_is_the_models_unless_the_call_says_otherwise():
    npcnn.set_random_seed(0)
    model, x = Digits(rate=0.9), np.ones((64, 4, 4, 1), "float32")
    assert len(np.unique(model(x), axis=0)) == 1
    assert len(np.unique(model(x, training=True), axis=0)) > 1


def test_a_composed_layer_is_called_on_arrays_too(backend):
    x, _ = pictures()
    unit = Unit(4, 2)
    y = unit(x)
    model = npcnn.Sequential([layers.Input((6, 6, 2)), unit])
    np.testing.assert_array_equal(model(x), y)
    np.testing.assert_array_equal(layers.Lambda(lambda a: a * 2)(x), 2 * x)
    both = layers.Lambda(lambda a: [a[0] - a[1], a[0]])([x, x])
    np.testing.assert_array_equal(both, [0 * x, x])
    with pytest.raises(ArgumentError, match="make a new layer for it"):
        unit(x[:, :4])


def test_what_cannot_be_traced_is_one_line():
    class Reads(layers.Layer):
        def call(self, inputs):
            return inputs if inputs else layers.Dense(2)(inputs)

    class Forgets(npcnn.Model):
        pass

    class Numbers(layers.Layer):
        def call(self, inputs):
            return 3

    x = layers.Input((4,))
    with pytest.raises(ArgumentError, match=r"a condition: expected one number, got an array"):
        Reads()(x)
    with pytest.raises(DtypeError, match=r"Numbers.call\(x\): expected an array, got 3"):
        Numbers()(x)
    with pytest.raises(NpcnnError, match="expected a method call, got none"):
        Forgets()(np.zeros((2, 4)))
    shared = Unit(2)
    shared(layers.Input((6, 6, 2)))
    with pytest.raises(ArgumentError, match="make a new layer for it"):
        shared(layers.Input((8, 8, 2)))


def test_names_made_up_by_models_give_way():
    one, other = (npcnn.Sequential([layers.Input((4,)), layers.Dense(2)]) for _ in range(2))
    joined = npcnn.Model([one.input, other.input], layers.concatenate([one.output, other.output]))
    names = ["input_layer", "input_layer_1", "dense", "dense_1", "concatenate"]
    assert [layer.name for layer in joined.layers] == names
    a, b = layers.Dense(2, name="same"), layers.Dense(2, name="same")
    x = layers.Input((4,))
    with pytest.raises(ArgumentError, match="expected a new name, got 'same'"):
        npcnn.Model(x, layers.add([a(x), b(x)]))


class Held(layers.Layer):
    """Normalises by what it has seen before, or as it is told."""

    def __init__(self, hand_on, **kwargs):
        super().__init__(**kwargs)
        self.hand_on, self.inner = hand_on, layers.BatchNormalization(momentum=0.5)
        self.out = layers.Dense(3, activation="softmax")

    def call(self, inputs, training=None):
        return self.out(self.inner(inputs, training=training if self.hand_on else False))


class Within(Held):
    """The same, with a model in it."""

    def __init__(self, hand_on, **kwargs):
        super().__init__(hand_on, **kwargs)
        self.normal = self.inner
        self.inner = npcnn.Sequential([layers.Input((4,)), self.normal])


@pytest.mark.parametrize("kind", [Held, Within])
@pytest.mark.parametrize("hand_on", [False, True])
def test_inference_said_in_call_holds_in_training(kind, hand_on):
    """As Keras hands `training=False` on; else the model's own is what a layer is told."""
    x = np.random.default_rng(0).normal(3, 2, (8, 4)).astype("float32")
    layer = kind(hand_on)
    model = npcnn.Sequential([layers.Input((4,)), layer])
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = model.predict(x, verbose=0)
    loss = model.train_on_batch(x, np.arange(8) % 3)
    normal = layer.normal if kind is Within else layer.inner
    moved = np.asarray(normal.moving_mean)
    np.testing.assert_allclose(moved, x.mean(axis=0) / 2 if hand_on else 0, rtol=1e-5)
    said = -np.log(before[np.arange(8), np.arange(8) % 3]).mean()
    assert (abs(loss - said) < 1e-5) != hand_on
    assert npcnn.trace(model, x, np.arange(8) % 3, training=True).check().passed


@pytest.mark.parametrize("computes", [False, True])
def test_a_model_whose_call_takes_no_training_trains_its_layers_all_the_same(computes):
    class Silent(npcnn.Model):
        def __init__(self):
            super().__init__()
            self.drop, self.normal = layers.Dropout(0.5), layers.BatchNormalization(momentum=0.5)
            if computes:
                self.one = self.add_weight(shape=(), initializer="ones", trainable=False)

        def call(self, x):
            x = self.drop(self.normal(x))
            return x * self.one if computes else x

    model, x = Silent(), np.arange(64, dtype="float32").reshape(16, 4)
    model.compile("sgd", "mse")
    model.fit(x, x, 16, verbose=0)
    np.testing.assert_allclose(model.normal.moving_mean, x.mean(axis=0) / 2, rtol=1e-5)
    np.testing.assert_array_equal(model.predict(x, verbose=0), model(x))
    dropped = np.asarray(model(x, training=True)) == 0
    assert 0.2 < dropped.mean() < 0.8
