"""Kernels on disk: found again, never mixed up, and not needed."""

import gc
import io
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

notice = pytest.importorskip("npcnn.kernels.run.notice")
pytestmark = pytest.mark.usefixtures("jit")

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import numpy as np
from npcnn import kernels
from npcnn.kernels.run import compile as compiling
x = np.linspace(-1, 1, 40).astype({dtype!r})
y = kernels.sigmoid_backward(x, x)
assert y.dtype == {dtype!r} and abs(y - x * x * (1 - x)).max() < 1e-6
assert kernels.gather(x, np.array([2, 0]), x.dtype).tolist() == [x[2], x[0]]
from npcnn.kernels.run.body import _write_entry
print(sum(_write_entry.stats.cache_hits.values()))
"""


def environment(folder):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    return {**kept, "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(folder)}


def start(folder, dtype="float32"):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM.format(dtype=dtype)],
        env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def hits(process):
    out, err = process.communicate(timeout=500)
    assert process.returncode == 0, err
    return int(out)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Return a folder with what one process compiled."""
    folder = tmp_path_factory.mktemp("kept")
    assert hits(start(folder)) == 0
    return folder


@pytest.fixture
def filled(kept, tmp_path):
    return shutil.copytree(kept, tmp_path / "filled")


def test_a_second_process_finds_the_kernels(filled):
    assert hits(start(filled)) == 1


def test_a_start_loads_little_of_what_numba_compiles_with(tmp_path):
    more = """
import sys
from numba.core.runtime import rtsys
loaded = {"numba.np.linalg", "numba.np.arraymath", "scipy.linalg"} & set(sys.modules)
assert not loaded and not rtsys._init, loaded
import numba
@numba.njit
def largest(values):  # and what others compile later finds all
    return np.median(values) + np.array([1.0, 2.0]).sum()
assert largest(np.arange(5.0)) == 5
assert "numba.np.linalg" in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.format(dtype="float32") + more],
        env=environment(tmp_path), capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("0\n", notice.LINE + "\n")


def test_processes_that_compile_at_once_do_not_mix_up_their_code(tmp_path):
    together = [start(tmp_path, dtype) for dtype in ("float32", "float64") * 2]
    assert all(hits(process) <= 1 for process in together)
    assert hits(start(tmp_path, "float32")) == hits(start(tmp_path, "float64")) == 1


def test_without_a_place_to_write_kernels_are_compiled_anew(tmp_path):
    closed = tmp_path / "closed"
    closed.write_text("a file where the folder should be")
    only = {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator"}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(dtype="float32")], timeout=500,
            env={**environment(closed / "within"), **only},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    if hasattr(numba.config, "CACHE_LOCATOR_CLASSES"):  # else they lie beside the sources
        assert done.stdout.strip() == "0"


HOWS = ["rubbish", "folder", "empty", "cut", "flipped"]


def spoil(path, how):
    """Spoil a file, or put a folder in its place."""
    content = path.read_bytes()
    path.unlink()
    if how == "folder":
        path.mkdir()
        return
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]
    new = {"empty": b"", "cut": content[:-40], "rubbish": os.urandom(3000), "flipped": flipped}
    path.write_bytes(new[how])


def files_below(cache):
    """Return all files of a cache, that of the function whose hits are counted first."""
    found = [path for path in cache.rglob("*") if path.is_file()]
    assert len(found) > 3  # and one more, if two threads were at work
    return sorted(found, key=lambda path: ("_write_entry" not in path.name, path))


@pytest.mark.parametrize("how", HOWS)
def test_nothing_is_read_of_a_spoilt_file(filled, how, monkeypatch):
    from npcnn.kernels.run import cache

    for path in files_below(filled):
        files = cache._Files(path.parent, "name", 1)
        monkeypatch.setattr(files, "path", lambda key, path=path: path)
        assert files.load("key") is not None
        spoil(path, how)
        assert files.load("key") is None


def test_a_spoilt_cache_is_compiled_anew(filled):
    """Each file is spoilt in another way."""
    for path, how in zip(files_below(filled), itertools.cycle(HOWS)):
        spoil(path, how)
    assert hits(start(filled)) == 0
    assert hits(start(filled)) == 1  # all but one was written again: no file takes a folder's place
    assert [path.name for path in filled.rglob("*") if path.is_dir() and "." in path.name]


@pytest.mark.skipif(os.name != "posix", reason="permissions are a Unix thing")
def test_a_cache_that_others_may_write_to_is_not_read(filled):
    (folder,) = {path.parent for path in filled.rglob("*.*") if path.is_file()}
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o770)
    process = start(filled)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1  # warnings are errors there
    assert "NpcnnWarning: compiled code in" in err
    assert "expected a folder that is yours, where nobody else may write, got owner" in err


def test_a_new_version_replaces_the_old_ones_files(tmp_path, monkeypatch):
    from npcnn.kernels.run import cache

    files = cache._Files(tmp_path / "npcnn", "name", 1)
    files.save("key", [1, 2])
    files.save("other", [3])
    assert files.load("key") == [1, 2]
    assert files.load("other") == [3]
    newer = cache._Files(tmp_path / "npcnn", "name", 2)
    assert newer.load("key") is None
    newer.save("key", [4])
    assert newer.load("key") == [4]
    assert len(list((tmp_path / "npcnn").iterdir())) == 1
    # of functions that there are no more, too; not what another process is writing, or wrote
    beside = cache._Files(tmp_path / "npcnn", "beside", 1)
    beside.save("key", [5])
    (tmp_path / "npcnn" / "beside12.part").write_bytes(b"")
    monkeypatch.setattr(cache, "sources_digest", lambda: "other sources")
    later = cache._Files(tmp_path / "npcnn", "another", 1)
    assert beside.load("key") == [5]
    later.save("key", [6])
    assert (beside.load("key"), newer.load("key"), later.load("key")) == (None, None, [6])
    assert len(list((tmp_path / "npcnn").iterdir())) == 2


def test_a_cache_of_somebody_elses_is_not_read(tmp_path, monkeypatch):
    from npcnn.checks import NpcnnWarning
    from npcnn.kernels.run import cache

    monkeypatch.setattr(cache.os, "geteuid", lambda: os.getuid() + 1, raising=False)
    with pytest.warns(NpcnnWarning, match="expected a folder that is yours"):
        assert not cache.trusted(tmp_path)


def test_a_count_is_shown_on_a_terminal_that_waits(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(notice, "notice", notice._Notice())
    monkeypatch.setattr(sys, "stderr", terminal)
    for waited in (0.0, 0.0, notice.SOON):
        notice.notice.seconds = waited
        with notice.compiling():
            assert not gc.isenabled()
        assert gc.isenabled()
    assert terminal.getvalue().startswith(notice.LINE + "\n")
    assert "0 kernels compiled, 00:0" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r")  # nothing is left of it
