"""Models of classes of one's own beside the real Keras: weights in its order, files both ways."""

import importlib.util
import json
import os
import subprocess
import sys

import class_programs
import numpy as np
import pytest

import npcnn

TRAINS = [name for name in ("torch", "tensorflow", "jax") if importlib.util.find_spec(name)]
pytestmark = pytest.mark.skipif(
    not TRAINS or not importlib.util.find_spec("keras"),
    reason="needs keras, and torch, tensorflow or jax for it to train with",
)
PROGRAMS = class_programs.programs(npcnn)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Return what npcnn says of every model, what Keras says, and where the files are."""
    folder = tmp_path_factory.mktemp("classes")
    ours = {
        name: class_programs.told(npcnn, folder, name, make, None)
        for name, make in PROGRAMS.items()
    }
    done = subprocess.run(
        [sys.executable, class_programs.__file__, folder], capture_output=True, text=True,
        timeout=300, check=False,
        env={**os.environ, "KERAS_BACKEND": TRAINS[0], "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return ours, json.loads(done.stdout.splitlines()[-1]), folder


@pytest.mark.parametrize("name", PROGRAMS)
def test_weights_and_layers_are_in_keras_s_order_and_learn_the_same(name, both):
    ours, theirs = both[0][name], both[1][name]
    for what in ("weights", "moves", "layers"):
        assert ours[what] == theirs[what], what
    np.testing.assert_allclose(ours["made"], theirs["made"], atol=2e-4)
    np.testing.assert_allclose(ours["losses"], theirs["losses"], rtol=1e-3)


def assert_goes_on(reader, writer):
    np.testing.assert_allclose(reader["read"], writer["made"], atol=1e-5)
    np.testing.assert_allclose(reader["loaded"], writer["made"], atol=1e-5)
    np.testing.assert_allclose(reader["on"], writer["losses"], rtol=1e-4)


@pytest.mark.parametrize("name", PROGRAMS)
def test_keras_reads_what_npcnn_writes_and_learns_on(name, both):
    ours, theirs = both[0][name], both[1][name]
    assert_goes_on(theirs, ours)


@pytest.mark.parametrize("name", PROGRAMS)
def test_npcnn_reads_what_keras_writes_and_learns_on(name, both):
    _, every, folder = both
    theirs = every[name]
    ours = class_programs.told(npcnn, folder, name, PROGRAMS[name], "keras")
    assert_goes_on(ours, theirs)


@pytest.mark.parametrize("name", PROGRAMS)
def test_npcnn_reads_its_own(name, both):
    ours, _, folder = both
    again = class_programs.told(npcnn, folder, name, PROGRAMS[name], "npcnn")
    for what in ("made", "read", "loaded"):
        assert again[what] == ours[name]["made"]
    assert again["on"] == ours[name]["losses"]
    model = PROGRAMS[name]()
    model(class_programs.X)
    model.load_weights(folder / f"npcnn-{name}.keras")
    assert model.predict(class_programs.X, verbose=0).tolist() == ours[name]["made"]
