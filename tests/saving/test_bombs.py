"""Files made to exhaust, and honest ones that are far from it."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from models import assert_same_weights

import npcnn
from npcnn import layers
from npcnn.callbacks import ModelCheckpoint
from npcnn.checks import ArgumentError, FormatError
from npcnn.saving import budget

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "exhaust_files.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each bomb is loaded in a child")
def test_no_bomb_takes_100_megabytes():
    """Nor 20 seconds of processor time, after which the system ends the child."""
    environment = {**os.environ, "NPCNN_BACKEND": "numpy"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, env=environment
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found, done.stderr
    assert found[-1]["failures"] == []
    assert found[-1]["bombs"] >= 50
    assert sum(bomb.get("ends in") == "FormatError" for bomb in found) >= 50


class Watched(budget.Budget):
    """Keeps all budgets that are made."""

    made: list = []  # noqa: RUF012

    def __init__(self, *given):
        super().__init__(*given)
        self.whole = dict(self.left)
        self.made.append(self)

    def take(self, kind, count):
        assert count >= 0
        super().take(kind, count)


@pytest.fixture
def budgets(monkeypatch):
    """All budgets made while the test runs."""
    for room in ("npcnn.saving", "npcnn.saving.hdf5_safe", "npcnn.inspection.recording",
                 "npcnn.saving.safe_json"):  # fmt: skip
        monkeypatch.setattr(f"{room}.Budget", Watched)
    Watched.made = []
    return Watched.made


def network(*units):
    last = layers.Dense(3, activation="softmax")
    model = npcnn.Sequential([*(layers.Dense(n) for n in units), last])
    model.compile("adam", "categorical_crossentropy")
    model.build((None, units[0]))
    return model


def assert_far_from_spent(budgets):
    assert budgets
    for given in budgets:
        for kind, left in given.left.items():
            assert left > given.whole[kind] / 4, (kind, given.whole[kind], left)


@pytest.fixture(scope="module")
def thousand_layers():
    """As many as are read at all, as small as they get, with an optimizer's state."""
    with npcnn.backend.using("numpy"):
        model = network(*[3] * 998)
        model.train_on_batch(np.ones((1, 3)), np.eye(3)[:1])
    return model


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5"])
def test_a_thousand_layers_are_within_the_budget(tmp_path, budgets, name, thousand_layers):
    model, path = thousand_layers, tmp_path / name
    if name == "m.weights.h5":
        model.save_weights(path)
        weights = model.get_weights()
        model.load_weights(path)
        assert_same_weights(model.get_weights(), weights)
    else:
        model.save(path)
        assert_same_weights(npcnn.load_model(path).get_weights(), model.get_weights())
    assert_far_from_spent(budgets)


@pytest.mark.parametrize("name", ["run.keras", "run.h5"])
def test_a_checkpoint_and_a_recording_of_millions_are_within_the_budget(tmp_path, budgets, name):
    def fit(**more):
        listed = [ModelCheckpoint(path), npcnn.Recorder(tmp_path / "run.npz", every=1)]
        listed.append(npcnn.callbacks.EarlyStopping("loss", restore_best_weights=True))
        model = network(1000, 2000)
        model.fit(np.ones((2, 1000), "float32"), np.eye(3)[:2], 1, 1, 0, listed, **more)
        return model

    path = tmp_path / name
    model = fit()
    assert_same_weights(fit(resume_from=path).get_weights(), model.get_weights())
    run = npcnn.load_recording(tmp_path / "run.npz")
    assert_same_weights(run.weights(-1), model.get_weights())
    assert_far_from_spent(budgets)


def test_a_long_history_stays_within_the_budget(tmp_path, budgets):
    model = npcnn.Sequential([layers.Input((3,)), layers.Dense(3)])
    model.compile("sgd", "categorical_crossentropy")
    path, x, y = tmp_path / "run.keras", np.ones((2, 3)), np.eye(3)[:2]
    saver = ModelCheckpoint(path, save_freq=1)

    class Long(npcnn.callbacks.Callback):
        def on_train_begin(self, logs=None):
            names = ("loss", "accuracy", "val_loss", "val_accuracy")
            self.model.history.history = {name: [0.123456789012345] * 60_000 for name in names}
            self.model.history.epoch = list(range(60_000))

    model.fit(x, y, 2, 1, 0, [Long(), saver])
    model.fit(x, y, 2, 1, 0, [Long(), saver], resume_from=path)
    assert len(model.history.epoch) > 59_999
    assert_far_from_spent(budgets)


@pytest.fixture
def packed(tmp_path):
    """A model of zeros that somebody has packed: 24 MB in 40 KB."""
    zeros = layers.Dense(3000, kernel_initializer="zeros", name="zeros")
    model = npcnn.Sequential([layers.Input((2000,)), zeros])
    model.save(tmp_path / "stored.keras")
    with zipfile.ZipFile(tmp_path / "stored.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "packed.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return tmp_path / "packed.keras", model


def test_the_budget_can_be_raised(packed, tmp_path):
    path, model = packed
    refused = r"takes too many bytes for its size; .* if you trust it, raise the argument budget\.$"
    with pytest.raises(FormatError, match=refused):
        npcnn.load_model(path)
    loaded = npcnn.load_model(path, budget=10)
    assert_same_weights(loaded.get_weights(), model.get_weights())
    with pytest.raises(FormatError, match=refused):
        model.load_weights(path)
    model.load_weights(path, budget=10)

    wide = layers.Dense(5000, kernel_initializer="zeros")
    text = npcnn.Sequential([layers.Input((5000,)), wide]).to_json()
    with pytest.raises(FormatError, match=r"at most 67108864 bytes of weights, got 1e\+08; if you"):
        npcnn.model_from_json(text)
    assert npcnn.model_from_json(text, budget=2).count_params() == 25_005_000

    columns = {"step": np.arange(2), "epoch": np.arange(2), "loss": np.ones(2)}
    zeros = np.zeros((2, 10**7), "float32")
    recording = tmp_path / "run.npz"
    np.savez_compressed(recording, format=np.array("npcnn recording 1"), picture=zeros)
    with pytest.raises(FormatError, match=refused):
        npcnn.load_recording(recording)
    np.savez_compressed(
        recording, format=np.array("npcnn recording 1"), **columns, **{"picture/a": zeros}
    )
    np.testing.assert_array_equal(npcnn.load_recording(recording, budget=10)["picture/a"], zeros)


@pytest.mark.parametrize("backup", [False, True])
def test_the_budget_of_a_resumed_run_can_be_raised(tmp_path, backup):
    def train(epochs, **more):
        zeros = layers.Dense(3000, "linear", False, "zeros")
        model = npcnn.Sequential([layers.Input((2000,)), zeros])
        model.compile(npcnn.optimizers.SGD(), "mse")
        model.fit(np.zeros((2, 2000)), np.zeros((2, 3000)), verbose=0, epochs=epochs, **more)
        return model

    saver = npcnn.callbacks.ModelCheckpoint(tmp_path / "stored.keras")
    train(1, callbacks=[saver])
    path = tmp_path / "backup" / "latest.keras"
    path.parent.mkdir()
    with (  # 24 MB of zeros in 40 KB
        zipfile.ZipFile(tmp_path / "stored.keras") as archive,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in archive.namelist():
            packed.writestr(name, archive.read(name))
    way = {"callbacks": [saver], "resume_from": path}
    if backup:
        way = {"callbacks": [saver, npcnn.callbacks.BackupAndRestore(path.parent)]}
    with pytest.raises(FormatError, match="if you trust it, raise the argument budget"):
        train(2, **way)
    model = train(2, budget=10, **way)
    assert model.history.epoch == [0, 1]
    assert model.optimizer.iterations == 2


@pytest.mark.parametrize("wrong", [0, -1, None, "2", float("nan"), float("inf"), True])
def test_a_budget_is_a_number_above_0(packed, wrong):
    path, model = packed
    for call in (npcnn.load_model, model.load_weights):
        with pytest.raises(ArgumentError, match=r"budget"):
            call(path, budget=wrong)
    with pytest.raises(ArgumentError, match=r"budget"):
        npcnn.model_from_json(model.to_json(), budget=wrong)
