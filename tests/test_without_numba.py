"""Where Numba is not installed: all of npcnn works on NumPy, and one line says what is missing."""

import os
import subprocess
import sys

PROGRAM = """
import sys
sys.modules["numba"] = None  # what an import finds of a package that is not there

import numpy as np
import npcnn
from npcnn import gradient_check, layers

model = npcnn.Sequential([
    layers.Input((6, 6, 1)), layers.Conv2D(2, 3, activation="relu"), layers.MaxPooling2D(),
    layers.Flatten(), layers.Dropout(0.2), layers.Dense(3, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
x, y = np.ones((8, 6, 6, 1), "float32"), np.arange(8) % 3
history = model.fit(x, y, epochs=2, verbose=0).history
assert len(history["loss"]) == 2
model.save("m.keras")
np.testing.assert_array_equal(npcnn.load_model("m.keras").predict(x, verbose=0), model(x))
assert gradient_check.check_layer(layers.Dense(3), (2, 4)).passed
assert npcnn.get_backend() == "numpy"
npcnn.use_backend("numpy")
try:
    npcnn.use_backend("numba")
except npcnn.NpcnnError as error:
    print(error)
"""


def run(folder, **environment):
    clean = {name: value for name, value in os.environ.items() if name != "NPCNN_BACKEND"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], cwd=folder, text=True, capture_output=True,
        check=False, env={**clean, **environment},
    )  # fmt: skip


def test_a_program_runs_on_numpy_and_is_told_so_once(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "npcnn: without numba the fast kernels are missing: pip install numba\n"
    assert done.stdout == (
        "use_backend(name): expected numba to be installed, got none; pip install numba, or use "
        "'numpy'.\n"
    )


def test_who_asks_for_it_is_told_in_a_line(tmp_path):
    done = run(tmp_path, NPCNN_BACKEND="numba")
    assert done.returncode == 1
    assert "StateError: environment variable NPCNN_BACKEND: expected numba to be" in done.stderr
    assert run(tmp_path, NPCNN_BACKEND="numpy").stderr == ""
