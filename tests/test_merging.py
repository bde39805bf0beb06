"""Ops that merge arrays, spread them and turn their axes, beside oracles in plain loops."""

import functools
import itertools
import math

import numpy as np
import pytest
from arrays import LAYOUTS, assert_close, in_layout, unchanged

from npcnn import layers
from npcnn.backend import ops
from npcnn.checks import ArgumentError, DtypeError, NpcnnError
from npcnn.contracts import OPS

SHAPES = [(2, 3, 4, 5), (40, 9, 8, 12), (5, 7), (4,), (2, 3, 4), (3, 0, 2), (1, 1, 1, 1)]
PAIRS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "maximum": max,
    "minimum": min,
}


def laid_out(*arrays):
    """Yield the arrays in each layout, and the first in another than the others."""
    for layout in LAYOUTS:
        yield [in_layout(array, layout) for array in arrays]
    yield [np.ascontiguousarray(arrays[0]), *(np.asfortranarray(a) for a in arrays[1:])]


def twins(rng, shape, dtype):
    """Return two arrays that share a third of their numbers."""
    a, b = rng.normal(size=(2, *shape)).astype(dtype)
    return a, np.where(rng.random(shape) < 0.3, a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", PAIRS)
def test_two_arrays(rng, backend, name, shape, dtype):
    x1, x2 = twins(rng, shape, dtype)
    want = np.empty(shape, dtype)
    for place in np.ndindex(shape):
        want[place] = PAIRS[name](x1[place], x2[place])
    for arrays in laid_out(x1, x2):
        with unchanged(*arrays):
            assert_close(getattr(ops, name)(*arrays), want, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_the_gradient_of_the_larger_and_the_smaller(rng, backend, name, shape, dtype):
    x1, x2 = twins(rng, shape, dtype)
    g = rng.normal(size=shape).astype(dtype)
    want = np.zeros((2, *shape), dtype)
    for p in np.ndindex(shape):
        chosen = PAIRS[name](x1[p], x2[p])
        shares = [1.0 * (x1[p] == chosen), 1.0 * (x2[p] == chosen)]
        for k in range(2):
            want[(k, *p)] = g[p] * shares[k] / sum(shares)
    for arrays in laid_out(g, x1, x2):
        for got, one in zip(getattr(ops, f"{name}_backward")(*arrays), want, strict=True):
            assert_close(got, one, dtype)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_nan_stays(backend, name):
    nan = math.nan
    y = getattr(ops, name)(np.array([nan, 1.0, nan]), np.array([1.0, nan, nan]))
    assert np.isnan(y).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_concatenate_and_split(rng, backend, shape, dtype):
    for axis in range(len(shape)):
        lengths = [shape[axis], 1, 2 * shape[axis], 0]
        sizes = [(*shape[:axis], n, *shape[axis + 1 :]) for n in lengths]
        arrays = [rng.normal(size=size).astype(dtype) for size in sizes]
        want = np.empty((*shape[:axis], sum(lengths), *shape[axis + 1 :]), dtype)
        start = 0
        for array in arrays:
            for place in np.ndindex(array.shape):
                to = list(place)
                to[axis] += start
                want[tuple(to)] = array[place]
            start += array.shape[axis]
        for given in laid_out(*arrays):
            with unchanged(*given):
                assert_close(ops.concatenate(given, axis), want, dtype)
        for (whole,) in laid_out(want):
            parts = ops.concatenate_backward(whole, tuple(lengths), axis)
            for got, one in zip(parts, arrays, strict=True):
                assert_close(got, one, dtype)
                assert not np.shares_memory(got, whole)


@functools.cache
def summed(shape, dtype):
    """Return an array, and its sums over each choice of axes; once for both backends."""
    large, found = np.random.default_rng(7).normal(size=shape).astype(dtype), []
    for kept in itertools.product([False, True], repeat=len(shape)):
        small = tuple(n if keep else 1 for n, keep in zip(shape, kept, strict=True))
        sums = np.zeros(small)
        for place in np.ndindex(shape):
            to = tuple(k if keep else 0 for k, keep in zip(place, kept, strict=True))
            sums[to] += large[place]
        found.append((small, sums))
    return large, found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_broadcast_and_sum(backend, shape, dtype):
    large, found = summed(shape, dtype)
    for small, sums in found:
        for (x,) in laid_out(large):
            assert_close(ops.sum_to(x, small), sums, dtype)
        one = sums.astype(dtype)
        for (x,) in laid_out(one):
            y = ops.broadcast_to(x, shape)
            assert_close(y, np.broadcast_to(one, shape), dtype)
            assert not np.shares_memory(x, y)


def test_long_sums_keep_float32s_digits(backend):
    x = np.full((30, 200, 300, 1), 0.1, "float32")
    for shape in ((30, 1, 1, 1), (1, 1, 1, 1), (1, 200, 1, 1)):
        want = np.full(shape, x.size // math.prod(shape) * float(np.float32(0.1)))
        np.testing.assert_allclose(ops.sum_to(x, shape), want, rtol=3e-6)


@functools.cache
def turned(shape, dtype):
    """Return an array, and what it is with its axes in each order; once for both backends."""
    x, found = np.random.default_rng(7).normal(size=shape).astype(dtype), []
    for axes in itertools.permutations(range(len(shape))):
        want = np.empty([shape[axis] for axis in axes], dtype)
        for place in np.ndindex(shape):
            want[tuple(place[axis] for axis in axes)] = x[place]
        found.append((axes, want))
    return x, found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_transpose(backend, shape, dtype):
    x, found = turned(shape, dtype)
    for axes, want in found:
        for (given,) in laid_out(x):
            y = ops.transpose(given, axes)
            assert_close(y, want, dtype)
            assert not np.shares_memory(y, given)


A, B = np.ones((2, 3), "float32"), np.ones((2, 4), "float32")
WRONG = [
    ("add", (A, B)), ("maximum", (A, A.T)), ("multiply", (A, A.astype("float64"))),
    ("maximum_backward", (A, A, B)), ("minimum", (A, 3.0)),
    ("concatenate", ([], 0)), ("concatenate", (A, 0)), ("concatenate", ([A, B], 0)),
    ("concatenate", ([A, A], 2)), ("concatenate", ([A, A], -1)), ("concatenate", ([A, A], 0.0)),
    ("concatenate", ([A, A[0]], 0)), ("concatenate", ([A, A.astype("float64")], 1)),
    ("concatenate", ([A, A.astype("int32")], 1)), ("concatenate", ([A, A.tolist()], 1)),
    ("concatenate", ([A, None], 1)), ("concatenate", (None, 1)), ("concatenate", ([A, "x"], 1)),
    ("concatenate_backward", (A, (1, 1), 1)), ("concatenate_backward", (A, (4, -1), 1)),
    ("concatenate_backward", (A, (), 1)), ("concatenate_backward", (A, (1.5, 1.5), 1)),
    ("concatenate_backward", (A, (2, 1), 2)), ("concatenate_backward", (A, None, 1)),
    ("broadcast_to", (A, (2, 4))), ("broadcast_to", (A, (1, 3))), ("broadcast_to", (A, (2, 3, 1))),
    ("broadcast_to", (A[:, :1], (2, -1))), ("broadcast_to", (A, None)),
    ("sum_to", (A, (2, 2))), ("sum_to", (A, (2,))), ("sum_to", (A, (4, 3))), ("sum_to", (A, "ab")),
    ("transpose", (A, (0, 0))), ("transpose", (A, (0,))), ("transpose", (A, (0, 2))),
    ("transpose", (A, (-1, 0))), ("transpose", (A, None)), ("transpose", (A, (0.0, 1.0))),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_what_does_not_fit_is_refused_in_one_line(backend, case):
    name, arguments = WRONG[case]
    with pytest.raises((ArgumentError, DtypeError), match=rf"^ops\.{name}.*expected") as caught:
        getattr(ops, name)(*arguments)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, NpcnnError)


def test_what_equals_right_settings_is_not_right_therefore(backend):
    """1.0 == 1, also where an op remembers which settings it has found right."""
    ops.transpose(A, (0, 1))
    ops.upsampling2d(A[None, :, :, None], (1, 2), "nearest")
    with pytest.raises(ArgumentError, match=r"^ops\.transpose"):
        ops.transpose(A, (0.0, 1.0))
    with pytest.raises(ArgumentError, match=r"^ops\.upsampling2d"):
        ops.upsampling2d(A[None, :, :, None], (1.0, 2.0), "nearest")


def test_lists_of_arrays_are_tried_here():
    assert [name for name, entry in OPS.items() if "*" in entry.contract] == ["concatenate"]


@pytest.mark.parametrize("bad", [3, None, np.ones((2, 3)), "ab"])
def test_inputs_that_are_no_list(bad):
    with pytest.raises(NpcnnError, match=r"Add\(x\): expected a list of"):
        layers.add(bad)


def test_training_is_true_false_or_nothing():
    with pytest.raises(NpcnnError, match=r"^Dense\(training\): expected True or False"):
        layers.Dense(2)(np.ones((1, 2)), training=np.ones(2))
