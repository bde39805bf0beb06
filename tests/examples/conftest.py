import importlib
import sys

import pytest
from runs import EXAMPLES, write_small_mnist

import npcnn


@pytest.fixture(scope="session")
def small_mnist(tmp_path_factory):
    """Return a folder with small IDX files in MNIST's layout."""
    return write_small_mnist(tmp_path_factory.mktemp("idx"))


@pytest.fixture
def example(monkeypatch):
    """Return a function that imports an example by its name, on the plain NumPy ops."""
    before = npcnn.get_backend()
    npcnn.use_backend("numpy")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.delenv("NPCNN_DATA", raising=False)
    known = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - known:
        if str(EXAMPLES) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    npcnn.use_backend(before)
