"""A tape makes again the calls that were made while it ran, on what is in the arrays then."""

import gc
import threading
import weakref

import numpy as np
import pytest

from npcnn import kernels
from npcnn.kernels import layout, memory, tape
from npcnn.kernels.compile import JIT

SMALL, LARGE = (9, 8, 6, 3), (20, 16, 16, 8)
CONV, POOL = ((1, 1), "same", (1, 1), "relu"), ((2, 2), (2, 2), "same")


def block(rng, shape, dtype="float32"):
    """Return numbers that lie in memory as the kernels' own results do."""
    return tape.own_copy(rng.normal(size=shape).astype(dtype))


def refill(arrays, seed):
    """Write other numbers: positive ones in vectors, both kinds where there are more axes."""
    rng = np.random.default_rng(seed)
    for array in arrays:
        array[...] = rng.random(array.shape) - 0.3 * (array.ndim > 1)


def also(op, written, *arguments):
    """Return all that an op gives: what it returns, and what it writes to."""
    return op(*arguments), *written


def operations(shape, dtype):
    """Return name → (what calls the op, the arrays that go in), lying as the kernels want them."""
    k, rng = kernels, np.random.default_rng(0)
    x, y = block(rng, shape, dtype), block(rng, shape, dtype)
    pooled = block(rng, (shape[0], shape[1] // 2, shape[2] // 2, shape[3]), dtype)
    rows, outputs = block(rng, (shape[0], 12), dtype), block(rng, (shape[0], 5), dtype)
    kernel, matrix = np.ones((3, 3, shape[-1], shape[-1]), dtype), np.ones((12, 5), dtype)
    bias, weights = np.ones(shape[-1], dtype), np.ones(shape[0], dtype)
    grads = [np.ones_like(kernel), np.ones_like(bias)]
    units = [np.ones_like(matrix), np.ones(5, dtype)]
    flat = list(np.ones((4, 99), dtype))
    loss, image = [outputs, weights], [x, kernel, bias]
    return {
        "conv2d": (lambda: k.conv2d(*image, *CONV), image),
        "strided": (lambda: k.conv2d(x, kernel, None, (2, 1), "valid", (1, 1), "linear"), image),
        "dilated": (lambda: k.conv2d(x, kernel, bias, (1, 1), "same", (2, 1), "linear"), image),
        "conv2d_backward": (
            lambda: also(k.conv2d_backward, grads, y, x, y, kernel, *grads, *CONV), [*image, y],
        ),
        "dense": (lambda: k.dense(rows, matrix, None, "relu"), [rows, matrix]),
        "dense_backward": (
            lambda: also(k.dense_backward, units, outputs, rows, outputs, matrix, *units, "relu"),
            [outputs, rows, matrix],
        ),
        "max_pooling2d": (lambda: k.max_pooling2d(x, *POOL), [x]),
        "overlapping": (lambda: k.max_pooling2d(x, (3, 2), (1, 1), "valid"), [x]),
        "max_pooling2d_backward": (
            lambda: k.max_pooling2d_backward(pooled, x, k.max_pooling2d(x, *POOL), *POOL),
            [x, pooled],
        ),
        "relu": (lambda: k.relu(x, 0.1, 0.5, 0.2), [x]),
        "relu_backward": (lambda: k.relu_backward(y, x, 0.1, 0.5, 0.2), [x, y]),
        "sigmoid": (lambda: k.sigmoid(x), [x]),
        "sigmoid_backward": (lambda: k.sigmoid_backward(y, x), [x, y]),
        "tanh": (lambda: k.tanh(x), [x]),
        "tanh_backward": (lambda: k.tanh_backward(y, x), [x, y]),
        "softmax": (lambda: k.softmax(x), [x]),
        "softmax_backward": (lambda: k.softmax_backward(y, x), [x, y]),
        "flatten": (lambda: k.flatten(x), [x]),
        "flatten_backward": (lambda: k.flatten_backward(k.flatten(x), x.shape), [x]),
        "dropout": (lambda: k.dropout(x, 0.5, 7, x.shape), [x]),
        "dropout_backward": (lambda: k.dropout_backward(x, 0.5, 7, (1, *x.shape[1:])), [x]),
        "categorical_crossentropy": (
            lambda: k.categorical_crossentropy(outputs, outputs, weights), loss,
        ),
        "categorical_crossentropy_from_logits": (
            lambda: k.categorical_crossentropy_from_logits(outputs, outputs, weights), loss,
        ),
        "adam": (lambda: also(k.adam, flat, *flat, 0.1, 0.9, 0.99, 1e-7), flat),
        "sgd": (lambda: also(k.sgd, flat, *flat[:3], 0.1, 0.9, True), flat),
        "gather": (lambda: k.gather(weights, np.arange(3), x.dtype), [weights]),
    }  # fmt: skip


NAMES = sorted(operations(SMALL, "float32"))


def parts(result):
    result = result if isinstance(result, tuple) else (result,)
    return [part.tobytes() for part in result if part is not None]


def test_every_op_is_among_them():
    assert set(kernels.__all__) <= set(NAMES)


@pytest.mark.usefixtures("jit")
@pytest.mark.parametrize("shape", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_an_op_is_made_again_or_said_not_to_be(name, dtype, shape):
    op, arrays = operations(shape, dtype)[name]
    wanted = []
    for seed in (1, 2):
        refill(arrays, seed)
        wanted.append(parts(op()))
    assert wanted[0] != wanted[1]
    refill(arrays, 1)
    result, taped = tape.record(op)
    assert parts(result) == wanted[0]
    assert taped.complete or name == "gather"
    refill(arrays, 3)
    op()
    for seed in (2, 1, 2):
        refill(arrays, seed)
        taped.play()
        assert parts(result) == wanted[seed - 1] or not taped.complete


def chain(x, kernel, matrix):
    """Go through several ops whose results take each other's memory."""
    y = x
    for _ in range(4):
        y = kernels.tanh(kernels.conv2d(y, kernel, None, *CONV))
    flat = kernels.flatten(kernels.max_pooling2d(y, *POOL))
    return kernels.softmax(kernels.dense(flat, matrix, None, "linear"))


def chain_arrays(seed, shape=LARGE):
    rng = np.random.default_rng(seed)
    return [
        block(rng, shape), rng.normal(size=(3, 3, 8, 8)).astype("float32"),
        rng.normal(size=(512, 10)).astype("float32"),
    ]  # fmt: skip


@pytest.mark.usefixtures("jit")
def test_a_chain_is_made_again_in_its_own_memory():
    arrays = chain_arrays(0)
    result, taped = tape.record(lambda: chain(*arrays))
    assert taped.complete
    assert len(taped.rows) == 4 * 2 + 4
    assert sum(map(len, taped.blocks.values())) < 6
    for seed in (1, 2):
        for own, array in zip(arrays, chain_arrays(seed), strict=True):
            own[...] = array
        taped.play()
        np.testing.assert_array_equal(result, chain(*chain_arrays(seed)))


@pytest.mark.usefixtures("jit")
def test_arrays_live_as_long_as_the_tape():
    wanted = chain(*chain_arrays(0))
    result, taped = tape.record(lambda: chain(*chain_arrays(0)))
    memory.forget()
    gc.collect()
    busy = [np.full(size, np.nan, "float32") for size in (10, 5120, 40_000) for _ in range(20)]
    result[...] = 0
    taped.play()
    np.testing.assert_array_equal(result, wanted)
    assert all(np.isnan(array).all() for array in busy)


@pytest.mark.usefixtures("jit")
def test_scratch_memory_may_grow_and_be_forgotten():
    arrays, large = chain_arrays(0), chain_arrays(1, (70, 16, 16, 8))
    result, taped = tape.record(lambda: chain(*arrays))
    wanted, wanted_large = result.copy(), chain(*large)
    for disturb in (lambda: None, memory.forget, lambda: chain(*large)):
        disturb()
        result[...] = 0
        taped.play()
        np.testing.assert_array_equal(result, wanted)
        np.testing.assert_array_equal(chain(*large), wanted_large)


def test_memory_of_a_tape_is_handed_to_nobody_else(rng):
    x = block(rng, LARGE)
    result, taped = tape.record(lambda: kernels.tanh(kernels.tanh(x)))
    owners = [owner for same in taped.blocks.values() for owner, _ in same]
    assert len(owners) == 2
    assert taped.bytes >= 2 * x.nbytes
    assert any(np.shares_memory(result, owner) for owner in owners)
    del result
    others = [memory.empty(LARGE, np.dtype("float32")) for _ in range(5)]
    others += [tape.record(lambda: kernels.tanh(x))[0] for _ in range(2)]
    assert not any(np.shares_memory(owner, other) for owner in owners for other in others)
    ends = [weakref.ref(owner) for owner in owners]
    del owners, taped
    assert [end() for end in ends] == [None, None]


def test_small_arrays_are_no_blocks(rng):
    x = block(rng, SMALL)
    _, taped = tape.record(lambda: kernels.tanh(x))
    assert (taped.bytes, taped.blocks) == (0, {})


def test_an_exception_leaves_no_tape_and_the_pool_as_it_was(rng):
    x = block(rng, LARGE)
    memory.forget()
    place = kernels.tanh(x).ctypes.data
    kept, size = memory._kept.blocks, memory._kept.bytes

    def fail():
        kernels.tanh(kernels.tanh(x))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tape.record(fail)
    assert tape.running() is None
    assert memory._kept.blocks is kept
    assert (memory._kept.bytes, memory._kept.for_good) == (size, False)
    assert [len(same) for same in kept.values()] == [1]
    assert kernels.tanh(x).ctypes.data == place


def test_other_threads_are_not_noted(rng):
    x, seen = block(rng, LARGE), []

    def other():
        seen.append(tape.running())
        seen.append(kernels.tanh(x))
        tape.cannot_replay()

    def function():
        assert tape.running() is not None
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        return kernels.tanh(x)

    result, taped = tape.record(function)
    assert seen[0] is None
    np.testing.assert_array_equal(seen[1], result)
    assert not memory.belongs(seen[1], taped.blocks)
    assert (len(taped.rows), taped.complete) == (int(JIT), JIT)


@pytest.mark.usefixtures("jit")
def test_dropout_keys(rng):
    x, last = block(rng, SMALL), 2**64 - 1
    keys = [7, 8, 7]
    results, taped = tape.record(lambda: [kernels.dropout(x, 0.5, key, x.shape) for key in keys])
    for noted, key, wanted in [
        (7, last, [last, 8, last]),
        (8, 0, [last, 0, last]),
        (9, 1, [last, 0, last]),
        (7, 7, [7, 0, 7]),
    ]:
        taped.set_key(noted, key)
        taped.play()
        for result, own in zip(results, wanted, strict=True):
            np.testing.assert_array_equal(result, kernels.dropout(x, 0.5, own, x.shape))


@pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 3, 2), (5, 4, 3, 2), (1, 1, 1, 1), (0, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_own_copies_lie_as_the_kernels_want_them(shape, dtype):
    given = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    copy = tape.own_copy(given)
    assert (copy.shape, copy.dtype) == (shape, dtype)
    np.testing.assert_array_equal(copy, given)
    assert copy.ctypes.data % memory.ALIGNMENT == 0 or not copy.size
    assert copy.ndim == 1 or layout.batch_innermost(copy).base is copy.base
    assert tape.in_order(copy) is copy
    np.testing.assert_array_equal(tape.in_order(given), given)


def test_copies_are_said_not_to_be_on_the_tape(rng):
    x = rng.normal(size=SMALL)
    for op in (kernels.tanh, kernels.softmax, kernels.flatten):
        result, taped = tape.record(lambda op=op: op(x.transpose(0, 2, 1, 3)))
        assert not taped.complete
        np.testing.assert_array_equal(result, op(x.transpose(0, 2, 1, 3).copy()))
    tape.cannot_replay()  # nothing runs: nothing happens
    assert tape.record(lambda: kernels.tanh(x))[1].complete == JIT


def test_a_tape_without_calls_and_one_on_nothing():
    result, taped = tape.record(lambda: 5)
    assert (result, taped.rows, taped.bytes, tape.running()) == (5, [], 0, None)
    empty, on_nothing = tape.record(lambda: kernels.tanh(np.empty((0, 3))))
    assert empty.shape == (0, 3)
    if JIT:
        taped.play()
        on_nothing.play()


def test_nothing_is_complete_without_compiled_code(run_python):
    source = """
import numpy as np
from npcnn import kernels
from npcnn.kernels import tape
result, taped = tape.record(lambda: kernels.tanh(np.zeros((2, 3))))
print(result.sum(), taped.complete, taped.rows)
"""
    assert run_python(source, NUMBA_DISABLE_JIT="1").split() == ["0.0", "False", "[]"]


@pytest.mark.usefixtures("jit")
def test_any_number_of_threads_plays_the_same_bits(run_python):
    source = """
import sys; sys.path.insert(0, "tests/kernels")
import threading
import npcnn
from npcnn.kernels.elementwise import SMALL
from test_tape import chain, chain_arrays, tape

arrays, found = chain_arrays(0, (200, 16, 16, 8)), set()

def play(numbers):
    result, taped = tape.record(lambda: chain(*arrays))
    found.add(result.tobytes())
    for number in numbers:
        npcnn.set_num_threads(number)
        result[...] = 0
        taped.play()
        found.update([result.tobytes(), chain(*arrays).tobytes()])

for first in (1, 3):
    npcnn.set_num_threads(first)
    play([1, 2, 3])
workers = [threading.Thread(target=play, args=([3] * 9,)) for _ in range(3)]
for step in (threading.Thread.start, threading.Thread.join):
    for worker in workers:
        step(worker)
print(len(found), arrays[0].size > SMALL)
"""
    assert run_python(source, NUMBA_NUM_THREADS="3").split() == ["1", "True"]
