"""Regularizers and constraints: beside oracles, in training beside Keras, in files both ways."""

import json

import numpy as np
import pytest
from in_keras import ask, needs_keras
from regularized_networks import NETWORKS, compiled, network

import npcnn
from npcnn import constraints, layers, regularizers, training
from npcnn.backend import using
from npcnn.checks import ArgumentError, NpcnnError
from npcnn.gradient_check import numerical_gradient

# (class, arguments, shape of what it is asked about)
PENALTIES = [
    ("L1", {}, (4, 3)),
    ("L2", {"l2": 0.3}, (3, 3, 2, 4)),
    ("L1L2", {"l1": 0.2, "l2": 0.1}, (5,)),
    ("L1L2", {}, (5,)),
    ("OrthogonalRegularizer", {"factor": 0.4}, (4, 3)),
    ("OrthogonalRegularizer", {"factor": 0.4, "mode": "columns"}, (4, 3)),
]
LIMITS = [
    ("MaxNorm", {"max_value": 0.7}, (4, 3)),
    ("MaxNorm", {"max_value": 1, "axis": [0, 1, 2]}, (3, 3, 2, 4)),
    ("MaxNorm", {"max_value": 0.5, "axis": 1}, (4, 3)),
    ("MaxNorm", {"max_value": 0.5, "axis": [0, 3]}, (3, 3, 2, 4)),
    ("UnitNorm", {}, (4, 3)),
    ("UnitNorm", {"axis": -1}, (4, 3)),
    ("MinMaxNorm", {"min_value": 0.9, "max_value": 1.1, "rate": 0.5}, (4, 3)),
    ("NonNeg", {}, (4, 3)),
]
ALL = [("regularizers", *case) for case in PENALTIES] + [("constraints", *c) for c in LIMITS]
IDS = [f"{k} {case[1]}" for k, case in enumerate(ALL)]


def array(shape, dtype="float64"):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(dtype)


def made(case):
    return getattr(getattr(npcnn, case[0]), case[1])(**case[2])


@pytest.fixture(scope="module")
def keras_numbers(tmp_path_factory):
    tasks = {}
    for key, case in zip(IDS, ALL, strict=True):
        task = {"do": "weight", "module": case[0], "make": case[1:3]}
        tasks[key] = task, {"w": array(case[3], "float32")}
    for name in NETWORKS:
        rows, x, y, weights = network(name)
        optimizer = ("SGD", {"learning_rate": 0.05, "momentum": 0.9})
        make = ("MeanSquaredError", {})
        task = {"do": "train", "make": make, "layers": rows, "optimizer": optimizer}
        tasks[name] = task, {"x": x, "y": y, **{f"weight{k}": w for k, w in enumerate(weights)}}
    return ask(tmp_path_factory.mktemp("regularizers"), tasks)


@needs_keras
@pytest.mark.parametrize("key", IDS)
def test_values_as_in_keras(keras_numbers, backend, key):
    case, want = ALL[IDS.index(key)], keras_numbers[key]
    thing, w = made(case), array(case[3], "float32")
    before = w.copy()
    np.testing.assert_allclose(thing(w), want["value"], rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(w, before)
    if case[0] == "constraints":
        thing.apply(w)
        np.testing.assert_allclose(w, want["value"], rtol=1e-5, atol=1e-7)
        return
    np.testing.assert_allclose(thing.gradient(w), want["gradient"], rtol=1e-4, atol=1e-6)
    losses, grad = np.array([1.0, 2.0], "float32"), np.ones_like(w)
    charged = thing.charge(losses, w, grad)
    np.testing.assert_allclose(charged, losses + want["value"], rtol=1e-6)
    np.testing.assert_allclose(grad, 1 + want["gradient"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(thing.back(np.ones_like(w), w), grad, rtol=1e-6)


@needs_keras
@pytest.mark.parametrize("name", NETWORKS)
def test_training_as_in_keras(keras_numbers, backend, name):
    """The penalty is in the loss, validation's too; its gradient moves; constraints hold."""
    model, x, y = compiled(name)
    want = keras_numbers[name]
    fit = {"batch_size": 7, "epochs": 3, "shuffle": False, "verbose": 0}
    history = model.fit(x, y, validation_data=(x[:9], y[:9]), **fit).history
    for curve, values in history.items():
        np.testing.assert_allclose(values, want[f"history/{curve}"], rtol=2e-5, err_msg=curve)
    for k, weight in enumerate(model.get_weights()):
        np.testing.assert_allclose(weight, want[f"after{k}"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0), want["evaluated"], rtol=2e-5)
    if "activity" not in json.dumps(NETWORKS[name]):
        np.testing.assert_allclose(model.losses, want["losses"], rtol=1e-5)


@pytest.mark.parametrize("case", ALL[: len(PENALTIES)], ids=IDS[: len(PENALTIES)])
def test_gradients_by_differences(backend, case):
    thing, w = made(case), array(case[3])
    found = numerical_gradient(lambda: thing(w), w)
    np.testing.assert_allclose(thing.gradient(w), found, rtol=1e-6, atol=1e-8)


def test_lengths_in_loops(backend):
    for shape, axis in [((4, 3), [0]), ((2, 3, 2, 5), [0, 1, 2]), ((2, 3, 4), [1]), ((3, 2), [1])]:
        w = array(shape)
        found = constraints.MinMaxNorm(0.5, 1.0, 0.8, axis)(w)
        rest = [k for k in range(len(shape)) if k not in axis]
        for place in np.ndindex(*(shape[k] for k in rest)):
            index = [slice(None)] * len(shape)
            for k, i in zip(rest, place, strict=True):
                index[k] = i
            part = w[tuple(index)]
            norm = float(np.sqrt(sum(float(v) ** 2 for v in part.flat)))
            wanted = 0.8 * min(max(norm, 0.5), 1.0) + 0.2 * norm
            np.testing.assert_allclose(found[tuple(index)], part * (wanted / (norm + 1e-7)))


def test_the_same_bits_whatever_the_backend_plays():
    """Steps with penalties and constraints are played; to the same bits as those that are not."""
    for name in NETWORKS:
        if name == "orthogonal":
            continue
        with using("numba"):
            model, x, y = compiled(name)
            model.fit(x, y, batch_size=5, epochs=3, shuffle=False, verbose=0)
            assert not str(model.program).startswith("not replayed"), (name, str(model.program))
            other, x, y = compiled(name)
            other.train_on_batch(x[:5], y[:5])  # makes the optimizer's slots
            for number in range(1, 12):
                batch = slice(5 * number % 20, 5 * number % 20 + 5)
                training.train_step(other, [x[batch]], [y[batch]], [np.ones(5, "float32")])
            for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
                np.testing.assert_array_equal(one, two)


@npcnn.utils.register_keras_serializable("mine")
class Cubic(regularizers.Regularizer):
    def __init__(self, factor=0.1):
        self.factor = factor

    def __call__(self, x):
        return self.factor * float((abs(x) ** 3).sum())

    def gradient(self, x):
        return self.factor * 3 * x * abs(x)

    def get_config(self):
        return {"factor": self.factor}


@npcnn.utils.register_keras_serializable("mine")
class Rounded(constraints.Constraint):
    def __call__(self, w):
        return w.round(3)


def test_ones_own(backend, tmp_path):
    rows = [layers.Input((4,)), layers.Dense(3, kernel_regularizer=Cubic(0.2))]
    rows += [layers.Dense(2, kernel_constraint=Rounded(), activity_regularizer=Cubic(0.01))]
    model = npcnn.Sequential(rows)
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 4)), rng.normal(size=(12, 2))
    model.fit(x, y, batch_size=3, epochs=3, verbose=0)
    kernel = model.layers[1].kernel
    np.testing.assert_array_equal(kernel, kernel.round(3))
    if backend == "numba":
        assert "the penalty of Cubic is read in Python" in str(model.program)
    outputs = model.predict(x, verbose=0)
    want = ((outputs - y) ** 2).mean() + 0.2 * (abs(model.layers[0].kernel) ** 3).sum()
    want += 0.01 * (abs(outputs) ** 3).sum() / 12
    assert model.evaluate(x, y, batch_size=12, verbose=0) == pytest.approx(want, rel=1e-5)
    model.save(tmp_path / "own.keras")
    again = npcnn.load_model(tmp_path / "own.keras")
    assert again.layers[0].kernel_regularizer.factor == 0.2
    assert type(again.layers[1].kernel_constraint) is Rounded
    assert again.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


def test_a_layer_of_ones_own_declares_them(backend):
    class Scaled(layers.Layer):
        def create_parameters(self, input_shape):
            self.add_parameter(
                "scale", (input_shape[-1],), "ones", regularizer="l2", constraint="non_neg"
            )

        def forward(self, x, training=False, step=0, keep=True):
            self._saved = x
            return x * self.scale

        def backward(self, grad_y, need_grad_x=True):
            self.grad_scale[...] = (grad_y * self.saved()).sum(axis=0)
            return grad_y * self.scale

    model = npcnn.Sequential([layers.Input((2,)), Scaled()])
    assert model.losses == [pytest.approx(0.02)]
    model.compile(npcnn.optimizers.SGD(10.0), "mse")
    model.train_on_batch(np.ones((3, 2)), -np.ones((3, 2)))
    np.testing.assert_array_equal(model.layers[0].scale, 0)


@pytest.mark.parametrize(
    "make", [layers.MaxPooling2D, layers.Flatten, layers.Identity, layers.BatchNormalization]
)
def test_every_layer_may_be_charged_for_what_it_gives(backend, tmp_path, make):
    x, y = np.random.default_rng(0).normal(size=(6, 4, 4, 1)), np.arange(6.0)[:, None]
    rows = [make(activity_regularizer=regularizers.L2(0.5)), layers.Flatten(), layers.Dense(1)]
    model = npcnn.Sequential([layers.Input((4, 4, 1)), layers.Conv2D(2, 2), *rows])
    model.compile("sgd", "mse")
    losses = [model.train_on_batch(x, y) for _ in range(3)]
    assert losses[-1] < losses[0]
    given = npcnn.Model(model.input, model.layers[1].output).predict(x, verbose=0)
    want = ((model.predict(x, verbose=0) - y) ** 2).mean() + 0.5 * (given**2).sum() / 6
    assert model.evaluate(x, y, verbose=0) == pytest.approx(want, rel=1e-5)
    model.save(tmp_path / "m.keras")
    again = npcnn.load_model(tmp_path / "m.keras")
    assert again.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


class Made(layers.Layer):
    """A layer made of a layer."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(2)

    def call(self, inputs):
        return self.dense(inputs)


def test_a_layer_made_of_layers_may_be_charged_for_its_output():
    x = layers.Input((3,))
    model = npcnn.Model(x, Made(activity_regularizer="l2")(x))
    model.compile("sgd", "mse")
    y = model.predict(np.ones((4, 3)), verbose=0)
    np.testing.assert_allclose(
        model.evaluate(np.ones((4, 3)), y, verbose=0), 0.01 * (y**2).sum() / 4, rtol=1e-6
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_traces_and_slow_motion(backend, name):
    """A trace's gradients are the layers' own; a step in slow motion is the step."""
    model, x, y = compiled(name)
    assert npcnn.trace(model, x[:5], y[:5], training=True).check().passed
    other, _, _ = compiled(name)
    for _ in npcnn.step_through(model, x[:5], y[:5]):
        pass
    other.train_on_batch(x[:5], y[:5])
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.Dense(3, kernel_regularizer="l3"), "expected one of l1, l1_l2, l1l2, l2, "),
        (lambda: layers.Dense(3, kernel_regularizer=0.1), "expected a Regularizer, got 0.1"),
        (lambda: layers.Dense(3, bias_constraint="maxnorm"), "perhaps 'max_norm' was meant"),
        (lambda: layers.Flatten(kernel_regularizer="l2"), "got 'kernel_regularizer'"),
        (lambda: layers.InputLayer((3,), activity_regularizer="l2"), "got 'activity_regularizer'"),
        (lambda: regularizers.L2(-1), r"L2\(l2\): expected a number ≥ 0"),
        (lambda: constraints.MaxNorm(axis="x"), r"MaxNorm\(axis\): expected an axis"),
        (lambda: layers.Dense(3, kernel_constraint=constraints.MaxNorm(axis=2)).build((None, 2)),
         "expected an axis of an array"),
        (lambda: regularizers.OrthogonalRegularizer()(np.ones(3)), "expected a matrix"),
    ],
)  # fmt: skip
def test_what_is_refused(make, text):
    with pytest.raises(ArgumentError, match=text):
        make()


@pytest.mark.parametrize("case", ALL, ids=IDS)
def test_config_there_and_back(case):
    thing = made(case)
    module = getattr(npcnn, case[0])
    config = thing.get_config()
    assert type(thing).from_config(config).get_config() == config
    again = module.get({"class_name": case[1], "config": json.loads(json.dumps(config))})
    assert again.get_config() == config
    assert module.get(None) is None
    assert module.get(thing) is thing


@pytest.mark.parametrize("call", [regularizers.L2(), constraints.NonNeg(), constraints.UnitNorm()])
def test_called_by_hand_they_say_what_is_no_array(call):
    for bad in (None, "abc", 3j, np.ones(2, complex), np.ma.masked_array([1.0], [True])):
        with pytest.raises(NpcnnError, match="expected an array of numbers, got"):
            call(bad)
    assert np.isfinite(call(np.full((2, 2), 200, "uint8"))).all()


def test_a_penalty_on_bytes_is_not_cut_to_a_byte():
    assert regularizers.L2(1.0)(np.full(2, 200, "uint8")) == 2 * 200.0**2
