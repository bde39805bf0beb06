"""Pictures come out of generators, folders and files as out of Keras's, to the number."""

import importlib.util
import os
import subprocess
import sys

import image_programs
import numpy as np
import pytest

from npcnn import utils
from npcnn.preprocessing import image

pytestmark = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("keras", "tensorflow", "scipy"))),
    reason="needs keras, tensorflow and scipy",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with two classes of small pictures of several sizes."""
    top, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(1)
    for name, count in (("a", 4), ("b", 3)):
        (top / "classes" / name).mkdir(parents=True)
        for k in range(count):
            shape = (6 + k, 9 - k, 3)
            path = top / "classes" / name / f"{k}.png"
            image.save_img(str(path), rng.integers(0, 256, shape), scale=False)
    return top


@pytest.fixture(scope="module")
def in_keras(folder):
    done = subprocess.run(
        [sys.executable, image_programs.__file__, str(folder)], capture_output=True, text=True,
        timeout=300, check=False, env={**os.environ, "KERAS_BACKEND": "tensorflow"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with np.load(folder / "keras.npz") as arrays:
        return dict(arrays)


@pytest.mark.parametrize("name", image_programs.PROGRAMS)
def test_the_same_as_in_keras(name, in_keras, folder):
    found = image_programs.result(name, image, utils, str(folder))
    wanted = {key: value for key, value in in_keras.items() if key.startswith(f"{name}/")}
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-4, atol=1e-3, err_msg=key)
