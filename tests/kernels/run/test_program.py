"""A program plays a step's kernel calls, to the same bits, or says why it does not."""

import copy
import threading
import weakref

import numpy as np
import pytest
from op_steps import CONV, numbers, steps
from update_steps import FLAT

import npcnn
from npcnn import kernels as k
from npcnn.garbage import no_collection
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.program import PROOFS, Program, Programs

pytestmark = pytest.mark.usefixtures("jit")

SHAPES = [(9, 8, 6, 3), (20, 16, 16, 8), (1, 5, 4, 2)]
UNTIL_PLAYED = 1 + PROOFS


def test_all_ops_are_tried():
    """gather, sgd and count are in the test of what changes from step to step."""
    tried = {*steps(SHAPES[0], "float32")[0], "gather", "sgd", "count"} - {"no bias"}
    assert tried == set(k.__all__)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_op_is_played_to_the_same_bits(shape, dtype):
    table, known = steps(shape, dtype)
    for name, (step, shapes) in table.items():
        programs = Programs(step, state=known)
        for seed in range(UNTIL_PLAYED + 2):
            arrays = [layout.own_copy(a) for a in numbers(seed, *shapes, dtype=dtype)]
            arrays = [np.abs(a) if shapes[0] == FLAT else a for a in arrays]
            got = programs(*(a.copy(order="K") for a in arrays))
            want = step(*arrays)
            for one, other in zip(got, want, strict=True):
                np.testing.assert_array_equal(one, other, err_msg=name)
        assert programs.last.played, (name, programs.last.reason)


def test_what_changes_from_step_to_step_is_a_number_in_an_array():
    """A batch's samples, dropout's step, a learning rate."""
    data = np.arange(24, dtype=np.uint8).reshape(12, 2)
    clock, rate = np.zeros((), np.int64), np.ones(1, "float32")
    parameters = np.zeros(4, "float32")

    def step(chosen):
        x = k.dropout(k.gather(data, chosen, np.dtype("float32")), 0.5, 3, (4, 2), clock)
        flat = k.flatten_backward(k.flatten(x), x.shape)
        k.sgd(parameters, parameters, parameters, rate, 0.0, False)
        k.count(clock)
        return (flat,)

    programs = Programs(step, [parameters, clock], [data, rate])
    for number in range(8):
        chosen = np.array([number, 2, 3, 11 - number])
        rate[0], parameters[:] = number, 1
        x = k.gather(data, chosen, np.dtype("float32"))
        (got,) = programs(chosen)
        want = k.dropout(x, 0.5, 3, (4, 2), np.array(number, np.int64))
        np.testing.assert_array_equal(got, want)
        assert parameters.tolist() == [1 - number] * 4
        assert clock == number + 1
    assert programs.last.played


def relu(x):
    return k.relu(x, 0.0, None, 0.0)


CALLS = []


def counting(x):
    CALLS.append(1)
    return (relu(x),)


CLOCK = np.zeros(1)


def ticking(x):
    CLOCK[0] += 1
    return (k.rescale(x, float(CLOCK[0]), 0.0, x.dtype),)


def clipping(x):
    y = relu(x)
    y[y > 1e6] = 0  # never true: only that it is written to shows
    return (y,)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (lambda x: (relu(x * 2),), "relu was given an array that no op made"),
        (lambda x: (relu(x) * 2,), "what comes out was not made by an op"),
        (lambda x: (relu(np.array(x)),), "relu was given an array that no op made"),
        (lambda x: (k.rescale(x, float(x.max()), 0.0, x.dtype),), "number that Python reads"),
        (lambda x: (k.relu(x, 0.0, float(np.asarray(x).mean()) + 9, 0.0),), "number that Python"),
        (lambda x: (relu(x) if x[0, 0] > 0 else k.tanh(x),), "number that Python reads"),
        (ticking, "number that Python reads"),
        (clipping, "writes into an op's result"),
    ],
)
def test_what_numpy_does_is_found_and_the_step_run_as_it_is(step, reason):
    programs = Programs(step)
    for seed in range(UNTIL_PLAYED + 3):
        (x,) = numbers(seed, (6, 4))
        CLOCK[0] = seed
        (got,) = programs(x.copy())
        CLOCK[0] = seed
        np.testing.assert_array_equal(got, step(x)[0])
    assert reason in programs.last.reason
    assert str(programs).startswith("not replayed: ")
    assert "\n" not in str(programs)


def test_state_is_put_back_where_a_step_is_not_played():
    """It is run once a step, whatever is tried on the way."""
    total = np.zeros(3)

    def step(x):
        np.add(total, x[0], out=total)
        return (relu(x),)

    programs, want = Programs(step, state=[total]), np.zeros(3)
    for seed in range(6):
        (x,) = numbers(seed, (2, 3), dtype="float64")
        programs(x)
        want += x[0]
        np.testing.assert_array_equal(total, want)
    assert "other bits" in programs.last.reason


def test_what_another_thread_learns_meanwhile_is_kept(monkeypatch):
    """A step that learns nothing puts nothing back; it is proved when nobody learns."""
    weights = np.ones(4, "float32")
    programs = Programs(lambda x: (k.add(x, weights),), [weights], learns=False)
    play, learning = Program._play, True

    def played(program, early=None):
        play(program)
        if learning:
            weights[...] += 1

    monkeypatch.setattr(Program, "_play", played)
    (x,) = numbers(0, (4,))
    for _ in range(4):
        programs(x)
    assert weights.tolist() == [4] * 4
    learning = False
    for _ in range(UNTIL_PLAYED):
        np.testing.assert_array_equal(programs(x)[0], x + weights)
    assert programs.last.played


class Seen:
    """Notes what is in some arrays of a step, and in another one, when it is called early."""

    def __init__(self, arrays, other):
        self.arrays, self.other, self.found = arrays, other, []

    def call(self):
        self.found.append([array.copy() for array in [*self.arrays, self.other]])


def test_what_nothing_touches_any_more_is_final_before_the_rest_is_played():
    """The third op reads and writes a stretch that begins before the early arrays, or after."""
    vector, own = np.zeros(12, "float32"), np.ones(4, "float32")

    def learn(x):
        for part in (vector[4:8], vector[:4], vector[reach : reach + 4]):
            k.weight_decay(part, x)  # part −= x · part
        return (k.add(x, x),)

    for reach, final, row in ((0, (4, 8), 1), (2, (4, 8), 3), (4, (4, 8), 3), (8, (4, 8), 1),
                              (1, (4, 12), 3), (0, (4, 12), 1), (0, (9, 12), 0)):  # fmt: skip
        vector[:] = 1
        programs = Programs(learn, [vector, own])
        seen = Seen([vector[slice(*final)]], vector[reach : reach + 4])
        (x,) = numbers(1, (1,))
        for _ in range(UNTIL_PLAYED):
            programs.in_two(seen, x)
        assert seen.found == []
        before = vector.copy()
        programs.in_two(seen, x)
        ((early, other),) = seen.found
        np.testing.assert_array_equal(early, vector[slice(*final)])
        assert programs.last.notes.last_with(seen.arrays) == row
        if not row:
            np.testing.assert_array_equal(other, before[reach : reach + 4])


def test_the_table_of_a_step():
    (x, w), bias = numbers(0, (4, 8, 8, 2), (3, 3, 2, 5)), np.zeros(5, "float32")

    class Layer:
        name = "conv2d_7"

        def forward(self, x):
            return k.conv2d(x, w, bias, *CONV)

    layer = Layer()
    programs = Programs(lambda x: (relu(layer.forward(x)),), known=[w, bias])
    assert str(programs) == "nothing has been run yet"
    for _ in range(UNTIL_PLAYED):
        programs(x)
    lines = str(programs).splitlines()
    assert [line.split()[0] for line in lines] == ["op", "conv2d", "relu", "2"]
    assert lines[1].split()[1] == "conv2d_7"
    assert "4×8×8×2 → 4×8×8×5" in lines[1]
    flops = 2 * 4 * 8 * 8 * 5 * 3 * 3 * 2
    assert programs.last.calls[0].flops == flops
    assert lines[-1].startswith(f"2 calls, {flops / 1e9:.4f} GFLOP, ")


def test_what_comes_back_is_the_callers():
    programs = Programs(lambda x: (relu(x),))
    kept = [programs(np.full((3, 20_000), seed, "float32"))[0] for seed in range(1, 8)]
    assert [float(array.mean()) for array in kept] == [1, 2, 3, 4, 5, 6, 7]
    assert programs.last.played


def test_each_shape_has_a_program_and_the_oldest_are_dropped():
    programs = Programs(lambda x: (relu(x),))
    for rows in (*range(2, 12), 11):
        (x,) = numbers(0, (rows, 3))
        np.testing.assert_array_equal(programs(x)[0], np.maximum(x, 0))
    assert len(programs.own.programs) == 6


def test_a_second_thread_and_a_copy_have_programs_of_their_own():
    programs, found = Programs(lambda x: (relu(x),)), []
    (x,) = numbers(0, (3, 4))
    for _ in range(4):
        programs(x)
    other = threading.Thread(target=lambda: found.append((programs(x)[0], programs.last.steps)))
    other.start()
    other.join()
    np.testing.assert_array_equal(found[0][0], np.maximum(x, 0))
    assert found[0][1] == 1
    assert programs.last.played
    assert copy.deepcopy(programs) is None


def test_a_step_made_in_the_midst_of_another_disturbs_nothing():
    (x,) = numbers(0, (3, 4))
    inner = []

    def step(x):
        if not inner and programs.last.steps == UNTIL_PLAYED:
            inner.append(None)
            inner[0] = programs(x + 1)[0]
        return (relu(x),)

    programs = Programs(step)
    for _ in range(UNTIL_PLAYED + 1):
        np.testing.assert_array_equal(programs(x)[0], np.maximum(x, 0))
    np.testing.assert_array_equal(inner[0], np.maximum(x + 1, 0))


def test_an_error_in_a_step_leaves_the_next_one_sound():
    fails = []

    def step(x):
        if fails:
            raise KeyError("a layer's own")
        return (relu(x),)

    programs, (x,) = Programs(step), numbers(0, (3, 4))
    programs(x)
    fails.append(1)
    with pytest.raises(KeyError):
        programs(x)
    fails.clear()
    for _ in range(4):
        np.testing.assert_array_equal(programs(x)[0], np.maximum(x, 0))
    assert programs.last.played


def test_memory_goes_with_the_program():
    programs = Programs(lambda x: (relu(x),))
    (x,) = numbers(0, (300, 400))
    for _ in range(4):
        programs(x)
    owner = weakref.ref(next(iter(programs.last.notes.arena.blocks.values()))[0][0])
    with no_collection():  # nothing waits for it
        del programs
        assert owner() is None


def test_a_models_programs_go_with_their_runs():
    """Of many runs, the last one's program alone keeps memory, for `print(model.program)`."""
    x, y = numbers(0, (6, 8, 8, 1))[0], np.eye(3, dtype="float32")[[0, 1, 2, 0, 1, 2]]
    model = npcnn.Sequential([npcnn.layers.Flatten(), npcnn.layers.Dense(3, "softmax")])
    model.compile("sgd", "categorical_crossentropy")
    owners = []
    with no_collection():
        for _ in range(3):
            model.fit(x, y, batch_size=1, verbose=0, validation_data=(x, y))
            owners.append(weakref.ref(model.program.last))
            model.evaluate(x, y, batch_size=1, verbose=0)
            owners.append(weakref.ref(model.program.last))
            model.predict(x, batch_size=1, verbose=0)
            owners.append(weakref.ref(model.program.last))
            assert owners[-1]().played
        assert [owner() is None for owner in owners] == [True] * 8 + [False]


@pytest.mark.parametrize("times", [1, 40])
def test_a_step_that_would_keep_much_memory_is_not_played(times, monkeypatch):
    """Nor is all that memory taken to find out."""
    monkeypatch.setattr(memory, "LARGEST", 1 << 26)

    def step(x):
        kept = [relu(x) for _ in range(times)]
        return (relu(kept[-1]),)

    programs = Programs(step)
    x = np.ones((3, (1 << 23) // times), "float32")
    for _ in range(3):
        (y,) = programs(x)
        np.testing.assert_array_equal(y, x)
    assert "it would keep" in programs.last.reason
    assert programs.last.notes is None
    assert not programs.last.inputs


def test_memory_that_nobody_asks_for_any_more_is_the_next_ops():
    def step(x):
        for _ in range(12):
            x = relu(x)
        return (x,)

    programs = Programs(step)
    x = np.ones((3, 100_000), "float32")
    for _ in range(4):
        (y,) = programs(x)
        np.testing.assert_array_equal(y, x)
    assert programs.last.played
    assert sum(size > x.nbytes / 2 for size in _sizes(programs.last.notes.arena)) == 2


def _sizes(arena):
    return [owner.size for owner, _ in arena.owners()]


def test_memory_that_a_program_may_not_have_comes_from_where_it_always_does(monkeypatch):
    monkeypatch.setattr(memory, "LARGEST", 1 << 26)
    arena = memory.Arena([])
    with memory.taken_from(arena):
        arrays = [memory.empty((1 << 20,), np.dtype("float32")) for _ in range(40)]
    assert arena.full
    assert memory.LARGEST < arena.bytes <= memory.LARGEST + (1 << 22)
    assert not arena.holds(arrays[-1].ctypes.data)
