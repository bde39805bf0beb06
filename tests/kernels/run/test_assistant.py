"""A second process compiles half of what a first step needs: rightly, and leaves nothing behind."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

assistant = pytest.importorskip("npcnn.kernels.run.assistant")
pytestmark = pytest.mark.usefixtures("jit")

ROOT = Path(__file__).resolve().parents[3]

# A training step; prints what was compiled here, whether a process was started, what is left.
STEP = """
import os, subprocess, sys
import numpy as np
import npcnn
from npcnn import layers
from npcnn.kernels.run import assistant, compile as compiling
npcnn.set_num_threads({threads})
compiled, started = [], []
make = compiling._Native._compile_uncached
def count(self):
    compiled.append(self._pyfunc.__name__)
    {during}
    return make(self)
compiling._Native._compile_uncached = count
def start(*args, **kwargs):
    started.append(subprocess.Popen(*args, **kwargs))
    return started[-1]
assistant.subprocess = type(sys)("subprocess")
vars(assistant.subprocess).update(vars(subprocess), Popen=start)
model = npcnn.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(2, 3, activation="relu"),
                          layers.MaxPooling2D(), layers.Flatten(), layers.Dense(3, "softmax")])
model.compile("adam", "{sparse}categorical_crossentropy")
y = np.arange(6) % 3 if "{sparse}" else np.eye(3, dtype="float32")[np.arange(6) % 3]
if {describe}:
    import json
    model.build()
    print(json.dumps({{"model": model.to_json(), "learns": True}}))
    raise SystemExit
try:
    model.fit(np.ones((6, 8, 8, 1), "float32"), y, verbose=0)
except KeyboardInterrupt:
    print("interrupted")
print(len(compiled), len(started), [process.returncode is not None for process in started])
try:
    print(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print("no child")
"""


def environment(cache, temporary):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    temporary.mkdir(exist_ok=True)
    return {**kept, "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(cache),
            "TMPDIR": str(temporary)}  # fmt: skip


def step(folder, threads=2, sparse="", during="pass", describe=False):
    """Run STEP; return the lines it printed, after a look at the folder for temporary files."""
    code = STEP.format(threads=threads, sparse=sparse, during=during, describe=describe)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], text=True, timeout=500, check=True,
        env=environment(folder / "cache", folder / "tmp"), stdout=subprocess.PIPE,
    )  # fmt: skip
    assert list((folder / "tmp").glob("npcnn-*")) == []
    return done.stdout.splitlines()


def test_no_process_is_left_after_the_first_step(tmp_path):
    counts, left = step(tmp_path)
    assert counts.endswith(" 1 [True]")
    assert left == "no child"
    assert step(tmp_path) == ["0 0 []", "no child"]  # all is there now


def test_with_one_thread_nobody_is_hired(tmp_path):
    counts, left = step(tmp_path, threads=1)
    assert counts.endswith(" 0 []")
    assert int(counts.split()[0]) > 8
    assert left == "no child"


def test_an_interrupt_ends_both(tmp_path):
    during = "if len(compiled) == 1: raise KeyboardInterrupt"
    assert step(tmp_path, during=during) == ["interrupted", "1 1 [True]", "no child"]


@pytest.fixture(scope="module")
def assisted(tmp_path_factory):
    """Return a folder with all that the other process compiled, for one step and then another."""
    folder = tmp_path_factory.mktemp("assisted")
    for sparse, most in (("", 8), ("sparse_", 0)):  # most of which they share
        (about,) = step(folder, sparse=sparse, describe=True)
        claims = folder / f"{sparse}claims"
        claims.mkdir()
        task = {**json.loads(about), "path": [str(ROOT), *sys.path], "claims": str(claims)}
        process = subprocess.Popen(
            [sys.executable, "-c", assistant._PROGRAM], stdin=subprocess.PIPE, text=True,
            env=environment(folder / "cache", folder / "tmp"), stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
        assert process.wait(timeout=500) == 0
        process.stdin.close()
        process.stderr.close()
        assert len(list(claims.iterdir())) > most
    return folder


@pytest.mark.parametrize("sparse", ["", "sparse_"])
def test_the_other_process_compiles_all_that_a_step_needs(assisted, sparse):
    assert step(assisted, sparse=sparse)[0] == "0 0 []"


STUCK = """
import sys, time
from npcnn.kernels.run import assistant
assistant.work({"claims": sys.argv[1]}, lambda task: time.sleep(600))
"""


def test_the_other_process_ends_with_the_first(tmp_path):
    claims = tmp_path / "claims"
    claims.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, str(claims)], stdin=subprocess.PIPE,
        env=environment(tmp_path / "cache", tmp_path / "tmp"),
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.close()  # as the system does when a process dies
    assert process.wait(timeout=300) == 1
    assert not claims.exists()


@pytest.fixture
def hired(tmp_path, monkeypatch):
    """Return a process that does nothing, as if it had been hired."""
    claims = tmp_path / "claims"
    claims.mkdir()
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True)
    monkeypatch.setattr(assistant, "_hired", process)
    monkeypatch.setattr(assistant, "_claims", claims)
    yield process
    assistant.dismiss()
    process.kill()
    process.wait()
    process.stdin.close()


def test_a_body_is_claimed_by_one_of_the_two(tmp_path, hired):
    place = tmp_path / "body"
    assistant.share(place)
    assert (tmp_path / "claims" / "body").exists()
    assert not assistant._claim(assistant._claims, place)


def test_a_body_that_the_other_is_at_work_on_is_waited_for(tmp_path, hired, monkeypatch):
    place = tmp_path / "body"
    assert assistant._claim(assistant._claims, place)
    monkeypatch.setattr(time, "sleep", lambda seconds: place.write_bytes(b"compiled"))
    assistant.share(place)
    assert place.exists()
    assert hired.poll() is None


def test_a_body_of_a_process_that_ended_is_compiled_here(tmp_path, hired):
    assert assistant._claim(assistant._claims, tmp_path / "body")
    hired.kill()
    hired.wait()
    assistant.share(tmp_path / "body")  # returns
    assert not (tmp_path / "claims").exists()


def test_a_process_that_takes_too_long_is_dismissed(tmp_path, hired, monkeypatch):
    monkeypatch.setattr(assistant, "PATIENCE", 0.0)
    assert assistant._claim(assistant._claims, tmp_path / "body")
    assistant.share(tmp_path / "body")  # returns
    assert hired.poll() is not None


@pytest.mark.parametrize("about", [lambda: {"model": ""}, lambda: {}["model"]])
def test_what_cannot_be_described_is_compiled_alone(tmp_path, monkeypatch, about):
    monkeypatch.setattr(assistant, "get_num_threads", lambda: 2)
    assistant.describe(about)
    assistant.share(tmp_path / "body")
    assert assistant._hired is assistant._claims is None


def test_without_processes_to_be_had_it_compiles_alone(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("no more processes")

    monkeypatch.setattr(assistant, "get_num_threads", lambda: 2)
    monkeypatch.setattr(assistant.subprocess, "Popen", refuse)
    monkeypatch.setattr(assistant.tempfile, "tempdir", str(tmp_path))
    assistant.describe(lambda: {"model": "{}", "learns": True})
    assistant.share(tmp_path / "body")
    assert assistant._hired is assistant._claims is None
    assert list(tmp_path.iterdir()) == []
