"""The same batches in the same order give the same numbers as in Keras itself."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import feeding_programs
import numpy as np
import pytest

import npcnn

TRAINS = [name for name in ("torch", "jax", "tensorflow") if importlib.util.find_spec(name)]
pytestmark = pytest.mark.skipif(
    not TRAINS or not importlib.util.find_spec("keras"),
    reason="needs keras, and torch, tensorflow or jax for it to train with",
)


@pytest.fixture(scope="module")
def in_keras():
    path = Path(feeding_programs.__file__)
    done = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "KERAS_BACKEND": TRAINS[0], "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", feeding_programs.PROGRAMS)
def test_the_same_as_in_keras(name, in_keras):
    notes, returned = feeding_programs.result(name, npcnn)
    wanted_notes, wanted = in_keras[name]
    if TRAINS[0] == "torch":  # on JAX, Keras asks for batches ahead of the hooks
        assert notes == wanted_notes
    if not isinstance(wanted, dict):
        returned, wanted = {"returned": returned}, {"returned": wanted}
    assert sorted(returned) == sorted(wanted)
    for key, values in wanted.items():
        np.testing.assert_allclose(returned[key], values, rtol=2e-5, atol=1e-6)
