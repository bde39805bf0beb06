import numpy as np
import pytest
from agreement import DTYPES, agree, any_layout, some
from hypothesis import given
from hypothesis import strategies as st

from npcnn import kernels, reference
from npcnn.kernels.run.compile import JIT

LARGEST = 80 if JIT else 20


def both(x, kernel, bias, activation, rng, layout="own", need_grad_x=True):
    want = reference.dense(x, kernel, bias, activation)
    got = kernels.dense(x, kernel, bias, activation)
    agree(got, want)
    grad_y = some(rng, want.shape, x.dtype, layout)
    results = []
    for ops in (reference, kernels):
        grad_kernel = np.full(kernel.shape, np.nan, x.dtype)
        grad_bias = None if bias is None else np.full(bias.shape, np.nan, x.dtype)
        grad_x = ops.dense_backward(
            grad_y, x, want, kernel, grad_kernel, grad_bias, activation, need_grad_x
        )
        results.append((grad_x, grad_kernel, grad_bias))
    for result, wanted in zip(results[1], results[0], strict=True):
        agree(result, wanted, scale=3)
    return got, *results[1]


sizes = st.integers(1, LARGEST)


@given(sizes, sizes, sizes, st.sampled_from(["linear", "relu"]), st.integers(0, 2**32 - 1))
def test_agrees_with_the_reference_on_any_shape(n, inputs, units, activation, seed):
    rng = np.random.default_rng(seed)
    dtype = DTYPES[seed % 2]
    x = some(rng, (n, inputs), dtype, any_layout(rng))
    kernel, bias = some(rng, (inputs, units), dtype, "plain"), some(rng, (units,), dtype, "plain")
    both(x, kernel, bias if seed % 3 else None, activation, rng, any_layout(rng), seed % 5 > 0)


@pytest.mark.usefixtures("jit")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape", [(60, 490, 128), (64, 300, 10), (1, 1000, 500), (7, 300, 333), (257, 90, 270)]
)
def test_same_bits_for_any_threads(shape, dtype, rng, with_threads):
    n, inputs, units = shape
    x, kernel = some(rng, (n, inputs), dtype), some(rng, (inputs, units), dtype, "plain")
    bias = some(rng, (units,), dtype, "plain")
    found = []
    for number in (1, 2):
        try:
            with_threads(number)
        except ValueError:
            pytest.skip("one thread only")
        found.append(both(x, kernel, bias, "relu", np.random.default_rng(3)))
    for one, two in zip(*found, strict=True):
        assert one.tobytes() == two.tobytes()


def test_no_samples(rng):
    kernel = some(rng, (3, 2), "float32", "plain")
    x = np.zeros((0, 3), "float32")
    y = kernels.dense(x, kernel, None, "relu")
    assert y.shape == (0, 2)
    grad_kernel, grad_bias = np.ones_like(kernel), np.ones(2, "float32")
    assert kernels.dense_backward(y, x, y, kernel, grad_kernel, grad_bias, "relu").shape == (0, 3)
    assert not grad_kernel.any()
    assert not grad_bias.any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape",
    [(20, 80, 256), (7, 33, 41), (3, 5, 16), (1, 20, 3), (2, 1, 1), (3, 2, 5), (1, 300, 10)],
)
def test_long_rows_of_weights_and_few_samples(shape, dtype, rng):
    n, inputs, units = shape
    x, kernel = some(rng, (n, inputs), dtype), some(rng, (inputs, units), dtype, "plain")
    both(x, kernel, some(rng, (units,), dtype, "plain"), "relu", rng)
