import hashlib

import pytest
from mirrors import Mirrors, small_set

from npcnn.datasets import fetch, mnist
from npcnn.datasets.idx import header


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, the sums of the small set for MNIST's, and no folder named."""
    monkeypatch.delenv("NPCNN_DATA", raising=False)
    monkeypatch.delenv("NPCNN_MIRROR", raising=False)
    folder = tmp_path / "cache" / "mnist"
    monkeypatch.setattr(fetch, "cache_folder", lambda name: folder.parent / name)
    parts = []
    for part in mnist.PARTS:
        array = small_set()[part.name]
        digest = hashlib.sha256(header(array) + array.tobytes()).hexdigest()
        parts.append(part._replace(sha256=digest, shape=array.shape))
    monkeypatch.setattr(mnist, "PARTS", tuple(parts))
    return folder


@pytest.fixture
def mirrors(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running = Mirrors()
    monkeypatch.setattr(mnist, "MIRRORS", (f"{running.url}/first/", f"{running.url}/second/"))
    yield running
    running.close()
