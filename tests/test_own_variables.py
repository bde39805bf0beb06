"""What a program makes itself: variables, layers that it never calls, steps without a loss."""

import copy
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from in_keras import needs_keras

import npcnn
from npcnn import layers, losses, metrics, ops
from npcnn.checks import ArgumentError, DtypeError

X = np.random.default_rng(3).normal(size=(8, 3)).astype("float32")
Y = np.random.default_rng(4).normal(size=(8, 2)).astype("float32")


@pytest.mark.parametrize(
    ("given", "dtype", "shape"),
    [
        (3, "int32", ()), (0.5, "float32", ()), ([1, 2], "int32", (2,)), (True, "bool", ()),
        (np.ones(2), "float32", (2,)), (np.arange(3, dtype="uint8"), "int32", (3,)),
    ],
)  # fmt: skip
def test_numbers_have_keras_s_types(given, dtype, shape):
    made = npcnn.Variable(given, name="own")
    assert (made.dtype, made.shape, made.name, made.path) == (dtype, shape, "own", "own")
    assert made.trainable
    assert np.array_equal(made.numpy(), given)


def test_a_variable_is_assigned_to():
    made = npcnn.Variable("ones", shape=(2,), trainable=False)
    assert made.assign_add([1, 2]).tolist() == [2, 3]
    assert not made.trainable
    assert made.assign_sub(1).tolist() == [1, 2]
    assert ops.sum(made * 2) == 6
    assert repr(made) == "<Variable path=variable, shape=(2,), dtype=float32, value=[1. 2.]>"
    said = r"^variable\.assign\(value\): expected \(2,\), got \(3,\); give an array of that shape"
    with pytest.raises(ArgumentError, match=said):
        made.assign([1, 2, 3])
    assert made.numpy().tolist() == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("uniform",), r"Variable\(shape\): expected the array's shape, got None; give shape"),
        (([1, 2], (3,)), r"Variable\(shape\): expected \(2,\), got \(3,\); leave shape out"),
        ((object(),), r"Variable\(initializer\): expected numbers, got .*; or an initializer"),
        (("unifrom", (2,)), r"Variable\(initializer\): .*uniform"),
    ],
)
def test_what_is_no_beginning_is_one_line(arguments, said):
    with pytest.raises((ArgumentError, DtypeError), match=rf"^{said}"):
        npcnn.Variable(*arguments)


class Free(layers.Layer):
    """x · s + a + b, of variables that it merely holds."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.s = npcnn.Variable(np.full(3, 0.5), name="s")
        self.more = [npcnn.Variable(1.0), npcnn.Variable(2.0, trainable=False)]

    def call(self, x):
        return x * self.s + self.more[0] + self.more[1]


class Declared(Free):
    """The same, of weights that it declares."""

    def __init__(self, **kwargs):
        super(Free, self).__init__(**kwargs)
        self.s = self.add_weight((3,), lambda shape, dtype: np.full(shape, 0.5, dtype), name="s")
        one = self.add_weight((), "ones", name="a")
        self.more = [one, self.add_weight((), lambda *_: np.array(2.0), trainable=False, name="b")]


class Whole(npcnn.Model):
    def __init__(self, kind=Free):
        super().__init__()
        self.scale = npcnn.Variable(np.ones(3), name="scale")
        self.inner, self.out = kind(), layers.Dense(2)
        self.w = self.add_weight((2,), "ones", name="w")

    def call(self, x):
        return self.out(self.inner(x * self.scale)) * self.w


def learnt(model):
    npcnn.set_random_seed(5)
    model.compile(npcnn.optimizers.SGD(0.1), "mse")
    history = model.fit(X, Y, epochs=3, batch_size=4, shuffle=False, verbose=0).history["loss"]
    return history, model.get_weights()


def test_a_layer_learns_what_it_holds(backend):
    free, declared = (npcnn.Sequential([kind(), layers.Dense(2)]) for kind in (Free, Declared))
    layer = free.layers[0]
    mine = layer.s, *layer.more
    one, other = learnt(free), learnt(declared)
    assert one[0] == other[0]
    assert one[0][2] < one[0][0]
    assert all(np.array_equal(a, b) for a, b in zip(one[1], other[1], strict=True))
    assert (layer.s, *layer.more) == mine
    assert next(w.name for w in layer.weights) == "s"
    assert [w.trainable for w in layer.weights] == [True, True, False]
    assert mine[0].numpy().tolist() == one[1][0].tolist() != [0.5] * 3
    mine[1].assign(7.0)
    assert free.get_weights()[1] == 7


def test_a_model_learns_what_it_holds(backend, tmp_path):
    model = Whole()
    learnt(model)
    found = model.get_weights()
    assert [w.shape for w in found] == [(3,), (2,), (3,), (), (), (3, 2), (2,)]
    assert not np.array_equal(found[0], np.ones(3))
    assert not np.array_equal(found[1], np.ones(2))
    twin = copy.deepcopy(model)
    learnt(twin)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), found, strict=True))
    model.save_weights(tmp_path / "m.weights.h5")
    again = Whole()
    again.build((None, 3))
    again.load_weights(tmp_path / "m.weights.h5")
    assert np.array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


PROGRAM = """
import sys, json
import numpy as np
import keras
from keras import layers

class Free(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.s = keras.Variable(np.full(3, 0.5), name="s")
        self.more = [keras.Variable(1.0), keras.Variable(2.0, trainable=False)]

    def call(self, x):
        return x * self.s + self.more[0] + self.more[1]

class Whole(keras.Model):
    def __init__(self):
        super().__init__()
        self.scale = keras.Variable(np.ones(3), name="scale")
        self.inner, self.out = Free(), layers.Dense(2)
        self.w = self.add_weight(shape=(2,), initializer="ones", name="w")

    def call(self, x):
        return self.out(self.inner(x * self.scale)) * self.w

x = np.array(json.loads(sys.argv[2]), "float32")
model = Whole()
model(x)
model.load_weights(sys.argv[1])
print(json.dumps(np.asarray(model.predict(x, verbose=0)).tolist()))
model.save_weights(sys.argv[1])
"""


@needs_keras
def test_files_go_both_ways(tmp_path):
    model, path = Whole(), tmp_path / "m.weights.h5"
    learnt(model)
    model.save_weights(path)
    environment = {**os.environ, "KERAS_BACKEND": "torch", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), json.dumps(X.tolist())],
        env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    wanted = model.predict(X, verbose=0)
    assert np.allclose(json.loads(done.stdout.splitlines()[-1]), wanted, atol=1e-6)
    again = Whole()
    again.build((None, 3))
    again.load_weights(path)
    assert np.array_equal(again.predict(X, verbose=0), wanted)


class Idle(npcnn.Model):
    def __init__(self):
        super().__init__()
        self.first, self.never = layers.Dense(3), layers.Dense(7)
        self.pieces = {"last": layers.Dense(2)}

    def call(self, x):
        return self.pieces["last"](self.first(x))


def test_layers_that_are_never_called_are_there_and_not_built():
    model = Idle()
    learnt(model)
    assert model.layers == [model.first, model.never, model.pieces["last"]]
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "dense_2"]
    assert model.get_layer("dense_1") is model.get_layer(index=1) is model.never
    assert [w.shape for w in model.weights] == [(3, 3), (3,), (3, 2), (2,)]
    assert "not built" in model._repr_html_()
    assert not model.never.built


def test_layers_of_a_model_that_computes_are_found_by_name():
    model = Whole()
    model.build((None, 3))
    assert model.get_layer("dense") is model.out
    assert model.get_layer(index=0) is model.inner


class Scoring(npcnn.Model):
    """Compiled without a loss, it is scored by a step of its own."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.mean, self.own = metrics.Mean(name="loss"), losses.MeanSquaredError()

    def test_step(self, data):
        x, y = data
        self.mean.update_state(self.own(y, self(x, training=False)))
        return {"loss": self.mean.result()}


def test_a_step_of_ones_own_needs_no_loss_to_score_by():
    inputs = layers.Input((3,))
    model = Scoring(inputs, layers.Dense(2)(inputs))
    model.compile("adam")
    found = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert found == {"loss": pytest.approx(np.mean((model.predict(X, verbose=0) - Y) ** 2))}


@pytest.mark.parametrize("way", [{"steps_per_execution": 3}, {"jit_compile": False}])
def test_how_steps_are_run_stands_in_the_settings(way):
    model = npcnn.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile("sgd", "mse", **way)
    found = model.get_compile_config()
    wanted = {"run_eagerly": False, "steps_per_execution": 1, "jit_compile": "auto"} | way
    assert {key: found[key] for key in wanted} == wanted
    other = npcnn.Sequential([layers.Input((3,)), layers.Dense(2)])
    other.compile_from_config(found)
    assert other.get_compile_config() == found


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("GradientTape", r"override compute_loss\(\)"),
        ("function", "leave it out"),
        ("reduce_mean", "npcnn.ops"),
    ],
)
def test_what_tensorflow_has_is_told_the_way_round(name, said):
    with pytest.raises(AttributeError, match=said):
        getattr(npcnn, name)
    with pytest.raises(AttributeError, match="fit takes arrays"):
        npcnn.data.Dataset  # noqa: B018


def test_names_of_keras_s_ops_by_room():
    from npcnn.ops import nn
    from npcnn.ops import numpy as knp

    assert nn.relu is ops.nn.relu is ops.relu
    assert knp.mean is ops.numpy.mean is ops.mean
    with pytest.raises(AttributeError, match=r"rleu.*relu"):
        nn.rleu  # noqa: B018


class Alone(npcnn.Model):
    """It learns without targets."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        assert y is None
        return ops.mean(ops.square(y_pred - x[:, :2]))

    def test_step(self, data):
        assert not isinstance(data, tuple)
        return {"loss": self.compute_loss(x=data, y_pred=self(data, training=False))}


def test_a_loss_of_ones_own_may_need_no_targets():
    inputs = layers.Input((3,))
    model = Alone(inputs, layers.Dense(2)(inputs))
    model.compile(npcnn.optimizers.SGD(0.1))
    curve = model.fit(X, epochs=4, batch_size=4, verbose=0).history["loss"]
    assert curve[3] < curve[0]
    found = model.evaluate(X, batch_size=8, verbose=0)
    assert found == pytest.approx(np.mean((model.predict(X, verbose=0) - X[:, :2]) ** 2))
