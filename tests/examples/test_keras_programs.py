"""The programs of examples/keras on npcnn and on the real Keras: see program_side.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from in_keras import needs_keras
from runs import EXAMPLES, PATIENCE, ROOT

from npcnn.datasets import draw_digits
from npcnn.datasets.stand_ins import draw_shapes

PROGRAMS = sorted(path.stem for path in (EXAMPLES / "keras").glob("*.py"))
# Twenty layers of batch normalization make of a difference of 1e-8 after the first step, where
# Keras takes its pictures as float32, one of 1e-3 after the sixth.
CLOSE = {"resnet20": 2e-2, "autoencoder": 1e-4}
SAMPLES = 150


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with pictures in the place of MNIST, Fashion-MNIST and CIFAR-10."""
    folder, arrays = tmp_path_factory.mktemp("programs"), {}
    for number, name in enumerate(("mnist", "fashion_mnist", "cifar10")):
        for part, seed in (("", 2 * number), ("_test", 2 * number + 1)):
            drawn = name == "cifar10"
            x, y = draw_shapes(SAMPLES, seed, 32, (10,)) if drawn else draw_digits(SAMPLES, seed)
            arrays |= {f"{name}/x{part}": x, f"{name}/y{part}": y}
    np.savez(folder / "data.npz", **arrays)
    return folder


def run(side, folder, **extra):
    """Run all programs on one side; return name → what came of it."""
    script = Path(__file__).with_name("program_side.py")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **extra}
    done = subprocess.run(
        [sys.executable, str(script), side, str(folder), *PROGRAMS], timeout=PATIENCE,
        env={**environment, "CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads((folder / f"{side}.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def here(folder):
    return run("npcnn", folder)


@pytest.fixture(scope="module")
def there(folder):
    return run("keras", folder, KERAS_BACKEND="torch")


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_runs(here, name):
    assert here[name]["error"] is None
    assert len(here[name]["printed"].splitlines()) >= 4


@needs_keras
@pytest.mark.parametrize("name", PROGRAMS)
def test_it_learns_what_it_learns_on_keras(here, there, name):
    assert there[name]["error"] is None
    mine, keras = here[name], there[name]
    close = CLOSE.get(name, 1e-5)
    assert mine["files"] == keras["files"]
    assert len(mine["steps"]) >= 3
    np.testing.assert_allclose(mine["steps"][0], keras["steps"][0], rtol=1e-6)
    np.testing.assert_allclose(mine["steps"], keras["steps"], rtol=close)
    for curves, others in zip(mine["curves"], keras["curves"], strict=True):
        assert set(curves) == set(others)
        for curve in curves:
            # Where rounding moves a loss it may move the answer to a picture or two.
            room = close if "loss" in curve or close < 1e-3 else 0.1
            np.testing.assert_allclose(curves[curve], others[curve], rtol=close, atol=room)
    room = close if close < 1e-3 else 0.1
    for scores, others in zip(mine["scores"], keras["scores"], strict=True):
        np.testing.assert_allclose(scores, others, rtol=close, atol=room)


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_folder_s_page_has_a_line_for_each(page):
    lines = (EXAMPLES / "keras" / page).read_text("utf-8").splitlines()
    rows = [line.split("`")[1] for line in lines if line.startswith("| `")]
    assert sorted(rows) == [f"{name}.py" for name in PROGRAMS]
