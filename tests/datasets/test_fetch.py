"""Downloads from mirrors that are slow, silent, false or away; only of this machine."""

import gzip
import hashlib
import os
import re
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
from types import SimpleNamespace

import pytest
from mirrors import assert_small_set, small_set

from npcnn.checks import FileError
from npcnn.datasets import fashion_mnist, fetch, load_mnist, mnist, paced
from npcnn.datasets.idx import header

FIRST = "/first/train-images-idx3-ubyte.gz"


@pytest.fixture
def clock(monkeypatch):
    """A clock of the test's own: as many seconds as are put into it."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(paced, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def dripping(mirrors, clock, seconds, before=b"", sent=None):
    """Answer with one byte after another, each taking so many seconds of the clock's.

    The clock stops at the eleventh, when everyone must have gone: the next mirror is not to be
    taken for slow because this one drips on for a while.
    """

    def answer(handler):
        handler.wfile.write(before)
        while not mirrors.closing.is_set():
            clock.now = min(clock.now + seconds, 11)
            handler.wfile.write(b"a")
            if sent is not None:
                sent.append(1)

    return answer


HEAD = b"HTTP/1.0 200 OK\r\n\r\n"
PIECES = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n"


@pytest.mark.parametrize(
    "before", [HEAD, b"HTTP/1.0 200 OK\r\nContent-Length: 9000\r\n\r\n", PIECES, HEAD[:-4], b""]
)
def test_a_mirror_that_drips_is_left_for_the_next(cache, mirrors, clock, capsys, before):
    # In the content, in a header, and in the very first line of the answer.
    mirrors.add("second", small_set())
    mirrors.content[FIRST] = dripping(mirrors, clock, 0.5, before)
    assert_small_set(load_mnist())
    said = capsys.readouterr().err
    assert said.count("load_mnist: ") == 1
    assert re.search(rf"load_mnist: {mirrors.url}/first/ .too slow: [0-9,]+ bytes in 1[01] s", said)
    assert said.rstrip().endswith(f"; asking {mirrors.url}/second/")
    assert mirrors.asked == [FIRST, *(f"/second/{part.name}.gz" for part in mnist.PARTS)]


def test_slow_is_allowed_down_to_the_pace(cache, mirrors, clock):
    mirrors.add("first", small_set())
    content, _ = mirrors.content[FIRST]

    def answer(handler):
        handler.wfile.write(HEAD)
        for start in range(0, len(content), 1000):
            clock.now += 9 if start == 0 else 1000 / paced.SLOWEST
            handler.wfile.write(content[start : start + 1000])

    mirrors.content[FIRST] = answer
    assert_small_set(load_mnist())
    assert len(mirrors.asked) == 4


def test_a_mirror_that_never_answers(cache, mirrors, monkeypatch, capsys):
    monkeypatch.setattr(paced, "GRACE", 3.0)
    mirrors.add("second", small_set())
    mirrors.content[FIRST] = lambda handler: mirrors.closing.wait()
    start = time.monotonic()
    assert_small_set(load_mnist())
    assert time.monotonic() - start >= 3
    assert f"{mirrors.url}/first/ (too slow: 0 bytes in 3 s); asking" in capsys.readouterr().err


def test_no_address_is_waited_for_beyond_the_pace(clock, monkeypatch):
    tried = []

    class Silent:
        def __init__(self, *_):
            pass

        def settimeout(self, seconds):
            self.seconds = seconds

        def connect(self, place):
            tried.append(self.seconds)
            clock.now += self.seconds
            raise TimeoutError("timed out")

        def close(self):
            pass

    monkeypatch.setattr(paced.socket, "socket", Silent)
    monkeypatch.setattr(paced.socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", "")] * 16)
    with pytest.raises(TimeoutError, match="too slow: 0 bytes in 10 s"):
        paced._connect(paced.Pace(), ("some.where", 443))
    assert tried == [4, 4, 2]


def test_the_mirror_of_ones_own_comes_first(cache, mirrors, monkeypatch):
    mirrors.add("mine", small_set())
    monkeypatch.setenv("NPCNN_MIRROR", f" {mirrors.url}/mine ")
    assert_small_set(load_mnist())
    assert mirrors.asked == [f"/mine/{part.name}.gz" for part in mnist.PARTS]


def test_the_mirror_of_ones_own_may_hold_a_folder_for_each_set(cache, mirrors, monkeypatch):
    mirrors.add("mine/mnist", small_set())
    monkeypatch.setenv("NPCNN_MIRROR", f"{mirrors.url}/mine/")
    assert_small_set(load_mnist())
    assert mirrors.asked == [
        "/mine/train-images-idx3-ubyte.gz",
        *(f"/mine/mnist/{part.name}.gz" for part in mnist.PARTS),
    ]


def test_a_wrong_mirror_of_ones_own_is_named_and_the_others_serve(
    cache, mirrors, monkeypatch, capsys
):
    mirrors.add("first", small_set())
    for own in ("file:///etc", "nonsense", "ftp://127.0.0.1:9", f"{mirrors.url}/no"):
        monkeypatch.setenv("NPCNN_MIRROR", own)
        assert_small_set(load_mnist())
        assert f"load_mnist: {own}/ (" in capsys.readouterr().err
        for file in cache.iterdir():
            file.unlink()


def test_no_answer_leads_to_a_file_of_this_machine(cache, mirrors, tmp_path):
    secret = tmp_path / "secret.gz"
    secret.write_bytes(gzip.compress(b"secret"))

    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", f"file://{secret}")
        handler.end_headers()

    mirrors.content[FIRST] = answer
    with pytest.raises(FileError, match=r"first/ \(Found - Redirection to url 'file:"):
        load_mnist()


def test_an_answer_may_lead_elsewhere(cache, mirrors):
    mirrors.add("second", small_set())

    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", f"{mirrors.url}/second/train-images-idx3-ubyte.gz")
        handler.end_headers()

    mirrors.content[FIRST] = answer
    assert_small_set(load_mnist())
    assert mirrors.asked[:2] == [FIRST, "/second/train-images-idx3-ubyte.gz"]


def test_a_length_beyond_all_bounds_is_not_waited_for(cache, mirrors):
    mirrors.content[FIRST] = (b"", 10**15)
    with pytest.raises(FileError, match=r"first/ \(more than 89,056 bytes\)"):
        load_mnist()


def test_a_gigabyte_in_a_megabyte_is_not_unpacked(cache, mirrors):
    # Its header is honest: it is a data set of a million images, and none that was asked for.
    body = bytes(28 * 28 * 20_000)
    head = struct.pack(">4B3I", 0, 0, 8, 3, 20_000, 28, 28)
    packed = gzip.compress(head + body, 6)
    assert len(packed) < 20_000
    mirrors.content[FIRST] = (packed, len(packed))
    tracemalloc.start()
    with pytest.raises(FileError, match=r"first/ \(not the content that is known for train-im"):
        load_mnist()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


KILLED = """
from npcnn.datasets import load_mnist, mnist
mnist.MIRRORS = ({url!r} + "/first/",)
load_mnist()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_download_leaves_nothing_for_good(cache, mirrors, clock, tmp_path):
    sent = []
    mirrors.content[FIRST] = dripping(mirrors, clock, 0, HEAD, sent)
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    environment.pop("NPCNN_DATA", None)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED.format(url=mirrors.url)],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        while len(sent) < 100:
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    folder = next(tmp_path.rglob(".train-images*")).parent
    assert folder.name == "mnist"
    cache.parent.mkdir()
    folder.rename(cache)
    mirrors.add("first", small_set())
    assert_small_set(load_mnist())
    assert sorted(os.listdir(cache)) == sorted(f"{part.name}.gz" for part in mnist.PARTS)


def test_a_sum_of_the_compressed_file(cache, mirrors, monkeypatch):
    mirrors.add("third", small_set())
    parts = []
    for part in fashion_mnist.PARTS:
        content, _ = mirrors.content[f"/third/{part.name}.gz"]
        shape = small_set()[part.name].shape
        digest = hashlib.sha256(content).hexdigest()
        parts.append(part._replace(sha256=digest, shape=shape))
    monkeypatch.setattr(fashion_mnist, "PARTS", tuple(parts))
    monkeypatch.setattr(
        fashion_mnist, "MIRRORS", (f"{mirrors.url}/first/", f"{mirrors.url}/third/")
    )
    other = gzip.compress(header(small_set()[parts[0].name]) + bytes(23520))
    mirrors.content[FIRST] = (other, len(other))
    assert_small_set(fashion_mnist.load_data())
    assert len(mirrors.asked) == 5
    assert_small_set(fashion_mnist.load_data())
    assert len(mirrors.asked) == 5
    assert sorted(os.listdir(cache.parent)) == ["fashion_mnist"]


def test_every_mirror_has_an_address_that_ends_in_a_folder():
    for module in (mnist, fashion_mnist):
        assert len(set(module.MIRRORS)) >= 4
        assert any(".bcebos.com/" in mirror for mirror in module.MIRRORS)  # reached from China
        for mirror in module.MIRRORS:
            assert mirror.startswith("http")
            assert mirror.endswith("/")


def test_a_set_for_each_name_in_the_folder_that_the_variable_names(tmp_path, monkeypatch, mirrors):
    from npcnn.datasets import write_idx

    monkeypatch.setattr(fetch, "cache_folder", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(fashion_mnist, "MIRRORS", ())
    monkeypatch.setenv("NPCNN_DATA", str(tmp_path))
    for part, array in small_set().items():
        write_idx(tmp_path / part, array)
    assert_small_set(load_mnist())
    # MNIST's own files are not taken for those of another set.
    with pytest.raises(FileError, match=r"^fashion_mnist.load_data: .* got none; there are no mir"):
        fashion_mnist.load_data()
    for name in ("mnist", "fashion_mnist"):
        (tmp_path / name).mkdir()
        for part, array in small_set().items():
            write_idx(tmp_path / name / part, array)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    assert_small_set(fashion_mnist.load_data())
    assert_small_set(load_mnist())
