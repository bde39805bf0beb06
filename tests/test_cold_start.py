"""What the first step of a program costs: what is done is counted, and the processor's own time.

Seconds by the clock, which depend on what else the machine does, are measured by
`benchmarks/startup.py`.
"""

import json

import pytest
from runs import ROOT, command, finish

LINE = pytest.importorskip("npcnn.kernels.run.notice").LINE

# The document's network learns from a batch. What it prints: processes that were started, kernels
# that were compiled here, modules that were imported, and the first thread's own seconds.
PROGRAM = """
import json, subprocess, sys, time

before, started = subprocess.Popen.__init__, []

def begin(self, *args, **kwargs):
    started.append(args)
    before(self, *args, **kwargs)

subprocess.Popen.__init__ = begin
sys.path.insert(0, TESTS)
import npcnn
npcnn.set_num_threads(2)
import numpy as np
from models import document_model
from npcnn.kernels.run import compile as compiling

compiled = []
uncached = compiling._Native._compile_uncached
compiling._Native._compile_uncached = lambda self: compiled.append(1) or uncached(self)
model = document_model(dropout=True)
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
x, y = np.zeros((60, 28, 28, 1), np.float32), np.eye(10, dtype=np.float32)[np.arange(60) % 10]
model.fit(x, y, batch_size=60, verbose=0)
found = {
    "processes": len(started), "compiled": len(compiled), "modules": len(sys.modules),
    "seconds": time.thread_time(),
}
for _ in range(2):  # which say nothing more
    model.fit(x, y, batch_size=60, verbose=0)
print(json.dumps(found))
"""

# All that a step of that network needs, and what leads and follows (`kernels/run/crew.py`).
KERNELS = 22
# As measured on a quiet machine: 4.0 and 0.6, of which the first thread may take this much more.
COLD, WARM = 4 * 4.0, 4 * 0.6


@pytest.fixture(scope="module")
def first_steps(jit, tmp_path_factory):
    """Return what is said of two first steps, the first without anything cached; and the cache."""
    cache = tmp_path_factory.mktemp("cache")
    source = PROGRAM.replace("TESTS", repr(str(ROOT / "tests")))
    said = []
    for _ in range(2):
        done = finish(
            command("-c", source), cache, NPCNN_BACKEND="numba", NUMBA_CACHE_DIR=str(cache)
        )
        assert done.returncode == 0, done.stderr
        said.append({**json.loads(done.stdout), "said": done.stderr.splitlines()})
    return *said, cache


def test_a_cold_start_compiles_in_two_processes_what_it_needs_and_no_more(first_steps):
    cold, _, cache = first_steps
    kept = [path for path in cache.rglob("*") if path.is_file()]
    assert len(kept) <= KERNELS
    assert cold["processes"] == 1
    assert 0 < cold["compiled"] <= len(kept)
    assert cold["seconds"] < COLD


def test_a_warm_start_compiles_nothing(first_steps):
    _, warm, _ = first_steps
    assert (warm["processes"], warm["compiled"]) == (0, 0)
    assert warm["modules"] < 1100  # 926 when this was written
    assert warm["seconds"] < WARM


def test_a_first_start_says_that_it_compiles(first_steps):
    cold, warm, _ = first_steps
    assert (cold["said"], warm["said"]) == ([LINE], [])
