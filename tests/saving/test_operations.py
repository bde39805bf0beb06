"""Functions of npcnn.ops on symbolic tensors in files, as Keras 3 writes them."""

import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from in_keras import needs_keras

import npcnn
from npcnn import layers, ops
from npcnn.checks import FormatError

X = [
    np.random.default_rng(0).random((3, 4, 4, 2), "float32"),
    np.random.default_rng(1).random((3, 3), "float32"),
]
KERAS = """
import sys, numpy as np, keras
x = [np.load(sys.argv[1] + f"/{k}.npy") for k in range(2)]
model = keras.models.load_model(sys.argv[1] + "/here.keras")
np.save(sys.argv[1] + "/there.npy", np.asarray(model.predict(x, verbose=0)))
model.save(sys.argv[1] + "/there.keras")
"""


def network():
    """Return a model with a function of each kind of arguments in it."""
    x, z = layers.Input((4, 4, 2)), layers.Input((3,))
    y = ops.mean(ops.exp(x)[:, 1:, :, 0], axis=[1, 2], keepdims=True)[..., 0]
    y = ops.concatenate([y * 2 + 1 - z[:, :1], z], axis=-1)
    y = ops.where(ops.greater(y, 0.5), y, 0.25) / (1 + ops.sum(y, axis=-1, keepdims=True))
    y = ops.reshape(ops.einsum("ij,ij->i", y, y), (-1, 1))
    y = ops.add(ops.matmul(y, np.ones((1, 3), "float32")), np.arange(3, dtype="float32"))
    y = ops.stack([ops.relu(y), ops.softmax(y)], axis=1)
    y = ops.clip(ops.transpose(y, (0, 2, 1)), -1, 1) ** 0.5
    y = ops.pad(ops.cast(y, "float32"), ((0, 0), (1, 1), (0, 0)))
    y = ops.take(ops.maximum(y, 0.1), np.array([0, 2]), axis=1)
    y = layers.Flatten()(ops.expand_dims(y, -1))
    return npcnn.Model([x, z], layers.Dense(2)(ops.hstack([y, layers.Flatten()(pictures(x))])))


def pictures(x):
    """Return what functions of pictures, and others with options of their own, make of some."""
    y = ops.image.pad_images(ops.image.resize(x, (5, 6)), 1, 0, 0, 2)
    y = ops.conv(y, np.linspace(-1, 1, 24, dtype="float32").reshape(2, 2, 2, 3), strides=(2, 1))
    y = ops.max_pool(ops.arctan2(y, 0.3), (2, 2), (1, 1))
    y = ops.triu(ops.image.extract_patches(y, (2, 2), padding="same"), k=-1)
    y = ops.append(ops.quantile(y, 0.3, axis=(1, 2)), ops.median(y, axis=[1, 2]), axis=1)
    return ops.diff(ops.cumprod(ops.erfc(ops.nan_to_num(y)), axis=1), n=2, axis=-1)


def test_a_file_gives_the_model_back(tmp_path):
    model = network()
    for name in ("m.keras", "m.h5"):
        model.save(tmp_path / name)
        again = npcnn.load_model(tmp_path / name)
        np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
        names = [[layer.name for layer in one.made_of()] for one in (again, model)]
        assert names[0] == names[1]
    copy = npcnn.models.clone_model(model)
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.predict(X, verbose=0), model.predict(X, verbose=0))


@needs_keras
def test_files_go_to_keras_and_back(tmp_path):
    model = network()
    model.save(tmp_path / "here.keras")
    for k, array in enumerate(X):
        np.save(tmp_path / f"{k}.npy", array)
    environment = {**os.environ, "KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", KERAS, str(tmp_path)], env=environment, capture_output=True,
        text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = np.load(tmp_path / "there.npy")
    for own in (model, npcnn.load_model(tmp_path / "there.keras")):
        np.testing.assert_allclose(own.predict(X, verbose=0), expected, atol=1e-5)


def changed(path, change):
    """Rewrite the entry of the model's one function in a file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(next(e for e in config["config"]["layers"] if "keras.src.ops" in e["module"]))
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_what_keras_has_no_class_for_is_one_line(tmp_path):
    x = layers.Input((3,))
    model = npcnn.Model(x, ops.slice_update(x, (0, 1), np.ones((2, 1), "float32")))
    np.testing.assert_array_equal(model(np.zeros((2, 3)))[:, 1], 1)
    with pytest.raises(FormatError, match="save: PutIn 'put_in': expected a function of Keras's"):
        model.save(tmp_path / "m.keras")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda e: e.update(class_name="System"), r"ops has, got class 'System'"),
        (lambda e: e.update(class_name="_Crossentropy"), r"ops has, got class '_Crossentropy'"),
        (lambda e: e["config"].update(repeats=[1, 10**9]), r"numbers to come out"),
        (lambda e: e.update(class_name="Full", config={"shape": [10**9]}), r"ops has"),
        (lambda e: e["config"].update(repeats="os"), r"ops.tile: "),
        (lambda e: e.update(class_name="PutIn"), r"ops has, got class 'PutIn'"),
        (lambda e: e.update(class_name="Diag", config={"k": 10**9}), r"numbers to come out"),
        (lambda e: e["config"].update(other=1), r"arguments that fit"),
        (lambda e: e["inbound_nodes"][0]["args"].append({"class_name": "x"}), r"tensors and n"),
        (lambda e: e["inbound_nodes"][0].update(args=[1]), r"the inputs of a call"),
    ],
)
def test_a_file_says_nothing_but_what_npcnn_knows(tmp_path, change, text):
    x = layers.Input((3,))
    npcnn.Model(x, ops.tile(x, (1, 2))).save(tmp_path / "m.keras")
    changed(tmp_path / "m.keras", change)
    with pytest.raises(FormatError, match=text):
        npcnn.load_model(tmp_path / "m.keras")
