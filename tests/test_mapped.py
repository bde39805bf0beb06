"""Arrays that lie in files: read where they are looked at, by each rank its own part."""

import re
import sys
import types

import mapped_program as program
import numpy as np
import pytest
from mpi import needs_mpi, ranks
from runs import ROOT

from npcnn import mapped
from npcnn.checks import ArgumentError, check_finite
from npcnn.datasets import write_idx

# Megabytes: a system may bring in two at a time, before and after what is looked at; and there is
# the one picture that ranks compare.
EDGES = 6
needs_smaps = pytest.mark.skipif(sys.platform != "linux", reason="without /proc/self/smaps")


def of_four(rank):
    return types.SimpleNamespace(rank=rank, size=4)


@pytest.fixture
def on_disk(tmp_path):
    """Return 64 samples of a megabyte, mapped, and their file."""
    path = tmp_path / "x.npy"
    np.save(path, np.ones((64, 512, 512), np.float32))
    return np.load(path, mmap_mode="r"), path


def test_views_of_a_mapped_array_are_mapped(on_disk):
    x, _ = on_disk
    plain = np.asarray(x)
    assert type(plain) is np.ndarray
    for view in (x, plain, plain[3:], plain.reshape(64, 512, 512, 1)[::2]):
        assert mapped.is_mapped(view)
    for copy in (plain + 0, plain[[1, 2]], np.ones(3), np.frombuffer(b"1234", np.uint8)):
        assert not mapped.is_mapped(copy)


@needs_smaps
def test_ranks_share_out_who_looks_through_a_mapped_array(on_disk):
    x, path = on_disk
    for _ in range(3):  # what is left of an earlier look stays
        with mapped.shared_out(of_four(2)):
            check_finite(np.asarray(x), "fit(x)")
    assert 0 < program.bytes_in_memory(path) < x.nbytes * (1 / 4 + EDGES / 64)
    check_finite(np.asarray(x), "fit(x)")
    assert program.bytes_in_memory(path) > x.nbytes * 0.9


@pytest.mark.parametrize("rank", range(4))
@pytest.mark.parametrize("samples", [1, 3, 9])
def test_what_is_no_number_is_found_by_the_rank_whose_part_it_is_in(tmp_path, rank, samples):
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (samples, 2))
    x[:] = 0
    found, texts = [], []
    for bad in range(samples):
        x[bad, 1] = np.nan
        try:
            with mapped.shared_out(of_four(rank)):
                check_finite(np.asarray(x), "fit(x)")
        except ArgumentError as error:
            found.append(bad)
            texts.append(str(error).split(";")[0])
        x[bad, 1] = 0
    assert found == list(range(samples * rank // 4, samples * (rank + 1) // 4))
    assert texts == [f"fit(x): expected finite numbers, got nan in sample {n}" for n in found]


def test_arrays_in_memory_are_looked_through_by_every_rank():
    x = np.zeros((8, 2))
    x[0, 0] = np.inf
    with mapped.shared_out(of_four(3)), pytest.raises(ArgumentError, match="inf in sample 0"):
        check_finite(x, "fit(x)")


@needs_smaps
@needs_mpi
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_rank_reads_its_own_part_of_an_idx_file(tmp_path, rng, backend):
    path = tmp_path / "pictures.idx"
    write_idx(path, rng.integers(0, 256, (program.SAMPLES, program.SIDE, program.SIDE), np.uint8))
    whole = path.stat().st_size
    found, bits = {}, set()
    for count in (1, 2, 4):
        code, out, error = ranks(
            ROOT / "tests/mapped_program.py", count, tmp_path, backend, path=str(path)
        )
        assert code == 0, error
        lines = re.findall(r"(\w{64}) read (\d+) bytes", out)
        assert len(lines) == count
        found[count] = [int(size) for _, size in lines]
        bits |= {said for said, _ in lines}
    for count in (2, 4):
        assert max(found[count]) < whole * (1 / count + EDGES / program.SAMPLES)
    assert len(bits) == 1
    assert min(found[1]) > 0.9 * whole
