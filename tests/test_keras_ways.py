"""What Keras does when asked the same, asked of Keras itself: see keras_ways.py."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import keras_ways
import pytest

import npcnn

TRAINS = [name for name in ("torch", "tensorflow", "jax") if importlib.util.find_spec(name)]
pytestmark = pytest.mark.skipif(
    not TRAINS or not importlib.util.find_spec("keras"),
    reason="needs keras, and torch, tensorflow or jax for it to train with",
)


@pytest.fixture(scope="session")
def in_keras():
    """Return what every program returns under Keras."""
    path = Path(keras_ways.__file__)
    done = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "KERAS_BACKEND": TRAINS[0], "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("program", keras_ways.PROGRAMS, ids=lambda program: program.__name__)
def test_the_same_as_in_keras(program, in_keras):
    printed, warned, returned = keras_ways.result(program, npcnn)
    wanted = in_keras[program.__name__]
    assert printed == wanted[0]
    assert warned == wanted[1]
    assert_alike(returned, wanted[2])


def assert_alike(got, wanted, place="returned"):
    """Compare part by part; numbers as they are after rounding, or nearly."""
    if isinstance(wanted, dict):
        assert list(got) == list(wanted), place
        for key in wanted:
            assert_alike(got[key], wanted[key], f"{place}[{key!r}]")
    elif isinstance(wanted, list):
        assert len(got) == len(wanted), (place, got, wanted)
        for k, (one, other) in enumerate(zip(got, wanted, strict=True)):
            assert_alike(one, other, f"{place}[{k}]")
    elif isinstance(wanted, float):
        assert got == pytest.approx(wanted, rel=1e-4, abs=2e-4), place
    else:
        assert got == wanted, place
