"""The threads that share out tasks: each task once, whoever does it, however many there are."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import sample_networks as networks

import npcnn
from npcnn import threads
from npcnn.kernels.run import crew, notes
from npcnn.kernels.run.body import Body

pytestmark = pytest.mark.usefixtures("jit")

ROOT = Path(__file__).resolve().parents[3]
TASKS = 37


def _count(task, ints, scratch, counts, order):
    """Count the task; write down how far the row before it had come, and use scratch memory."""
    for i in range(ints[0]):
        scratch[i] = task
    order[task] = counts[(task + 1) % ints[1]]
    for i in range(ints[0]):
        counts[task] += scratch[i] - task
    counts[task] += 1


COUNT = Body(_count)


def counted(rounds=1, size=200):
    """Return how often each task was done in so many calls, and what each saw of its neighbour."""
    counts, order = np.zeros(TASKS, np.float32), np.zeros(TASKS, np.float32)
    ints = np.array([size, TASKS])
    for _ in range(rounds):
        COUNT(TASKS, True, [counts, order], ints, size)
    return counts, order


@pytest.fixture(autouse=True)
def same_threads_afterwards(with_threads):
    return with_threads


@pytest.mark.parametrize("number", [1, 2, 3, 5, 16])
def test_each_task_is_done_once(with_threads, number):
    with_threads(number)
    for _ in range(30):
        assert counted()[0].tolist() == [1] * TASKS


@pytest.mark.parametrize("number", [2, 4])
def test_a_call_begins_when_the_one_before_has_ended(with_threads, number):
    """While notes are played nothing but the crew keeps the calls apart."""
    with_threads(number)
    (counts, order), written = notes.write(lambda: counted(rounds=8), [], [])
    for _ in range(20):
        counts[:] = 0
        written.play()
        assert counts.tolist() == [8] * TASKS
        assert set(order) <= {7, 8}


def test_a_crew_that_sleeps_is_woken(with_threads):
    with_threads(3)
    counted()
    deadline = time.monotonic() + 300
    words = crew._crew.words
    asleep = [crew.SLEEPS + thread * crew.LINE for thread in (1, 2)]
    while not words[asleep].all():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    while words[asleep].all():
        assert time.monotonic() < deadline
        assert counted(rounds=3, size=20_000)[0].tolist() == [3] * TASKS


@pytest.mark.parametrize("ended_by", ["LED", "AWAY"])
def test_while_somebody_leads_nobody_sleeps(ended_by):
    """Who slept in a long call, its own tasks done, was not there for the rest of it.

    But where the leader found a thread away, its core is another program's, and waiting is waste.
    """
    words = np.zeros(crew.WORDS, np.int64)
    asleep = crew.SLEEPS + crew.LINE
    words[[crew.LED, asleep]] = 1
    waiting = threading.Thread(target=crew._follow, args=(words, 1, 2))
    waiting.start()
    deadline = time.monotonic() + 300
    while words[asleep]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.3)  # in which it would have fallen asleep
    assert not words[asleep]
    assert waiting.is_alive()
    words[getattr(crew, ended_by)] = int(ended_by == "AWAY")
    waiting.join(300)
    assert words[asleep]
    assert not waiting.is_alive()


def test_the_leader_says_whether_a_thread_was_away(monkeypatch, with_threads):
    with_threads(2)
    words = np.zeros(crew.WORDS, np.int64)
    monkeypatch.setattr(crew, "lead", lambda place, count, _: crew._lead(words, place, count, 2))
    assert counted()[0].tolist() == [1] * TASKS
    assert words[crew.AWAY] == 1  # nobody follows: all tasks were the leader's
    waiting, deadline = threading.Thread(), time.monotonic() + 300
    while words[crew.AWAY]:  # until it came in time for a task of its own
        assert time.monotonic() < deadline
        if not waiting.is_alive():
            waiting = threading.Thread(target=crew._follow, args=(words, 1, 2))
            waiting.start()
        assert counted(size=20_000)[0].tolist() == [1] * TASKS
    waiting.join(300)
    assert not waiting.is_alive()


def test_another_number_of_threads_lets_the_old_ones_end(with_threads):
    def living():
        return sum(thread.name.startswith("npcnn-") for thread in threading.enumerate())

    for number in (6, 1, 4, 2):
        with_threads(number)
        counted()
    deadline = time.monotonic() + 300
    while living() > 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_several_python_threads_at_once(with_threads):
    with_threads(2)
    found = []

    def work():
        found.extend(counted(size=2000)[0].tolist() for _ in range(100))

    together = [threading.Thread(target=work) for _ in range(4)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert found == [[1] * TASKS] * 400


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_has_a_crew_of_its_own(run_python):
    source = """
import os
import warnings
import numpy as np
import npcnn
from npcnn import kernels

npcnn.set_num_threads(2)
x = np.linspace(-3, 3, 100_000)
want = kernels.sigmoid(x)
warnings.simplefilter("ignore")  # newer Pythons warn of any fork beside threads
child = os.fork()
same = (kernels.sigmoid(x) == want).all()
if child == 0:
    os._exit(0 if same else 3)
print(os.waitpid(child, 0)[1], bool(same))
"""
    assert run_python(source).split() == ["0", "True"]


def test_a_process_ends_while_its_crew_is_awake(run_python):
    source = "import numpy as np\nfrom npcnn import kernels, threads\nthreads.set_num_threads(4)\n"
    source += "print(kernels.relu(np.ones(100_000), 0.0, None, 0.0).sum())\n"
    assert run_python(source).strip() == "100000.0"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers here")
def test_a_signal_handler_may_use_a_model_while_another_learns(with_threads):
    with_threads(2)
    calls = []

    def weights(handler):
        npcnn.set_random_seed(4)
        model, (x, y) = networks.small_network(), networks.pictures(40)
        before = signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 1e-3)
        try:
            model.fit(x, y, batch_size=8, epochs=6, verbose=0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        return b"".join(array.tobytes() for array in model.get_weights())

    npcnn.set_random_seed(5)
    other, (x, _) = networks.small_network(), networks.pictures(7)
    want = other.predict(x, verbose=0)

    def handler(*_):
        """A timer that went on by itself would call the handler within itself, without end."""
        calls.append((other.predict(x, verbose=0) == want).all())
        signal.setitimer(signal.ITIMER_REAL, 1e-3)

    alone = weights(lambda *_: None)
    while len(calls) < 5:
        assert weights(handler) == alone
    assert all(calls)


def test_without_threads_to_be_had_the_leader_does_it_all(with_threads, monkeypatch):
    def refused(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    with_threads(7)
    for _ in range(3):
        assert counted()[0].tolist() == [1] * TASKS
    monkeypatch.undo()
    with_threads(6)
    assert counted()[0].tolist() == [1] * TASKS


NO_THREADS = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_STACK, (1 << 40, resource.RLIM_INFINITY))  # of each thread
resource.setrlimit(resource.RLIMIT_AS, (1 << 36, 1 << 36))
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""
TRAINS = """
import signal, threading
signal.signal(signal.SIGINT, signal.SIG_IGN if {ignored} else signal.default_int_handler)
import npcnn, numpy as np
from npcnn import layers
try:
    threading.Thread(target=print).start()
except RuntimeError:
    print("none")
npcnn.set_num_threads(3)
model = npcnn.Sequential([layers.Input((28, 28, 1)), layers.Conv2D(8, 3), layers.Flatten(),
                          layers.Dense(10, "softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
x = np.linspace(0, 1, 40 * 784).reshape(40, 28, 28, 1)
model.fit(x, np.arange(40) % 10, 20, 2, 0)
print(npcnn.get_backend(), (np.ones((900, 900)) @ np.ones((900, 900))).sum() == 900**3)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' stacks are not so limited")
@pytest.mark.parametrize("ignored", [True, False])
@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_where_no_thread_can_be_started_one_thread_trains(ignored, backend):
    """Where SIGINT is ignored, as behind a shell's &, OpenBLAS hung or crashed."""
    kept = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", NO_THREADS, TRAINS.format(ignored=ignored)], timeout=120,
        env={**kept, "PYTHONPATH": str(ROOT), "NPCNN_BACKEND": backend},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    errors = [line for line in done.stderr.splitlines() if "compiling" not in line]
    assert (done.returncode, errors) == (0, [])
    assert done.stdout.split() == ["none", backend, "True"]


def test_scratch_memory_recorded_for_fewer_threads_is_enough(with_threads):
    with_threads(1)
    (counts, _), written = notes.write(counted, [], [])
    counts[:] = 0
    with_threads(threads.MOST)
    written.play()
    assert counts.tolist() == [1] * TASKS
