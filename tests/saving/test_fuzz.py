import pytest
from benchmark_scripts import load


@pytest.mark.parametrize("kind", ["h5", "keras", "weights", "checkpoint", "recording", "json"])
def test_250_spoilt_files_end_in_a_model_or_one_error(kind):
    """20,000 of each by hand: python benchmarks/fuzz_files.py --count 20000."""
    found = load("fuzz_files").run(kind, 250, seed=7, report=lambda text: None)
    assert found["failures"] == []
    assert sum(found["outcomes"].values()) == 250
    assert found["outcomes"]["model"] > 10
    assert found["outcomes"]["FormatError"] > 60
