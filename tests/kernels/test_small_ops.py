"""The ops that look at elements, rows or samples one by one, against the reference."""

import numpy as np
import pytest
from agreement import DTYPES, agree, any_layout, some

from npcnn import kernels, reference
from npcnn.kernels.run.compile import JIT

# The first is shared out to threads; as plain Python it is as small as that can be.
SHAPES = [(60 if JIT else 9, 28, 28, 5), (3, 4, 5, 2), (20, 10), (7, 3, 9), (41,), (1, 1), (0, 3)]


@pytest.fixture(params=DTYPES)
def dtype(request):
    return request.param


@pytest.fixture(params=SHAPES, ids=str)
def shape(request):
    return request.param


def test_activations(rng, shape, dtype):
    x, grad_y = (some(rng, shape, dtype, any_layout(rng)) for _ in range(2))
    for options in [(0.0, None, 0.0), (0.1, 0.5, 0.2), (0.0, 6.0, -0.5)]:
        agree(kernels.relu(x, *options), reference.relu(x, *options))
        want = reference.relu_backward(grad_y, x, *options)
        agree(kernels.relu_backward(grad_y, x, *options), want)
    for name in ("sigmoid", "tanh"):
        want = getattr(reference, name)(x)
        agree(getattr(kernels, name)(x), want)
        back = name + "_backward"
        agree(getattr(kernels, back)(grad_y, want), getattr(reference, back)(grad_y, want))


def test_activations_keep_nan():
    x = np.array([np.nan, -1.0, 1.0])
    assert np.isnan(kernels.relu(x, 0.0, None, 0.0)).tolist() == [True, False, False]
    assert np.isnan(kernels.relu(x, 0.1, 6.0, 0.0)).tolist() == [True, False, False]


def test_softmax_and_losses(rng, shape, dtype):
    if len(shape) == 1:
        return
    x, grad_y = (some(rng, shape, dtype, any_layout(rng)) for _ in range(2))
    want = reference.softmax(x)
    agree(kernels.softmax(x), want)
    agree(kernels.softmax_backward(grad_y, want), reference.softmax_backward(grad_y, want))
    targets, weights = rng.random(shape).astype(dtype), rng.random(shape[:-1]).astype(dtype)
    for name, values in [
        ("categorical_crossentropy_from_logits", x),
        ("categorical_crossentropy", np.abs(x)),
    ]:
        if not x.size:
            continue
        found = getattr(kernels, name)(values, targets, weights)
        wanted = getattr(reference, name)(values, targets, weights)
        for got, want in zip(found, wanted, strict=True):
            agree(got, want, scale=3)


def test_flatten(rng, shape, dtype):
    if len(shape) == 1:
        return
    x = some(rng, shape, dtype, any_layout(rng))
    flat = kernels.flatten(x)
    np.testing.assert_array_equal(flat, reference.flatten(x))
    np.testing.assert_array_equal(kernels.flatten_backward(flat, shape), x)
    if x.size:
        assert flat.T.flags.c_contiguous


def test_dropout_drops_the_reference_s_elements(rng, shape, dtype):
    x = some(rng, shape, dtype, any_layout(rng))
    for rate, key in [(0.0, 0), (0.25, 2**64 - 1), (0.9, 12345)]:
        for noise in (shape, tuple(1 if axis % 2 else size for axis, size in enumerate(shape))):
            want = reference.dropout(x, rate, key, noise)
            np.testing.assert_array_equal(kernels.dropout(x, rate, key, noise), want)
            np.testing.assert_array_equal(kernels.dropout_backward(x, rate, key, noise), want)


@pytest.mark.parametrize("size", [1, 1000, 65_788])
def test_optimizers(rng, size, dtype):
    def fresh():
        made = np.random.default_rng(size)
        return [np.abs(made.standard_normal(size)).astype(dtype) for _ in range(4)]

    ours, theirs = fresh(), fresh()
    kernels.adam(*ours, 0.01, 0.9, 0.999, 1e-7)
    reference.adam(*theirs, 0.01, 0.9, 0.999, 1e-7)
    for got, want in zip(ours, theirs, strict=True):
        agree(got, want)
    for momentum, nesterov in [(0.0, False), (0.9, False), (0.9, True)]:
        ours, theirs = fresh()[:3], fresh()[:3]
        kernels.sgd(*ours, 0.01, momentum, nesterov)
        reference.sgd(*theirs, 0.01, momentum, nesterov)
        for got, want in zip(ours, theirs, strict=True):
            agree(got, want)


@pytest.mark.parametrize("kind", ["uint8", "float32", "int64", "bool"])
@pytest.mark.parametrize("cell", [(), (7,), (28, 28, 1), (5, 6, 3)])
def test_gather(rng, kind, cell, dtype):
    data = rng.integers(0, 200, (50, *cell)).astype(kind)
    for indices in ([], [0], [49, 3, 3], [-1, -50], rng.integers(0, 50, 60)):
        indices = np.asarray(indices, np.int64)
        got = kernels.gather(data, indices, np.dtype(dtype))
        want = reference.gather(data, indices, np.dtype(dtype))
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, want)
    with pytest.raises(IndexError):
        kernels.gather(data, np.array([50]), np.dtype(dtype))


@pytest.mark.usefixtures("jit")
def test_same_bits_for_any_threads(rng, with_threads):
    x = some(rng, (60, 28, 28, 5), "float32")
    found = []
    for number in (1, 2):
        try:
            with_threads(number)
        except ValueError:
            pytest.skip("one thread only")
        flat = [np.abs(x.reshape(-1)[k::5]) for k in range(4)]
        flat = [np.ascontiguousarray(each) for each in flat]
        kernels.adam(*flat, 0.01, 0.9, 0.999, 1e-7)
        results = [kernels.tanh(x), kernels.dropout(x, 0.3, 7, x.shape), *flat]
        found.append(b"".join(result.tobytes() for result in results))
    assert found[0] == found[1]


@pytest.mark.parametrize(("dtype", "units"), [("float32", 1.0), ("float64", 2.0)])
def test_tanh_to_the_last_places(dtype, units, rng):
    x = np.concatenate([rng.normal(size=9000), rng.normal(size=999) * 1e-5, rng.normal(size=9) * 50,
                        [0.0, -0.0, 0.625, -0.625, 1e300, np.inf, -np.inf, np.nan]])  # fmt: skip
    with np.errstate(over="ignore"):
        x = x.astype(dtype)
    # Run as plain Python, the body says so where the branch that is not taken overflows.
    with np.errstate(over="ignore", invalid="ignore"):
        got, want = kernels.tanh(x), np.tanh(x.astype(np.longdouble))
    assert got.dtype == dtype
    np.testing.assert_array_equal(np.signbit(got[:-1]), np.signbit(x[:-1]))
    assert np.isnan(got[-1])
    ulp = np.spacing(np.abs(want[:-1]).astype(dtype))
    assert (np.abs(got[:-1] - want[:-1]) <= units * ulp).all()
