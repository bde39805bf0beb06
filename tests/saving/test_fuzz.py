import time

import pytest
from benchmark_scripts import load

fuzz_files = load("fuzz_files")


@pytest.mark.parametrize("kind", fuzz_files.FORMATS)
def test_250_spoilt_files_end_in_a_model_or_one_error(kind):
    """20,000 of each by hand: python benchmarks/fuzz_files.py --count 20000."""
    if kind == "onnx":
        pytest.importorskip("onnx", reason="needs onnx")
    found = fuzz_files.run(kind, 250, seed=7, report=lambda text: None)
    assert found["failures"] == []
    assert sum(found["outcomes"].values()) == 250
    assert found["outcomes"]["model"] > 10
    assert found["outcomes"]["FormatError"] > 60


def test_a_busy_machine_spoils_no_file(monkeypatch, tmp_path):
    """What a file waits for is not counted, and what it computes is."""
    monkeypatch.setattr(fuzz_files, "LIMIT_SECONDS", 0.1)
    assert fuzz_files.attempt(lambda path: time.sleep(0.3), tmp_path)[2] == ""

    def compute(path):
        start = time.thread_time()
        while time.thread_time() - start < 0.15:
            pass

    assert fuzz_files.attempt(compute, tmp_path)[2].endswith(" s")


def test_runs_add_up():
    one = {"files": 2, "seeds": {"1": 2}, "ways": {"flip": 2}, "failures": ["a"], "slowest_s": 0.3}
    other = {"files": 3, "seeds": {"2": 3}, "ways": {"flip": 1, "swap": 2}, "failures": [],
             "slowest_s": 0.2}  # fmt: skip
    both = {"files": 5, "seeds": {"1": 2, "2": 3}, "ways": {"flip": 3, "swap": 2},
            "failures": ["a"], "slowest_s": 0.3}  # fmt: skip
    assert fuzz_files.added(one, other) == both
    assert fuzz_files.added({}, other) == other
