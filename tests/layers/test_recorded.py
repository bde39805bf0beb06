"""Layers as strangers write them, whose `call` is recorded."""

import copy
import pickle

import numpy as np
import pytest

import npcnn
from npcnn import layers, ops
from npcnn.checks import ArgumentError, FormatError, StateError
from npcnn.ops.tape import Tensor, gradients
from npcnn.saving.keras_zip import layer_paths

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
    assert "Dropout" in [type(leaf).__name__ for leaf in model.layers[-1].made_of()]
    torn = learnt(Torn()).layers[0]
    np.testing.assert_array_equal(torn(X), np.tanh(torn(X, training=True)))


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


class Scaled(layers.Layer):
    """Layers and a weight of its own, and what it adds to the loss."""

    def __init__(self, units=6, **kwargs):
        super().__init__(**kwargs)
        self.units, self.rows = units, [layers.Dense(units, "relu"), layers.Dense(units)]
        self.normal, self.drop = layers.BatchNormalization(momentum=0.5), layers.Dropout(0.3)

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(self.units,), initializer="ones", name="scale")

    def call(self, x):
        y = self.drop(self.normal(self.rows[1](self.rows[0](x))))
        self.add_loss(0.1 * ops.mean(ops.square(y)))
        return x + self.scale * y


class Pair(layers.Layer):
    """Two inputs, one of them by name, and two outputs."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.one = layers.Dense(3)

    def build(self, a_shape, b_shape):
        self.w = self.add_weight(shape=(a_shape[-1], b_shape[-1]), name="w")

    def call(self, a, b, scale=1.0):
        return self.one(a) * scale, ops.matmul(a, self.w) * b


class Noise(layers.Layer):
    """Draws by a generator that it holds."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.chance = npcnn.random.SeedGenerator(5)

    def call(self, x):
        return x + npcnn.random.normal(ops.shape(x), seed=self.chance)


class Whole(npcnn.Model):
    """A model whose `call` does more than calling layers."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.block, self.out = Scaled(units), npcnn.Sequential([layers.Dense(3)])
        self.seen = npcnn.metrics.Mean(name="seen")

    def call(self, x):
        y = self.block(x)
        self.add_loss(0.01 * ops.sum(ops.abs(y)) / len(y))
        self.seen.update_state(ops.mean(y))
        return self.out(y)


OWN = {cls.__name__: cls for cls in (Scaled, Pair, Noise, Whole)}


def a_row():
    return npcnn.Sequential([layers.Input((6,)), Scaled(), Noise(), layers.Dense(3)])


def a_graph():
    x = layers.Input((6,))
    one, other = Pair()(x, b=layers.Dense(3)(x), scale=0.5)
    block = Scaled()
    return npcnn.Model(x, layers.Dense(3)(block(block(x))) + one * other)


def a_whole():
    model = Whole(6)
    model.build((None, 6))
    return model


MODELS = [a_row, a_graph, a_whole]


def trained(make):
    npcnn.set_random_seed(0)
    model = make()
    model.compile("adam", "mse")
    model.fit(X, Y, 8, 1, 0)
    return model


def loaded(path, model):
    model.save(path)
    return npcnn.load_model(path, custom_objects=OWN)


WAYS = {
    "keras": lambda model, folder: loaded(folder / "m.keras", model),
    "h5": lambda model, folder: loaded(folder / "m.h5", model),
    "pickle": lambda model, folder: pickle.loads(pickle.dumps(model)),
    "deepcopy": lambda model, folder: copy.deepcopy(model),
}


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("way", WAYS)
def test_copies_go_on_to_the_same_bits(make, way, tmp_path, backend):
    if make is a_whole and way == "h5":
        with pytest.raises(FormatError, match="expected a graph of layers, got class Whole"):
            WAYS[way](trained(make), tmp_path)
        return
    model = trained(make)
    again = WAYS[way](model, tmp_path)
    for _ in range(2):
        one, other = (m.fit(X, Y, 8, 1, 0).history for m in (model, again))
        assert one == other
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    clone = npcnn.models.clone_model(model)
    assert [w.shape for w in clone.get_weights()] == [w.shape for w in model.get_weights()]


@pytest.mark.parametrize("make", MODELS)
def test_gradients_are_checked_with_what_is_added_to_the_loss(make):
    model = trained(make)
    before = model.get_weights()
    assert npcnn.trace(model, X[:2], Y[:2], training=True).check().passed
    for one, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, old)


def test_what_nobody_asks_for_is_not_gone_back_to():
    asked = []

    def by(name, value):
        return lambda: asked.append(name) or value

    x, w = Tensor(np.ones(2)), Tensor(np.ones(2))
    end = Tensor(np.ones(2), (x, w), lambda g: (by("x", g), by("w", g)))
    assert list(gradients([(end, np.ones(2))], [w])) == [end, w]
    assert asked == ["w"]
    for function in (ops.split, ops.unstack):
        with pytest.raises(ArgumentError, match=r"expected at most 65536 parts, got 100000"):
            function(np.zeros(100_000), 100_000)


@pytest.mark.parametrize("make", MODELS)
def test_a_run_goes_on_to_the_same_bits(make, tmp_path):
    """From the middle of an epoch, dropout's masks and what `SeedGenerator`s give included."""
    runs = []
    for stops in (False, True):
        npcnn.set_random_seed(0)
        model = make()
        model.compile("adam", "mse")
        saving = npcnn.callbacks.ModelCheckpoint(tmp_path / "run.keras", save_freq=3)
        if stops:
            model.fit(X, Y, 4, 1, 0, callbacks=[saving])
            npcnn.set_random_seed(1)
            model = make()
            model.compile("adam", "mse")
        how = {"resume_from": tmp_path / "run.keras"} if stops else {}
        history = model.fit(X, Y, 4, 2, 0, callbacks=[saving], **how).history
        runs.append([history, *model.get_weights()])
    assert runs[0][0] == runs[1][0]
    for one, other in zip(runs[0][1:], runs[1][1:], strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_lie_in_files_where_keras_has_them():
    """By the attributes that hold them; these are the paths that Keras 3 writes."""
    inner = ["drop", "normal", "rows/dense", "rows/dense_1"]
    found = [path for _, path in layer_paths(a_row())]
    assert found[:5] == ["layers/scaled", *(f"layers/scaled/{name}" for name in inner)]
    found = [path for _, path in layer_paths(a_whole())]
    block = ["block", *(f"block/{name}" for name in inner)]
    assert found == [*block, "layers/sequential/layers/dense"]


class Watching(layers.Layer):
    """A layer with a metric. (Keras does so on TensorFlow and Torch; on JAX it fails.)"""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen, self.dense = npcnn.metrics.Mean(name="seen"), layers.Dense(3)

    def call(self, x):
        y = self.dense(x)
        self.seen.update_state(y)
        return y


def test_metrics_of_layers_are_reported_and_begin_anew_each_epoch(backend):
    model = npcnn.Sequential([layers.Input((6,)), Watching()])
    model.compile(npcnn.optimizers.SGD(0.0), "mse", metrics=["mae"])
    x = np.random.default_rng(0).random((32, 6), np.float32)
    history = model.fit(x, np.zeros((32, 3)), 8, epochs=2, verbose=0).history
    told = model.evaluate(x, np.zeros((32, 3)), 8, verbose=0, return_dict=True)
    mean = model.predict(x, verbose=0).mean()
    np.testing.assert_allclose([*history["seen"], told["seen"]], [mean] * 3, rtol=1e-5)
    assert model.metrics[-1].name == "seen"


class TooLate(layers.Layer):
    """A layer with one that is first called in training, or made in each call."""

    def __init__(self, kept, **kwargs):
        super().__init__(**kwargs)
        self.kept, self.dense = kept, layers.Dense(3)

    def build(self, input_shape):
        self.w = self.add_weight(shape=(3,), initializer="ones")

    def call(self, x, training=None):
        x = x * self.w
        return x if not training else (self.dense if self.kept else layers.Dense(3))(x)


def test_a_parameter_that_a_layer_in_a_model_gets_is_refused():
    """The optimizer would never see it."""
    layer = layers.Dense(3)
    model = npcnn.Sequential([layers.Input((3,)), layer])
    model.compile("sgd", "mse")
    model.train_on_batch(np.ones((8, 3)), np.ones((8, 3)))
    with pytest.raises(StateError, match=r"^Dense.*add_parameter.*no model has laid out"):
        layer.add_weight(shape=(3,), name="z")
    with pytest.raises(StateError, match=r"^del Dense.*\.kernel: expected a parameter to stay"):
        del layer.kernel


@pytest.mark.parametrize("kept", [True, False])
def test_weights_that_are_made_in_training_are_refused(backend, kept):
    model = npcnn.Sequential([layers.Input((3,)), TooLate(kept)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.raises(StateError, match=r"^Dense.*: expected a layer built before this pass, got"):
        model.fit(np.ones((8, 3)), np.ones((8, 3)), verbose=0)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
