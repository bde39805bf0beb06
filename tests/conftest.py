import gc
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import quick_jax
from hypothesis import settings

import npcnn

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("npcnn", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("npcnn")

# What a shell starts in the background ignores Ctrl-C, and so does all that it starts in turn.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish():
    """What is there before the first test stays; a collection need not go through it each time."""
    gc.freeze()


@pytest.fixture(params=["numpy", "numba"])
def backend(request):
    """Run the test once with each backend: the ops of both are held to the same tests."""
    before = npcnn.get_backend()
    npcnn.use_backend(request.param)
    yield request.param
    npcnn.use_backend(before)


@pytest.fixture
def ops(backend):
    """The ops of the backend under test."""
    from npcnn.backend import ops as current

    return current


@pytest.fixture(autouse=True, scope="session")
def compiled_in_silence():
    """What a test finds on standard error does not depend on which kernels were cached."""
    if importlib.util.find_spec("numba") is not None:
        from npcnn.kernels.run.notice import notice

        notice.said = True


@pytest.fixture(autouse=True, scope="session")
def no_disk_is_waited_for():
    """Only power that fails makes a difference; that it is asked for, test_keras_files.py knows."""
    before, os.fsync = os.fsync, os.fstat  # which knows a handle that is none, too
    yield
    os.fsync = before


@pytest.fixture(autouse=True, scope="session")
def jax_compiles_quickly(tmp_path_factory, request):
    """Nothing twice, and only what no earlier run of the tests has compiled."""
    folder = tmp_path_factory.mktemp("jax")
    variables = quick_jax.environment(folder)
    os.environ.update(variables)
    shelf = quick_jax.shelf() if variables else None
    if shelf is not None:
        quick_jax.take(shelf, folder)
    yield
    if shelf is not None and not request.session.testsfailed:
        quick_jax.keep(folder, shelf)


@pytest.fixture(autouse=True)
def seeded():
    """Give every test the same seed, the default float type, and names from the first one on."""
    npcnn.set_random_seed(1234)
    npcnn.config.set_floatx("float32")
    npcnn.backend.clear_session(free_memory=False)


@pytest.fixture(scope="module")
def jit():
    """Skip what only makes sense for compiled code."""
    from npcnn.kernels.run.compile import JIT

    if not JIT:
        pytest.skip("compiled code is switched off")


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def run_python():
    """Return a function that runs source in a fresh interpreter and returns what it printed."""

    def run(source, **environment):
        result = subprocess.run(
            [sys.executable, "-W", "error", "-c", source],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=500,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run
