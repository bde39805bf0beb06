"""Graphs in configs and files: those of Keras 2, and such as no model ever wrote."""

import copy
import json
import re
import time

import h5py
import numpy as np
import pytest

import npcnn
from npcnn import Model, layers
from npcnn.checks import FormatError
from npcnn.models import model_from_json

# A residual unit with a shared layer, as tf.keras 2.4 writes it.
DENSE = {
    "trainable": True, "dtype": "float32", "units": 3, "activation": "tanh", "use_bias": True,
    "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}},
    "bias_initializer": {"class_name": "Zeros", "config": {}},
    "kernel_regularizer": None, "bias_regularizer": None, "activity_regularizer": None,
    "kernel_constraint": None, "bias_constraint": None,
}  # fmt: skip
INPUT = {"dtype": "float32", "sparse": False, "ragged": False, "batch_input_shape": [None, 3]}
PLAIN = {"trainable": True, "dtype": "float32"}
KERAS_2 = {
    "class_name": "Functional",
    "config": {
        "name": "old",
        "layers": [
            {"class_name": "InputLayer", "config": {**INPUT, "name": "in"}, "name": "in",
             "inbound_nodes": []},
            {"class_name": "Dense", "config": {**DENSE, "name": "shared"}, "name": "shared",
             "inbound_nodes": [[["in", 0, 0, {}]], [["shared", 0, 0, {}]]]},
            {"class_name": "Dropout", "name": "drop",
             "config": {**PLAIN, "name": "drop", "rate": 0.5, "noise_shape": None, "seed": None},
             "inbound_nodes": [[["shared", 1, 0, {"training": False}]]]},
            {"class_name": "Add", "config": {**PLAIN, "name": "sum"}, "name": "sum",
             "inbound_nodes": [[["drop", 0, 0, {}], ["shared", 0, 0, {}], ["in", 0, 0, {}]]]},
            {"class_name": "Concatenate", "config": {**PLAIN, "name": "both", "axis": -1},
             "name": "both", "inbound_nodes": [[["sum", 0, 0, {}], ["in", 0, 0, {}]]]},
        ],
        "input_layers": [["in", 0, 0]],
        "output_layers": [["both", 0, 0], ["sum", 0, 0]],
    },
}  # fmt: skip


@pytest.mark.parametrize("class_name", ["Functional", "Model"])
def test_a_graph_of_keras_2(tmp_path, class_name):
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(3, 3)).astype("float32"), np.ones(3, "float32")
    path = tmp_path / "old.h5"
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = b"2.4.0", b"tensorflow"
        file.attrs["model_config"] = json.dumps(KERAS_2 | {"class_name": class_name}).encode()
        group = file.create_group("model_weights")
        names = [layer["name"] for layer in KERAS_2["config"]["layers"]]
        group.attrs["layer_names"] = [name.encode() for name in names]
        for name in names:
            own = {"kernel:0": kernel, "bias:0": bias} if name == "shared" else {}
            inner = group.create_group(name)
            inner.attrs["weight_names"] = np.array([f"shared/{n}".encode() for n in own], "S")
            for key, value in own.items():
                inner[f"shared/{key}"] = value
    model = npcnn.load_model(path)
    x = rng.normal(size=(5, 3)).astype("float32")
    first = np.tanh(x @ kernel + bias)
    total = np.tanh(first @ kernel + bias) + first + x
    both, alone = model(x)
    np.testing.assert_allclose(alone, total, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(both, np.concatenate([alone, x], 1))
    assert model.output_names == ["both", "sum"]
    assert [layer.name for layer in model.layers] == names


def test_keras_2_counts_the_calls_of_models_within_from_1():
    """Before them comes the model's own node."""
    (start, dense, *_), name = KERAS_2["config"]["layers"], "block"
    start = {**start, "inbound_nodes": []}
    inner = {
        "name": name, "layers": [start, {**dense, "inbound_nodes": [[["in", 0, 0, {}]]]}],
        "input_layers": [["in", 0, 0]], "output_layers": [["shared", 0, 0]],
    }  # fmt: skip
    calls = [[["in", 0, 0, {}]], [[name, 1, 0, {}]]]
    block = {"class_name": "Functional", "name": name, "config": inner, "inbound_nodes": calls}
    outer = {**inner, "name": "old", "layers": [start, block]}
    outer["output_layers"] = [[name, 2, 0], [name, 1, 0]]
    model = model_from_json(json.dumps({"class_name": "Functional", "config": outer}))
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    once = model.get_layer(name)(x)
    twice, first = model(x)
    np.testing.assert_array_equal(first, once)
    np.testing.assert_array_equal(twice, model.get_layer(name)(once))


# Spoilt and hostile ---------------------------------------------------------------------------


def good():
    npcnn.set_random_seed(0)
    x = layers.Input((6, 6, 2), name="x")
    a = layers.Conv2D(2, 3, padding="same", name="c")(x)
    return json.loads(Model(x, layers.Add(name="s")([a, x])).to_json())


def ref(name, node=0, place=0):
    config = {"shape": [None, 6, 6, 2], "dtype": "float32", "keras_history": [name, node, place]}
    return {"class_name": "__keras_tensor__", "config": config}


def given(*refs):
    """Return what lets the convolution be called once on each of these."""
    calls = [{"args": [one], "kwargs": {}} for one in refs]
    return lambda config: config["config"]["layers"][1].update(inbound_nodes=calls)


def calls(value):
    return lambda config: config["config"]["layers"][1].update(inbound_nodes=value)


def entry(**values):
    return lambda config: config["config"]["layers"][1].update(values)


def ends(key, value):
    return lambda config: config["config"].update({key: value})


def nested(config):
    for k in range(25):
        inner = {**copy.deepcopy(config), "name": f"n{k}", "inbound_nodes": []}
        config["config"]["layers"] = [inner]


def bomb(config):
    """Seven models, each calling the next one 30 times: 2·10¹⁰ calls; the fourth is too much."""
    for _ in range(7):
        inner, outer = copy.deepcopy(config), good()
        inner["config"]["name"] = inner["name"] = "c"
        refs = [ref("x"), *(ref("c", k) for k in range(29))]
        inner["inbound_nodes"] = [{"args": [one], "kwargs": {}} for one in refs]
        outer["config"]["layers"][1] = inner
        outer["config"]["layers"][2]["inbound_nodes"][0]["args"] = [[ref("c", 29), ref("x")]]
        config.update(outer)


SPOILT = {
    "a circle": (given(ref("s")), "without gaps and circles"),
    "a layer that hangs on itself": (given(ref("c")), "without gaps and circles"),
    "a layer that is not there": (given(ref("nobody")), "without gaps and circles"),
    "a call that is not there": (given(ref("x", 7)), "without gaps and circles"),
    "an output that is not there": (given(ref("x", 0, 3)), "without gaps and circles"),
    "a call too many": (calls([[["x", 0, 0, {}]]] * 20_000), "at most 10000 calls"),
    "two inputs for one": (calls([[["x", 0, 0], ["x", 0, 0]]]), "one input of layer 'c'"),
    "a number for a tensor": (calls([{"args": [1], "kwargs": {}}]), "calls on tensors alone"),
    "no arguments": (calls([{}]), "calls on tensors alone"),
    "an empty call": (calls([[]]), "the inputs of a call"),
    "no list of calls": (calls({"a": 1}), "inbound_nodes of a layer"),
    "half a tensor": (calls([[["x"]]]), "a layer, a call and an output"),
    "a call that is no number": (calls([[["x", 0.5, 0]]]), "a layer, a call and an output"),
    "a call below 0": (calls([[["x", -1, 0]]]), "a layer, a call and an output"),
    "a huge call": (calls([[["x", 10**18, 0]]]), "without gaps and circles"),
    "a name twice": (entry(name="x"), "a name a layer"),
    "a name that is none": (entry(name=7), "a name a layer"),
    "an unknown layer": (entry(class_name="Convolve"), "a class npcnn lacks"),
    "other channels": (
        lambda config: config["config"]["layers"][1]["config"].update(filters=5),
        "inputs of one shape",
    ),
    "no outputs": (ends("output_layers", []), "a layer, a call and an output"),
    "outputs that are not there": (ends("output_layers", [["zz", 0, 0]]), "that the graph has"),
    "no inputs": (ends("input_layers", None), "a layer, a call and an output"),
    "inputs behind the outputs": (
        ends("input_layers", [["c", 0, 0]]),
        "that come from the inputs",
    ),
    "models 25 deep": (nested, "deep"),
    "a bomb of calls": (bomb, "at most 10000 calls, got 5.49e.04 in models within"),
}


def test_the_sound_one_is_read():
    assert [layer.name for layer in model_from_json(json.dumps(good())).layers] == ["x", "c", "s"]


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_graph_is_one_line_at_once(name):
    change, text = SPOILT[name]
    config = good()
    change(config)
    written = json.dumps(config)
    start = time.thread_time()
    with pytest.raises(FormatError, match=text) as caught:
        model_from_json(written)
    assert time.thread_time() - start < 3  # a second and less, but for a machine that is slow
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def sharing():
    """Return a layer that a model and the model around it call, and both models."""
    dense, x, z = layers.Dense(3, name="shared"), layers.Input((3,)), layers.Input((3,))
    block = Model(x, dense(dense(x)), name="block")
    return dense, block, Model(z, layers.add([block(block(z)), dense(z)]), name="whole")


def test_what_two_models_share_is_no_keras_file(tmp_path):
    """Keras writes such a layer twice, and reads neither; its weights alone go both ways."""
    dense, block, model = sharing()
    with pytest.raises(FormatError, match=r"one model each, got 'shared' in 'whole' and 'block'"):
        model.save(tmp_path / "model.keras")
    assert not list(tmp_path.iterdir())
    block.save(tmp_path / "block.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    before = dense.get_weights()
    dense.set_weights([0 * value for value in before])
    model.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(dense.kernel, before[0])


def test_what_two_models_share_is_one_in_h5(tmp_path):
    """Layer and model, with the optimizer's state: both train on to the same bits."""
    _, block, whole = sharing()
    outer = layers.Input((3,))
    model = Model(outer, whole(block(outer)), name="outer")
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    model.fit(x, x, epochs=2, verbose=0)
    model.save(tmp_path / "model.h5")
    again = npcnn.load_model(tmp_path / "model.h5")
    whole, block = again.get_layer("whole"), again.get_layer("block")
    assert whole.get_layer("block") is block
    assert whole.get_layer("shared") is block.get_layer("shared")
    assert len(again.get_weights()) == 2
    for one in (model, again):
        one.fit(x, x, epochs=2, verbose=0)
    for value, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(value, other)


def test_two_of_one_layer_have_no_optimizer_state(tmp_path):
    """Keras's .h5 of such a model does not say that they are one, and has one's slots."""
    _, _, model = sharing()
    model.compile("adam", "mse")
    x = np.ones((4, 3), "float32")
    model.fit(x, x, verbose=0)
    model.save(tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5", "r+") as file:
        text = re.sub(r', "shared_object_id": \d+', "", file.attrs["model_config"])
        file.attrs["model_config"] = text
    with pytest.warns(UserWarning, match="without its optimizer's state; it holds a layer of two"):
        again = npcnn.load_model(tmp_path / "model.h5")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert again.optimizer.iterations == 0


def test_a_graph_may_be_deeper_than_python():
    """3000 calls in a row: written, read, run and learnt from without recursion."""
    x = layers.Input((2,))
    y, halve = x, layers.Activation("linear")
    for _ in range(3000):
        y = halve(y)
    model = Model(x, layers.Dense(1)(y))
    again = model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(np.ones((1, 2))), model(np.ones((1, 2))))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_layer_called_on_two_shapes_of_input(suffix, tmp_path):
    """Its parameters, which a file's layers have not got yet, suit both."""
    wide, narrow = layers.Input((7, 6, 2)), layers.Input((5, 5, 2))
    same = layers.Conv2D(3, 3)
    ends = [layers.GlobalMaxPooling2D()(same(x)) for x in (wide, narrow)]
    model = npcnn.Model([wide, narrow], layers.Add()(ends))
    model.save(tmp_path / f"model{suffix}")
    again = npcnn.load_model(tmp_path / f"model{suffix}")
    rng = np.random.default_rng(5)
    x = [rng.normal(size=(4, *shape[1:])) for shape in model.input_shape]
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
