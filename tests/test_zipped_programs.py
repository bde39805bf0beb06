"""A program in a zip, as `python app.zip` runs it: what looks into sources finds none there."""

import zipfile

import pytest
from runs import run_program

MAIN = "import helper\n\nhelper.main()\n"
HELPER = '''
import os
import sys

import npcnn
import numpy as np
from npcnn import layers, ops


@npcnn.saving.register_keras_serializable("zipped")
class Scaled(layers.Layer):
    """Learns a factor a number."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x):
        return ops.multiply(x, self.scale)


def build(units):
    model = npcnn.Sequential([npcnn.Input((4,)), Scaled(), layers.Dense(units)])
    model.compile("sgd", "mse")
    return model


def main():
    npcnn.set_random_seed(1)
    x, y = np.ones((8, 4), np.float32), np.ones((8, 2), np.float32)
    model = build(2)
    first, *_, last = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    print("learns", last < first)
    model.save(sys.argv[1])
    loaded = npcnn.load_model(sys.argv[1])
    print("loads", (loaded.predict(x, verbose=0) == model.predict(x, verbose=0)).all())
    print("traces", npcnn.trace(model, x[:1], y[:1]).loss > 0)
    try:
        model.fit(x, y[:3])
    except npcnn.NpcnnError as error:
        print("refuses", str(error).count(chr(10)))
    if "sweep" in sys.argv:
        table = npcnn.sweep(build, (x, y), [{"units": 2}], [0, 1], n_jobs=2)
        print("sweeps", len(table.runs))
'''
SAID = ["learns True", "loads True", "traces True", "refuses 0"]


@pytest.fixture
def program(tmp_path):
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", MAIN)
        archive.writestr("helper.py", HELPER)
    return tmp_path / "app.zip"


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_it_learns_saves_and_loads(program, tmp_path, backend):
    file = tmp_path / "model.keras"
    done = run_program(program, file, cwd=tmp_path, NPCNN_BACKEND=backend)
    assert (done.returncode, done.stdout.splitlines()) == (0, SAID), done.stderr


def test_it_sweeps_over_processes(program, tmp_path):
    pytest.importorskip("joblib")
    done = run_program(program, tmp_path / "model.keras", "sweep", cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()) == (0, [*SAID, "sweeps 2"]), done.stderr
