import importlib.util
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BACKENDS = [name for name in ("torch", "tensorflow", "jax") if importlib.util.find_spec(name)]


class Keras:
    """The real Keras behind a pipe; see keras_worker.py."""

    def __init__(self, folder, backend, more):
        self.folder, self.backend = folder, backend
        self.first = backend == BACKENDS[0]
        self.numbers = itertools.count()
        script = Path(__file__).with_name("keras_worker.py")
        quiet = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        quiet["JAX_ENABLE_X64"] = "1"  # JAX makes float32 of float64 otherwise
        self.process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env={**os.environ, **quiet, **more},
        )  # fmt: skip

    def path(self, extension):
        return self.folder / f"file{next(self.numbers)}{extension}"

    def __call__(self, x, t=None, **task):
        """Do a task; return its answer, with the arrays that came back as `arrays`."""
        data = self.path(".npz")
        np.savez(data, x=x, **({} if t is None else {"t": t}))
        task |= {"data": str(data), "out": str(self.path(".npz"))}
        task = {k: str(v) if isinstance(v, Path) else v for k, v in task.items()}
        self.process.stdin.write(json.dumps(task, default=str) + "\n")
        self.process.stdin.flush()
        reply = json.loads(self.process.stdout.readline())
        assert "error" not in reply, reply
        with np.load(task["out"]) as arrays:
            reply["arrays"] = dict(arrays)
        reply["weights"] = [v for k, v in reply["arrays"].items() if k[0] == "w"]
        reply["slots"] = [v for k, v in reply["arrays"].items() if k[0] == "o"][2:]
        return reply

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.kill()  # it keeps nothing, and takes seconds to leave by itself
        self.process.wait()


@pytest.fixture(scope="session", params=BACKENDS or [None])
def start_keras(tmp_path_factory, request):
    """Start Keras, on each of torch, tensorflow and jax that is there (NumPy's needs jax too)."""
    pytest.importorskip("h5py")
    if importlib.util.find_spec("keras") is None:
        pytest.skip("needs keras")
    if request.param is None:
        pytest.skip("needs torch, tensorflow or jax below keras")
    workers = []

    def start(**environment):
        workers.append(Keras(tmp_path_factory.mktemp("keras"), request.param, environment))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


@pytest.fixture(scope="session")
def keras(start_keras):
    return start_keras()
