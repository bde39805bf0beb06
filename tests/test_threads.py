import os
from pathlib import Path

import pytest

from npcnn import threads
from npcnn.checks import ArgumentError


@pytest.fixture
def granted(tmp_path):
    """Return a function that writes what /proc and /sys say, and returns the quota found there.

    It takes the text of /proc/self/cgroup, the mounts as (group, folder, kind, options), and
    file → content.
    """

    def written(cgroup, mounts, **files):
        (tmp_path / "cgroup").write_text(cgroup)
        lines = [
            f"31 23 0:28 {group} {tmp_path}/{folder} rw,relatime shared:9 - {kind} cgroup {options}"
            for group, folder, kind, options in mounts
        ]
        (tmp_path / "mountinfo").write_text(
            "22 1 8:1 / / rw - ext4 /dev/sda rw\n" + "\n".join(lines)
        )
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text)
        return threads._granted(tmp_path)

    return written


TWO = [("/", "sys", "cgroup2", "rw")]
ONE = [("/", "sys/memory", "cgroup", "rw,memory"), ("/", "sys/cpu", "cgroup", "rw,cpu,cpuacct")]


def test_the_container_s_quota(granted):
    assert granted("0::/\n", TWO) is None
    assert granted("0::/\n", TWO, sys__cpu_DOT_max="max 100000\n") is None
    assert granted("0::/\n", TWO, sys__cpu_DOT_max="150000 100000\n") == 1.5
    assert granted("0::/\n", TWO, sys__cpu_DOT_max="nonsense") is None


def test_the_quota_of_the_first_version(granted):
    own = "3:memory:/\n2:cpu,cpuacct:/\n0::/\n"
    quota = {"sys__cpu__cpu.cfs_quota_us": "200000\n", "sys__cpu__cpu.cfs_period_us": "100000\n"}
    assert granted(own, ONE, **quota) == 2.0
    assert granted(own, ONE, **{**quota, "sys__cpu__cpu.cfs_quota_us": "-1\n"}) is None


@pytest.mark.parametrize("outer", ["max", "400000"])
def test_quotas_of_nested_groups_of_the_second_version(granted, outer):
    own = "0::/user.slice/run-7.scope\n"
    files = {
        "sys__user.slice__cpu_DOT_max": f"{outer} 100000\n",
        "sys__user.slice__run-7.scope__cpu_DOT_max": "100000 100000\n",
        "sys__system.slice__cpu_DOT_max": "1000 100000\n",  # somebody else's
    }
    assert granted(own, TWO, **files) == 1.0
    files["sys__user.slice__run-7.scope__cpu_DOT_max"] = "max 100000\n"
    assert granted(own, TWO, **files) == (4.0 if outer != "max" else None)


def test_quotas_of_nested_groups_of_the_first_version(granted):
    own = "9:name=systemd:/\n4:memory:/elsewhere\n1:cpu,cpuacct:/batch/job 3\n"
    files = {
        "sys__cpu__batch__cpu.cfs_quota_us": "300000\n",
        "sys__cpu__batch__cpu.cfs_period_us": "100000\n",
        "sys__cpu__batch__job 3__cpu.cfs_quota_us": "-1\n",
        "sys__cpu__batch__job 3__cpu.cfs_period_us": "100000\n",
    }
    assert granted(own, ONE, **files) == 3.0
    assert granted(own, ONE, **{"sys__cpu__batch__job 3__cpu.cfs_quota_us": "50000"}) == 0.5


def test_a_container_that_sees_its_own_group_only(granted):
    """Mounted from its own group on, which /proc names as it is called outside."""
    mounts = [("/docker/7f", "sys/cpu", "cgroup", "rw,cpu")]
    quota = {"sys__cpu__cpu.cfs_quota_us": "200000\n", "sys__cpu__cpu.cfs_period_us": "100000\n"}
    assert granted("1:cpu:/docker/7f\n", mounts, **quota) == 2.0
    assert granted("1:cpu:/\n", mounts, **quota) == 2.0  # or as it is called inside
    assert granted("1:cpu:/../other\n", [("/", *mounts[0][1:])], **quota) is None


def test_without_control_groups(tmp_path):
    assert threads._granted(tmp_path) is None


@pytest.fixture
def group():
    """Yield the folder of a control group around another, made within this process's own."""
    folders = [f for f in threads._groups(Path("/proc/self")) if os.access(f, os.W_OK)]
    made = []
    try:
        for name in (f"npcnn-{os.getpid()}", "inner"):
            made.append((made[-1] if made else folders[0]) / name)
            made[-1].mkdir()
        if (made[0] / "cpu.cfs_quota_us").exists():
            (made[0] / "cpu.cfs_period_us").write_text("100000")
            (made[0] / "cpu.cfs_quota_us").write_text("100000")
        else:
            (made[0] / "cpu.max").write_text("100000 100000")
        yield made[-1]
    except (OSError, IndexError) as error:
        pytest.skip(f"no control group can be made here: {error!r}")
    finally:
        for folder in reversed(made):
            if folder.is_dir():
                folder.rmdir()


def test_a_real_group_around_the_process_s_own(group, run_python):
    source = f"""
from pathlib import Path
from npcnn import threads
try:
    Path({str(group)!r}, "cgroup.procs").write_text("0")
except OSError:
    print("skip")
else:
    print(threads.available_cores(), threads.get_num_threads())
"""
    printed = run_python(source).split()
    if printed == ["skip"]:
        pytest.skip("no process may be moved here")
    assert printed == ["1", "1"]


def test_available_cores_by_affinity_and_quota(monkeypatch):
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    for granted, cores in [(None, 4), (2.5, 2), (0.5, 1), (64.0, 4)]:
        monkeypatch.setattr(threads, "_granted", lambda _, granted=granted: granted)
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
