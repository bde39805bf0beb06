"""One model in several processes: the same bits, however many there are."""

import re
import sys
import time
import types

import distributed_program as program
import numpy as np
import pytest
from mpi import needs_mpi, ranks
from runs import PATIENCE, ROOT

import npcnn
from npcnn.affine import Ranges
from npcnn.backend import ops
from npcnn.checks import ArgumentError, DtypeError, StateError
from npcnn.data import Batches
from npcnn.distribution import DataParallel, tree, wire
from npcnn.distribution.data_parallel import DIGEST, LARGE
from npcnn.distribution.ranks import SIZES, Ranks
from npcnn.random import clock

PROGRAM = ROOT / "tests/distributed_program.py"
ENDED_WITHIN = 30  # seconds


def hashes(out):
    return re.findall(r"rank \d+ of \d+: ([0-9a-f ]{64,})", out)


@pytest.fixture(scope="module", params=["numpy", "numba"])
def alone(request):
    """Return a backend, and the hashes of the runs in one process, without MPI."""
    npcnn.use_backend(request.param)
    try:
        yield request.param, hashes(program.all_of(program.OPTIONS))[0]
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

    def same(part):
        return part

    whole = tree.total((0, shards), leaves.get, same)
    np.testing.assert_allclose(whole, sum(leaves.values()), rtol=1e-4, atol=1e-3)
    for count in range(1, shards + 1):
        sums = {}
        for rank in range(count):
            cut = shards * rank // count, shards * (rank + 1) // count
            own = {node: a for node, a in leaves.items() if cut[0] <= node[0] < cut[1]}
            nodes = tree.roots((0, shards), *cut)
            assert sorted(s for node in nodes for s in range(*node)) == list(range(*cut))
            sums |= {
                node: a for node in nodes if (a := tree.total(node, own.get, same)) is not None
            }
        np.testing.assert_array_equal(tree.total((0, shards), sums.get, same), whole)


# One process ------------------------------------------------------------------------------------


def test_shards_learn_what_a_batch_learns(backend):
    """What is drawn, and statistics, are the batch's: only rounding differs. One has 4 samples."""
    options = program.OPTIONS | {"synchronized": True, "epochs": 3, "batch": 76}
    _, curves, model = program.train(options, DataParallel(shards=8))
    _, wanted, other = program.train(options, None)
    for name, curve in wanted.items():
        np.testing.assert_allclose(curves[name], curve, rtol=1e-4, err_msg=name)
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=2e-3, atol=2e-5)


CLOCKED = {
    "dropout": lambda x, clock: ops.dropout(x, 0.5, 7, (None, *x.shape[1:]), clock),
    "dropout of channels": lambda x, clock: ops.dropout(x, 0.5, 7, (None, 1, 1, 3), clock),
    "dropout shared by the batch": lambda x, clock: ops.dropout(x, 0.5, 7, (1, 5, 6, 3), clock),
    "noise": lambda x, clock: ops.random_normal(x, 0.0, 1.0, 7, clock),
    "warp": lambda x, clock: ops.random_affine(x, 7, RANGES, (4, 5), clock),
    "colour": lambda x, clock: ops.random_color(x, 7, (0.5, 1.5, -0.2, 0.2, 0.0, 1.0), clock),
    "erasing": lambda x, clock: ops.erase(x, 7, (0.5, 0.9), (0.1, 0.3), 0.0, clock),
    "elastic": lambda x, clock: ops.elastic_field(x, 7, 1.0, 2, clock),
    "blurred noise": lambda x, clock: ops.gaussian_field(x, 7, (0.5, 0.9), (0.5, 1), clock),
}
RANGES = Ranges((-1, 1), shift=((-1, 1), (-1, 1)), flip=(0.5, 0.5), places=(3, 2))


@pytest.mark.parametrize("name", CLOCKED)
def test_what_is_drawn_for_a_part_is_that_of_the_batch(backend, rng, name):
    x, draw = rng.uniform(0.1, 1, (11, 5, 6, 3)).astype("float32"), CLOCKED[name]
    whole = draw(x, clock(5, 0))
    for start, stop in ((0, 4), (4, 5), (5, 11)):
        np.testing.assert_array_equal(draw(x[start:stop], clock(5, start)), whole[start:stop])
    for other in (clock(5, 4), clock(6, 0)):  # neither place nor step is left out
        same = np.array_equal(draw(x[:4], other), whole[:4])
        assert same == (name == "dropout shared by the batch" and other == clock(5, 4))


def test_a_place_in_a_batch_has_a_limit():
    with pytest.raises(ArgumentError, match="batch_size: expected below 8388608"):
        clock(0, 1 << 23)


def test_bfloat16_is_the_nearest_one(rng):
    """A bfloat16 is a float32 with 16 bits of zeros; at a tie the last bit kept is 0."""
    x = (rng.normal(size=200) * 10.0 ** rng.integers(-36, 38, 200)).astype("float32")
    ties = ((rng.integers(0, 0x7F7F, 50) << 16) + 0x8000).astype("uint32").view("float32")
    found = wire.from_bfloat16(wire.to_bfloat16(np.r_[x, ties]), "float64")
    for wide, near in zip(np.r_[x, ties].astype("float64"), found, strict=True):
        upper = np.float32(near).view(np.uint32) >> 16
        beside = np.array([upper - 1, upper + 1], np.uint32) << 16
        apart = abs(beside.view("float32").astype("float64") - wide)
        assert abs(near - wide) < apart.min() or (abs(near - wide) == apart.min() and not upper % 2)
    odd = wire.from_bfloat16(wire.to_bfloat16(np.array([np.inf, -np.inf, np.nan, 3.4e38])), "f4")
    np.testing.assert_array_equal(odd, np.array([np.inf, -np.inf, np.nan, np.inf], "f4"))


@pytest.mark.parametrize("short", [False, True])
def test_parts_of_a_vector_arrive_as_they_were(rng, short):
    form = wire.Wire(5, "float32", short)
    vector = form.round(rng.normal(size=9).astype("float32"))
    assert form.length(0, 9) == (2 if short else 4) * 5 + 4 * 4
    for start, stop in ((0, 3), (3, 7), (5, 9), (6, 9), (4, 4)):
        sent = np.concatenate(list(form.bytes_of(vector, start, stop)))
        assert len(sent) == form.length(start, stop)
        np.testing.assert_array_equal(form.read(sent, start, stop), vector[start:stop])


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
    model, played = program.network(synchronized=False), Played()
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
    with pytest.raises(ArgumentError, match="a checkpoint with gradients 'bfloat16', as here"):
        program.train(options, DataParallel(gradients="bfloat16"))


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        ({"distribution": 8}, DtypeError, r"fit\(distribution\): expected a DataParallel"),
        ({"check_numerics": True}, ArgumentError, r"fit\(check_numerics\): expected False with"),
        ({"reduction": "sum"}, ArgumentError, "losses that are means over a batch"),
    ],
)
def test_wrong_use_is_one_line(arguments, kind, said):
    model = program.network(synchronized=False)
    reduction = arguments.pop("reduction", "mean")
    model.compile("sgd", npcnn.losses.SparseCategoricalCrossentropy(reduction=reduction))
    with pytest.raises(kind, match=said) as caught:
        model.fit(*program.data(), verbose=0, **{"distribution": DataParallel(), **arguments})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"shards": 0}, "shards"),
        ({"comm": 3}, "communicator"),
        ({"timeout": 0}, "timeout"),
        ({"gradients": "float16"}, "gradients"),
    ],
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


def as_module(monkeypatch, **names):
    """Let mpi4py be a module with these names."""
    monkeypatch.setitem(sys.modules, "mpi4py", types.SimpleNamespace())
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", types.SimpleNamespace(**names))


@pytest.mark.parametrize("name", SIZES)
def test_the_mpiexec_of_another_mpi_is_one_line(monkeypatch, name):
    as_module(monkeypatch, COMM_WORLD=types.SimpleNamespace(Get_size=lambda: 1))
    monkeypatch.setenv(name, "2")
    with pytest.raises(StateError) as caught:
        DataParallel()
    assert str(caught.value) == (
        "DataParallel(): expected 2 ranks, got one rank: mpiexec and mpi4py are of different MPIs; "
        "start it with the mpiexec of the MPI that mpi4py is of."
    )


class Two:
    """Rank 0 of two, of which the other says the same as it, but for one thing."""

    rank, size = 0, 2

    def __init__(self, place):
        self.place = place

    def exchange(self, sent, received, patience=1.0):
        received[1][:] = sent[1]
        received[1][self.place * DIGEST] ^= 1

    def end(self, line):
        raise SystemExit(line)


ALIKE = ["npcnn's version", "backend and network", "data and settings", "overlap", "epochs",
         "seed", "weights"]  # fmt: skip


@pytest.mark.parametrize("name", ALIKE)
def test_what_is_to_be_alike_in_all_ranks_is_named(name):
    strategy, (x, y) = DataParallel(), program.data()
    strategy.ranks, strategy.size = Two(ALIKE.index(name)), 2
    with pytest.raises(SystemExit) as caught:
        program.network(synchronized=False).fit(x, y, verbose=0, distribution=strategy)
    assert str(caught.value) == (
        f"fit(distribution): expected the same {name} in all ranks, got other ones in rank 1; "
        "set_random_seed(…) first, and do the same in all."
    )


@pytest.mark.parametrize(
    ("level", "neighbours", "overlap", "early"),
    [
        (3, 2, None, LARGE), (3, 4, None, None), (3, 4, True, 0), (3, 2, False, None),
        (2, 2, True, None),
    ],
)  # fmt: skip
def test_gradients_go_early_where_that_can_gain(monkeypatch, level, neighbours, overlap, early):
    """With MPI for several threads, on several machines, or where it is asked for."""
    as_module(monkeypatch, Query_thread=lambda: level, THREAD_MULTIPLE=3)
    monkeypatch.setattr(Ranks, "neighbours", lambda ranks: neighbours)
    monkeypatch.setattr("npcnn.threads.share_out", lambda count: None)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    places = {"Get_rank": 0, "Get_size": 4, "Isend": None, "Irecv": None}
    comm = types.SimpleNamespace(**{k: lambda v=v: v for k, v in places.items()})
    strategy = DataParallel(comm=comm, overlap=overlap)
    x, y = program.data()
    sharded = strategy.train_on(
        program.network(synchronized=False), Batches([x], [y], [None], 9, "f4")
    )
    assert sharded.early == early
    sharded.model.build()
    sharded.current()
    assert (sharded.aside is not None) == (early == 0)  # a megabyte it has not
    if sharded.aside is not None:  # the dense layer's 304 of 340, and the running statistics
        assert sharded.stretch.size == 36
        assert sharded.aside.stretch.size == 304 + 6
        assert sharded.aside.stretch.ranks.tag == 1


# Several ----------------------------------------------------------------------------------------


@needs_mpi
def test_ranks_have_the_bits_of_one_process(tmp_path, alone):
    backend, wanted = alone
    played = backend == "numba"
    if played:
        from npcnn.kernels.run.compile import JIT as played  # noqa: N811
    count = {"numpy": 3, "numba": 2}[backend]
    code, out, error = ranks(PROGRAM, count, tmp_path, backend, csv=True)
    assert code == 0, error
    assert hashes(out) == [wanted] * count
    assert out.count("Epoch 1/2") == 3  # a line a run
    early = list(map(int, re.findall(r"early: (\d+)", out)))
    assert len(early) == count
    assert all(early) == played  # it was sent before the rest was played
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


@needs_mpi
@pytest.mark.parametrize(("kind", "first", "later"), [(1, 3, [2]), (3, 4, [2, 3])])
def test_a_killed_rank_ends_all_and_other_ranks_go_on(tmp_path, kind, first, later):
    with npcnn.backend.using("numpy"):
        wanted = hashes(program.all_of(program.OPTIONS | {"kinds": [kind]}))[0]
    kept = {"checkpoint": "run.keras", "resume": True, "kinds": [kind]}
    start = time.monotonic()
    code, out, _ = ranks(PROGRAM, first, tmp_path, die=[1, 7], **kept)
    assert code != 0
    assert time.monotonic() - start < ENDED_WITHIN + PATIENCE / 10  # to start takes its time, too
    assert hashes(out) == []
    saved = (tmp_path / "run.keras").read_bytes()
    for count in later:
        (tmp_path / "run.keras").write_bytes(saved)
        code, out, error = ranks(PROGRAM, count, tmp_path, **kept)
        assert code == 0, error
        assert "Resumed from run.keras: epoch 2 of 2" in out
        assert hashes(out) == [wanted] * count


@needs_mpi
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stop": [1, 6]}, r"rank 1 of 2 has not answered for 1 s"),
        ({"stop": [1, 6], "overlap": True}, r"rank 1 of 2 has not answered for 1 s"),
        ({"raise": [1, 6]}, r"rank 1 of 2 ended by ValueError: a callback's own"),
        (
            {"other": ["data", 1]},
            r"the same data and settings in all ranks, got other .* rank 1",
        ),
        ({"other": ["version", 1]}, r"the same npcnn's version in all ranks, got .* rank 1"),
        ({"other": ["network", 1]}, r"the same backend and network in all ranks, got .* rank 1"),
        ({"other": ["weights", 1]}, r"the same weights in all ranks, got other ones in rank 1"),
        ({"shards": 1}, r"ended by DataParallel\(shards\): expected a shard a rank, got 2 ranks"),
    ],
)
def test_what_goes_wrong_in_one_rank_ends_all_with_a_line(tmp_path, options, said):
    code, out, error = ranks(PROGRAM, 2, tmp_path, **options)
    assert code != 0
    assert hashes(out) == []
    lines = [line for line in error.splitlines() if line.startswith("npcnn: ")]
    assert lines, error  # if all have the error, on a busy machine a second one may say so too
    assert all(re.search(said + ".*; all ranks end$", line) for line in lines)
