"""One model in several processes: the same bits, however many there are."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import distributed_program as program
import numpy as np
import pytest
from runs import PATIENCE, ROOT, environment

import npcnn
from npcnn.checks import ArgumentError, DtypeError
from npcnn.distribution import DataParallel, tree

PROGRAM = ROOT / "tests/distributed_program.py"
BESIDE = Path(sys.executable).parent / "mpiexec"
MPIEXEC = str(BESIDE) if BESIDE.exists() else shutil.which("mpiexec")
HAS_MPI = importlib.util.find_spec("mpi4py") is not None and MPIEXEC is not None
needs_mpi = pytest.mark.skipif(not HAS_MPI, reason='without mpi4py and an MPI (the extra "mpi")')
ENDED_WITHIN = 30  # seconds


def ranks(count, folder, backend="numpy", **options):
    """Return exit code, standard output and error of the program in so many ranks; 0: no MPI."""
    line = [sys.executable, str(PROGRAM), json.dumps(options)]
    if count:
        line = [MPIEXEC, "-n", str(count), *line]
    extra = {  # Open MPI: more ranks than cores, and in a container
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe", "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "NPCNN_BACKEND": backend,
    }  # fmt: skip
    done = subprocess.run(
        line, cwd=folder, env=environment(**extra), capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def hashes(out):
    return re.findall(r"rank \d+ of \d+: ([0-9a-f]{64})", out)


@pytest.fixture(scope="module", params=["numpy", "numba"])
def alone(request):
    """Return a backend, and the hash of the run in one process, without MPI."""
    npcnn.use_backend(request.param)
    try:
        yield request.param, program.train(program.OPTIONS, DataParallel())[0]
    finally:
        npcnn.use_backend("numba")


# The sum ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shards", [1, 3, 8])
@pytest.mark.parametrize("empty", [(), (0,), (1, 2)])
def test_a_sum_has_the_same_bits_however_shards_are_shared_out(rng, shards, empty):
    leaves = {
        (s, s + 1): rng.normal(size=5).astype("float32") * 10.0 ** rng.integers(-4, 4)
        for s in range(shards)
        if s not in empty
    }
    if not leaves:
        return
    whole = tree.total((0, shards), leaves.get)
    np.testing.assert_allclose(whole, sum(leaves.values()), rtol=1e-4, atol=1e-3)
    for count in range(1, shards + 1):
        sums = {}
        for rank in range(count):
            cut = shards * rank // count, shards * (rank + 1) // count
            own = {node: a for node, a in leaves.items() if cut[0] <= node[0] < cut[1]}
            nodes = tree.roots((0, shards), *cut)
            assert sorted(s for node in nodes for s in range(*node)) == list(range(*cut))
            sums |= {node: a for node in nodes if (a := tree.total(node, own.get)) is not None}
        np.testing.assert_array_equal(tree.total((0, shards), sums.get), whole)


# One process ------------------------------------------------------------------------------------


def test_shards_learn_what_a_batch_learns(backend):
    """Where nothing is a shard's own, only rounding differs; a last batch is shorter than it."""
    options = program.OPTIONS | {"plain": True, "epochs": 3, "batch": 76}
    _, curves, model = program.train(options, DataParallel(shards=8))
    _, wanted, other = program.train(options, None)
    for name, curve in wanted.items():
        np.testing.assert_allclose(curves[name], curve, rtol=1e-4, err_msg=name)
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=2e-3, atol=2e-5)


def test_running_means_are_the_mean_of_the_shards():
    x = np.arange(12, dtype="float32").reshape(6, 2)
    model = npcnn.Sequential([npcnn.Input((2,)), npcnn.layers.BatchNormalization(momentum=0.5)])
    model.compile("sgd", "mse")
    model.fit(x, x, batch_size=6, verbose=0, shuffle=False, distribution=DataParallel(4))
    parts = [x[0:1], x[1:3], x[3:4], x[4:6]]
    mean = sum(len(p) / 6 * (0.5 * p.mean(axis=0)) for p in parts)
    variance = sum(len(p) / 6 * (0.5 + 0.5 * p.var(axis=0)) for p in parts)
    np.testing.assert_allclose(model.layers[-1].moving_mean, mean, rtol=1e-6)
    np.testing.assert_allclose(model.layers[-1].moving_variance, variance, rtol=1e-6)


class Played(npcnn.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        step = self.model.run.trainer
        self.played = [r.compiled.last.played for r in (step.repeated, step.moving)]


def test_a_shard_and_the_update_are_played(jit):
    npcnn.use_backend("numba")
    x, y = program.data()
    model, played = program.network(plain=False), Played()
    model.fit(
        x[:96], y[:96], batch_size=24, epochs=2, verbose=0, callbacks=[played],
        distribution=DataParallel(),
    )  # fmt: skip
    assert played.played == [True, True]


def test_a_checkpoint_records_the_shards(tmp_path):
    options = program.OPTIONS | {"checkpoint": str(tmp_path / "run.keras"), "resume": True}
    whole = program.train(options | {"checkpoint": None}, DataParallel())[0]
    program.train(options | {"epochs": 1}, DataParallel())
    assert program.train(options, DataParallel())[0] == whole
    with pytest.raises(ArgumentError, match="a checkpoint with shards 4, as here, got 8"):
        program.train(options, DataParallel(4))


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        ({"distribution": 8}, DtypeError, r"fit\(distribution\): expected a DataParallel"),
        ({"check_numerics": True}, ArgumentError, r"fit\(check_numerics\): expected False with"),
        ({"reduction": "sum"}, ArgumentError, "losses that are means over a batch"),
    ],
)
def test_wrong_use_is_one_line(arguments, kind, said):
    model = program.network(plain=True)
    reduction = arguments.pop("reduction", "mean")
    model.compile("sgd", npcnn.losses.SparseCategoricalCrossentropy(reduction=reduction))
    with pytest.raises(kind, match=said) as caught:
        model.fit(*program.data(), verbose=0, **{"distribution": DataParallel(), **arguments})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"shards": 0}, "shards"), ({"comm": 3}, "communicator"), ({"timeout": 0}, "timeout")],
)
def test_wrong_arguments_are_one_line(arguments, said):
    with pytest.raises(ArgumentError, match=said):
        DataParallel(**arguments)


def test_mpiexec_without_mpi4py_is_one_line(run_python):
    source = (
        "import sys\nsys.modules['mpi4py'] = None\nimport npcnn\n"
        "try:\n    npcnn.distribution.DataParallel()\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    said = run_python(source, PMI_SIZE="2")
    assert said.startswith("StateError DataParallel() under mpiexec: expected mpi4py, got")
    assert said.count("\n") == 1
    assert run_python(source.replace("\nexcept", "; print('alone')\nexcept")) == "alone\n"


# Several ----------------------------------------------------------------------------------------


@needs_mpi
@pytest.mark.parametrize("count", [2, 3])
def test_ranks_have_the_bits_of_one_process(tmp_path, alone, count):
    backend, wanted = alone
    code, out, error = ranks(count, tmp_path, backend, csv=True)
    assert code == 0, error
    assert hashes(out) == [wanted] * count
    assert out.count("Epoch 1/2") == 1
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


@needs_mpi
def test_a_killed_rank_ends_all_and_other_ranks_go_on(tmp_path):
    with npcnn.backend.using("numpy"):
        wanted = program.train(program.OPTIONS, DataParallel())[0]
    kept = {"checkpoint": "run.keras", "resume": True}
    start = time.monotonic()
    code, out, _ = ranks(3, tmp_path, die=[1, 7], **kept)
    assert code != 0
    assert time.monotonic() - start < ENDED_WITHIN + PATIENCE / 10  # to start takes its time, too
    assert hashes(out) == []
    code, out, error = ranks(2, tmp_path, **kept)
    assert code == 0, error
    assert "Resumed from run.keras: epoch 2 of 2" in out
    assert hashes(out) == [wanted] * 2


@needs_mpi
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stop": [1, 6], "timeout": 4.0}, r"rank 1 of 2 has not answered for 4 s"),
        ({"raise": [1, 6]}, r"rank 1 of 2 ended by ValueError: a callback's own"),
        (
            {"other": ["data", 1]},
            r"the same data and settings in all ranks, got other .* rank 1",
        ),
        ({"other": ["weights", 1]}, r"the same weights in all ranks, got other ones in rank 1"),
        ({"shards": 1}, r"ended by DataParallel\(shards\): expected a shard a rank, got 2 ranks"),
    ],
)
def test_what_goes_wrong_in_one_rank_ends_all_with_a_line(tmp_path, options, said):
    code, out, error = ranks(2, tmp_path, **options)
    assert code != 0
    assert hashes(out) == []
    lines = [line for line in error.splitlines() if line.startswith("npcnn: ")]
    assert lines, error  # if all have the error, on a busy machine a second one may say so too
    assert all(re.search(said + ".*; all ranks end$", line) for line in lines)
