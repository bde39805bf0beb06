import pytest

from npcnn import threads
from npcnn.checks import ArgumentError


@pytest.fixture
def quota(tmp_path):
    def written(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return threads._container_quota(tmp_path)

    return written


def test_the_container_s_quota(quota):
    assert quota() is None
    assert quota(cpu_DOT_max="max 100000\n") is None
    assert quota(cpu_DOT_max="150000 100000\n") == 1.5
    assert quota(cpu_DOT_max="nonsense") is None


def test_the_quota_of_the_first_version(quota):
    files = {"cpu__cpu.cfs_quota_us": "200000\n", "cpu__cpu.cfs_period_us": "100000\n"}
    assert quota(**files) == 2.0
    assert quota(**{**files, "cpu__cpu.cfs_quota_us": "-1\n"}) is None


def test_available_cores_by_affinity_and_quota(monkeypatch):
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    for granted, cores in [(None, 4), (2.5, 2), (0.5, 1), (64.0, 4)]:
        monkeypatch.setattr(threads, "_container_quota", lambda _, granted=granted: granted)
        assert threads.available_cores() == cores


def test_set_and_get():
    before = threads.get_num_threads()
    threads.set_num_threads(1)
    assert threads.get_num_threads() == 1
    threads.set_num_threads(before)
    for wrong in (0, -1, 1.5, True, "2"):
        with pytest.raises(ArgumentError, match=r"set_num_threads\(number\): expected"):
            threads.set_num_threads(wrong)


def test_more_threads_than_there_are_places_for_are_refused():
    before = threads.get_num_threads()
    with pytest.raises(ArgumentError, match=r"at most 64, got 65"):
        threads.set_num_threads(65)
    assert threads.get_num_threads() == before


def test_blas_is_held_to_one_thread_and_let_go(run_python):
    """In a process of its own: other libraries here may have brought a BLAS of theirs."""
    pytest.importorskip("threadpoolctl")
    source = """
import numpy, threadpoolctl
from npcnn import threads

def blas():
    libraries = threadpoolctl.threadpool_info()
    return [lib["num_threads"] for lib in libraries if lib["user_api"] == "blas"]

before = blas()
for _ in range(2):
    with threads.single_threaded_blas():
        print(set(blas()) == {1})
    print(blas() == before)
"""
    assert run_python(source).split() == ["True"] * 4
