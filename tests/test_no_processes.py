"""Where neither a thread nor a process can be started any more, from whatever moment on."""

import os
import sys

import numpy as np
import pytest

import npcnn

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the limit on processes is Linux's"),
]

# The limit counts a user's threads, and root's are not: they are somebody else's who reads as root.
LIMIT = """
import _thread, ctypes, os, resource, sys, warnings

warnings.simplefilter("ignore")  # of any fork beside threads, in newer Pythons

def forbid():
    try:
        if os.getuid() == 0:
            os.setresuid(54321, 54321, 0)
            ctypes.CDLL(None).setfsuid(0)
        resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    except OSError:
        print("skip", flush=True)
        os._exit(0)
    gate = _thread.allocate_lock()
    gate.acquire()
    try:
        _thread.start_new_thread(gate.acquire, ())
    except RuntimeError:
        return
    print("skip", flush=True)
    os._exit(0)
"""

NETWORK = """
import hashlib
import numpy as np

x = np.arange(24 * 64, dtype=np.float32).reshape(24, 8, 8, 1) % 7 / 7
y = np.arange(24) % 3

def network():
    from npcnn import layers
    npcnn.set_random_seed(5)
    model = npcnn.Sequential([
        npcnn.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dense(3, activation="softmax"),
    ])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model

def learnt(model, **more):
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, **more)
    weights = b"".join(weight.tobytes() for weight in model.get_weights())
    return hashlib.sha256(weights).hexdigest()
"""

# Large enough for OpenBLAS to share it out.
PRODUCT = """
big = np.ones((600, 600), np.float32)
assert (big @ big).sum() == 600 ** 3
"""

MOMENTS = {
    "before npcnn": "forbid()\nimport npcnn\n" + NETWORK + "print(learnt(network()))" + PRODUCT,
    "before the first fit": (
        "import npcnn\n" + NETWORK + "model = network()\nforbid()\nprint(learnt(model))" + PRODUCT
    ),
    "in a callback that starts programs": "import npcnn\n" + NETWORK + """
import subprocess

class Starts(npcnn.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        try:
            subprocess.run([sys.executable, "-c", ""])
        except OSError:
            return
        raise AssertionError

big = np.ones((600, 600), np.float32)
big @ big
model = network()
forbid()
print(learnt(model, callbacks=[Starts()]))
""" + PRODUCT,
    "in a fork": "import npcnn\n" + NETWORK + """
model = network()
model.predict(x, verbose=0)
child = os.fork()
if child == 0:
    forbid()
""" + PRODUCT.replace("\n", "\n    ") + """
    print(learnt(model), flush=True)
    assert model.predict(x, verbose=0).shape == (24, 3)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
""" + PRODUCT,
    "in a data set with workers": "import npcnn\n" + NETWORK + """
class Batches(npcnn.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, number):
        place = slice(8 * number, 8 * number + 8)
        return x[place], y[place]

model = network()
forbid()
model.fit(Batches(workers=3), epochs=2, verbose=0, shuffle=False)
again = network()
again.fit(x, y, batch_size=8, epochs=2, verbose=0, shuffle=False)
for one, other in zip(model.get_weights(), again.get_weights()):
    assert (one == other).all()
print(learnt(network()))
""",
}  # fmt: skip


@pytest.fixture(scope="module")
def expected():
    """Return what is learnt where threads can be had, by backend."""
    namespace, found = {"npcnn": npcnn}, {}
    exec(NETWORK, namespace)
    before = npcnn.get_backend()
    for name in ("numpy", "numba"):
        npcnn.use_backend(name)
        found[name] = namespace["learnt"](namespace["network"]())
    npcnn.use_backend(before)
    return found


@pytest.fixture(scope="module")
def compiled(tmp_path_factory, run_python):
    """Return a folder of compiled kernels that belongs to whom LIMIT lets a program be."""
    folder = tmp_path_factory.mktemp("compiled")
    source = "import npcnn\n" + NETWORK + "model = network()\nlearnt(model)\nmodel.predict(x)"
    run_python(source, NPCNN_BACKEND="numba", NUMBA_CACHE_DIR=str(folder))
    if os.getuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 54321, -1)
    return folder


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_same_is_learnt(run_python, expected, backend, moment, tmp_path, compiled):
    """Whether kernels are compiled there, before the first fit, or found."""
    # Who forks is still who runs the tests, whose kernels lie where they always do.
    folder = {"before the first fit": tmp_path, "in a fork": None}.get(moment, compiled)
    cache = {} if folder is None else {"NUMBA_CACHE_DIR": str(folder)}
    printed = run_python(LIMIT + MOMENTS[moment], NPCNN_BACKEND=backend, **cache)
    if printed.split() == ["skip"]:
        pytest.skip("this place lets everybody start threads")
    assert printed.split() == [expected[backend]]


def asked(run_python, source, *words):
    """Run source where nothing can be started; compare the words that it prints."""
    printed = run_python(LIMIT + "import npcnn\n" + NETWORK + source, NPCNN_BACKEND="numpy").split()
    if printed == ["skip"]:
        pytest.skip("this place lets everybody start threads")
    assert printed == [*words]


def test_pictures_are_read(run_python, tmp_path):
    image = pytest.importorskip("PIL.Image")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for number in range(70):  # more than one thread takes at once
            gray = np.full((8, 8), number, np.uint8)
            image.fromarray(gray).save(tmp_path / name / f"{number}.png")
    source = f"""
forbid()
pictures, labels = npcnn.datasets.load_image_folder({str(tmp_path)!r})
print(len(pictures), np.bincount(labels))
"""
    asked(run_python, source, "140", "[70", "70]")


def test_a_sweep_does_its_runs_one_by_one(run_python):
    pytest.importorskip("joblib")
    source = """
def build(units):
    model = npcnn.Sequential([npcnn.Input((2,)), npcnn.layers.Dense(units)])
    model.compile("sgd", "mse")
    return model

forbid()
data = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)
print(len(npcnn.sweep(build, data, [{"units": 1}], [0, 1], n_jobs=2).runs))
"""
    asked(run_python, source, "2")


def test_the_live_page_says_so(run_python):
    pytest.importorskip("uvicorn")
    source = """
model = network()
forbid()
try:
    npcnn.page.explore(model, x, y, open_browser=False)
except npcnn.NpcnnError as error:
    print(error)
"""
    got = "explore(): expected a thread to train in, got can't start new thread"
    fix = "raise the limit on threads and processes (ulimit -u)."
    asked(run_python, source, *f"{got}; {fix}".split())
