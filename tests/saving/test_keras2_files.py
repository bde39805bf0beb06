"""Files in the layout of Keras 2, written here without it."""

import json

import h5py
import numpy as np
import pytest
from models import assert_same_weights, edited, small_data, small_model, trained

import npcnn
from npcnn.checks import FormatError

X = np.linspace(-1, 1, 2 * 36, dtype="float32").reshape(2, 6, 6, 1)


def write_keras2(path, model, slots="blocks", scope="Adam", config=None):
    """Write a model as tf.keras 2 did: names with ':0', dtypes as text, batch_input_shape."""
    listed = []
    for layer in model.layers:
        entry = {k: v for k, v in layer.get_config().items() if k != "groups"}
        for key in list(entry):
            if key.endswith("_initializer"):
                entry[key]["config"]["dtype"] = "float32"
                entry[key.replace("initializer", "regularizer")] = None
        listed.append({"class_name": type(layer).__name__, "config": entry})
    listed[0]["config"]["batch_input_shape"] = model.input_shape
    training = {
        "loss": "sparse_categorical_crossentropy", "loss_weights": None, "weighted_metrics": None,
        "sample_weight_mode": None,
        "metrics": [[{"class_name": "MeanMetricWrapper", "config": {
            "name": "accuracy", "dtype": "float32", "fn": "sparse_categorical_accuracy"}}]],
        "optimizer_config": config or {"class_name": "Adam", "config": {
            "name": "Adam", "learning_rate": 0.0010000000474974513, "decay": 0.0,
            "beta_1": 0.8999999761581421, "beta_2": 0.9990000128746033, "epsilon": 1e-07,
            "amsgrad": False}},
    }  # fmt: skip
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = np.bytes_(b"2.4.0")
        file.attrs["backend"] = np.bytes_(b"tensorflow")
        whole = {"class_name": "Sequential", "config": {"name": "old", "layers": listed}}
        file.attrs["model_config"] = np.bytes_(json.dumps(whole).encode())
        file.attrs["training_config"] = np.bytes_(json.dumps(training).encode())
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = np.array([layer.name.encode() for layer in model.layers])
        names = []
        for layer in model.layers:
            inner = group.create_group(layer.name)
            weights = {f"{layer.name}/{n}:0": v for n, v, _ in layer.parameters()}
            half = len(weights) // 2  # a list of names in two parts, as long ones are
            inner.attrs["weight_names0"] = np.array([n.encode() for n in list(weights)[:half]])
            inner.attrs["weight_names1"] = np.array([n.encode() for n in list(weights)[half:]])
            for name, value in weights.items():
                inner[name] = value
                names.append((name[:-2], value))
        write_slots(file, model, names, slots, scope)


def write_slots(file, model, names, order, scope):
    from npcnn.saving.variables import optimizer_variables

    values = [value for _, value in optimizer_variables(model)][2:]
    k = len(values) // len(names)
    kinds = ("m", "v") if k == 2 else ("momentum",)
    saved = [(f"{scope}/iter:0", np.int64(model.optimizer.iterations))]
    for i, (name, _) in enumerate(names):
        for j, kind in enumerate(kinds):
            full = f"{scope}/{name}/{kind}:0"
            if order == "nameless":
                full = f"training/Adam/Variable_{i}_{j}:0"
            saved.append((full, values[k * i + j]))
    if order in ("blocks", "nameless"):
        turns = saved[1:]
        saved[1:] = [entry for j in range(k) for entry in turns[j::k]]
    group = file.create_group("optimizer_weights")
    group.attrs["weight_names"] = np.array([name.encode() for name, _ in saved])
    for name, value in saved:
        group[name] = value


@pytest.mark.parametrize("slots", ["blocks", "turns", "nameless"])
def test_keras_2_files(tmp_path, slots):
    model = trained()
    path = tmp_path / "old.h5"
    write_keras2(path, model, slots)
    back = npcnn.load_model(path)
    assert back.name == "old"
    assert_same_weights(back.get_weights(), model.get_weights())
    assert back.optimizer.get_config() == {**model.optimizer.get_config(), "name": "Adam"}
    assert back.optimizer.iterations == model.optimizer.iterations == 6
    for name in ("m", "v"):
        np.testing.assert_array_equal(back.optimizer.slots[name], model.optimizer.slots[name])
    assert back.metric_names == ["loss", "accuracy"]
    x, y = small_data(8)
    assert back.train_on_batch(x, y) == model.train_on_batch(x, y)


def test_keras_2_momentum(tmp_path):
    model = trained(npcnn.optimizers.SGD(0.1, momentum=0.9, nesterov=True))
    path = tmp_path / "old.h5"
    config = {"class_name": "Custom>SGD", "config": {
        "name": "SGD", "lr": 0.10000000149011612, "momentum": 0.8999999761581421,
        "nesterov": True, "weight_decay": None, "use_ema": False, "ema_momentum": 0.99,
        "jit_compile": False, "is_legacy_optimizer": False}}  # fmt: skip
    write_keras2(path, model, "turns", "SGD", config)
    back = npcnn.load_model(path)
    assert back.optimizer.get_config() == {**model.optimizer.get_config(), "name": "SGD"}
    expected = model.optimizer.slots["velocity"]
    np.testing.assert_array_equal(back.optimizer.slots["velocity"], expected)


def test_keras_2_weights_alone(tmp_path):
    model, path = trained(), tmp_path / "old.h5"
    write_keras2(path, model)
    with h5py.File(path, "r+") as file:
        for name in file["model_weights"]:
            file.move(f"model_weights/{name}", name)
        file.attrs["layer_names"] = file["model_weights"].attrs["layer_names"]
        del file["model_weights"], file["optimizer_weights"], file.attrs["model_config"]
    other = small_model()
    other.load_weights(path)
    assert_same_weights(other.get_weights(), model.get_weights())
    with pytest.raises(FormatError, match=r"load_weights\(\) reads files of weights alone"):
        npcnn.load_model(path)


def test_keras_22_initializers_and_list_of_layers(tmp_path):
    model, path = small_model(), tmp_path / "old.h5"
    model.save(path)

    def old(config):
        dense = config["config"]["layers"][-1]["config"]
        dense["kernel_initializer"] = {"class_name": "VarianceScaling", "config": {
            "scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None}}  # fmt: skip
        config["config"] = config["config"]["layers"]

    edited(path, old)
    assert npcnn.load_model(path).layers[-1].get_config() == model.layers[-1].get_config()
