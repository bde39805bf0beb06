"""Lambda: functions that are arithmetic, activations and layers; lines for others."""

import json

import numpy as np
import pytest

import npcnn
from npcnn import activations, layers, ops
from npcnn.backend import using
from npcnn.checks import ArgumentError, FormatError


@npcnn.utils.register_keras_serializable("mine")
def squashed(x, scale=2.0):
    return activations.tanh(x * scale) - 0.5


FUNCTIONS = {
    "pixels": (lambda x: x / 127.5 - 1, lambda x: x / 127.5 - 1),
    "square": (lambda x: x**2, lambda x: x**2),
    "cube": (lambda x: -(x**3) + 1, lambda x: 1 - x**3),
    "itself": (lambda x: x, lambda x: x),
    "indices": (lambda x: x[:, 1:], lambda x: x[:, 1:]),
    "roots": (lambda x: ops.sqrt(x**2 + 1) ** 0.5, lambda x: (x**2 + 1) ** 0.25),
    "silu": (lambda x: x * activations.sigmoid(x), lambda x: x / (1 + np.exp(-x))),
    "a layer": (lambda x: layers.LeakyReLU(0.5)(x), lambda x: np.where(x > 0, x, x / 2)),
    "registered": (squashed, lambda x: np.tanh(2 * x) - 0.5),
    "activation": (activations.tanh, np.tanh),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_learning_and_copies(name):
    function, want = FUNCTIONS[name]
    x = np.random.default_rng(0).normal(size=(6, 4, 3)).astype("float32")
    y = np.arange(6) % 3
    single = npcnn.Sequential([layers.Lambda(function, input_shape=(4, 3))])
    np.testing.assert_allclose(single(x), want(x), rtol=1e-5, atol=1e-6)
    with using("numba"):
        end = [layers.Flatten(), layers.Dense(3, activation="softmax")]
        model = npcnn.Sequential([layers.Dense(3), layers.Lambda(function), *end])
        model.compile("adam", "sparse_categorical_crossentropy")
        losses = [model.train_on_batch(x, y) for _ in range(8)]
        assert losses[-1] < losses[0]
        by_ops = name in ("indices", "roots")  # recorded at each step, never replayed
        assert model.program.last.played != by_ops, str(model.program)
    assert npcnn.trace(model, x[:2], y[:2]).check().passed
    again = npcnn.models.clone_model(model)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(x), model(x))


def test_several_inputs_and_further_arguments():
    one, other = layers.Input((3,)), layers.Input((3,))
    layer = layers.Lambda(lambda both, by: (both[0] - both[1]) * by, arguments={"by": 2.0})
    model = npcnn.Model([one, other], layer([one, other]))
    np.testing.assert_array_equal(model([np.ones((2, 3)), np.full((2, 3), 4.0)]), -6)


def test_shapes_are_found_and_held_against_what_was_said():
    halves = layers.Lambda(activations.glu)
    model = npcnn.Sequential([halves, layers.Dense(2)])
    assert model.predict(np.ones((2, 6)), verbose=0).shape == (2, 2)
    assert model.layers[1].input_shape == (None, 3)
    assert layers.Lambda(activations.glu, output_shape=(3,))(layers.Input((6,))).shape == (None, 3)
    with pytest.raises(
        ArgumentError, match=r"^Lambda\(output_shape\): expected \(3,\), got \(6,\)"
    ):
        layers.Lambda(activations.glu, output_shape=(6,))(layers.Input((6,)))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", ["registered", "activation"])
def test_named_functions_in_files(tmp_path, name, suffix):
    layer = layers.Lambda(FUNCTIONS[name][0])
    model = npcnn.Sequential([layers.Input((3,)), layer, layers.Dense(2)])
    model.save(tmp_path / f"m{suffix}")
    again = npcnn.load_model(tmp_path / f"m{suffix}")
    x = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(again(x), model(x))
    config = layer.get_config()
    assert layers.Lambda.from_config(json.loads(json.dumps(config))).get_config() == config


def test_a_lambda_is_not_written_and_no_bytecode_is_run(tmp_path):
    model = npcnn.Sequential([layers.Input((3,)), layers.Lambda(lambda x: x + 1)])
    for suffix in (".keras", ".h5"):
        with pytest.raises(FormatError, match=r"^Lambda 'lambda'.function: expected a registered"):
            model.save(tmp_path / f"m{suffix}")
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}}
    entry = {"class_name": "Lambda", "config": {"name": "a", "function": code}}
    text = json.loads(npcnn.Sequential([layers.Input((3,)), layers.Identity()]).to_json())
    text["config"]["layers"][1] = entry
    for function, words in (
        (code, "a lambda's bytecode, which is never run"),
        ({"class_name": "function", "config": "system", "module": "os"}, "got 'system'"),
        ({"class_name": "function", "config": ["a"]}, "the name of a known function"),
        ("relu", r"expected a function of the input, got 'relu'"),
    ):
        entry["config"]["function"] = function
        with pytest.raises(FormatError, match=words) as caught:
            npcnn.models.model_from_json(json.dumps(text))
        assert "\n" not in str(caught.value)


WRONG = {
    "NumPy": lambda x: np.exp(x),
    "methods of arrays": lambda x: x.reshape(-1),
    "a number": lambda x: 3,
    "a mistake": lambda x: x * 1 / 0,
    "conditions": lambda x: x if x > 0 else -x,
}


@pytest.mark.parametrize("name", WRONG)
def test_what_has_no_gradient_is_one_line(name):
    with pytest.raises(Exception, match=r"^Lambda\(?.*: expected ") as caught:
        layers.Lambda(WRONG[name])(layers.Input((3,)))
    assert "\n" not in str(caught.value)
    if name != "a number":
        assert "npcnn.ops, or write a Layer with forward and backward" in str(caught.value)


@pytest.mark.parametrize("given", [None, 3, "x", layers.Dense, {"config": "relu"}])
def test_what_is_no_function_is_one_line(given):
    with pytest.raises(ArgumentError, match=r"^Lambda\(function\): expected "):
        layers.Lambda(given)
