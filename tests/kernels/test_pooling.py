import numpy as np
import pytest
from agreement import DTYPES, any_layout, some
from hypothesis import given
from hypothesis import strategies as st

from npcnn import kernels, reference


@st.composite
def poolings(draw):
    whole = st.integers
    pool = draw(whole(1, 3)), draw(whole(1, 3))
    strides = pool if draw(st.booleans()) else (draw(whole(1, 3)), draw(whole(1, 3)))
    shape = draw(whole(1, 35)), draw(whole(pool[0], 9)), draw(whole(pool[1], 9)), draw(whole(1, 4))
    return shape, pool, strides, draw(st.sampled_from(["same", "valid"])), draw(whole(0, 2**32 - 1))


@given(poolings())
def test_agrees_with_the_reference_on_any_shape(case):
    shape, pool, strides, padding, seed = case
    rng = np.random.default_rng(seed)
    # few different values: many ties; sometimes a NaN
    x = np.round(some(rng, shape, DTYPES[seed % 2], any_layout(rng)) * 2)
    if seed % 3 == 0:
        x[rng.random(shape) < 0.05] = np.nan
    want = reference.max_pooling2d(x, pool, strides, padding)
    got = kernels.max_pooling2d(x, pool, strides, padding)
    np.testing.assert_array_equal(got, want)
    assert got.dtype == x.dtype
    grad_y = np.round(some(rng, want.shape, x.dtype, any_layout(rng)) * 8)  # sums are exact
    arguments = (grad_y, x, want, pool, strides, padding)
    np.testing.assert_array_equal(
        kernels.max_pooling2d_backward(*arguments), reference.max_pooling2d_backward(*arguments)
    )


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_one_picture_of_any_width(padding, rng):
    for width in range(2, 71, 3):
        x = np.round(some(rng, (1, 5, width, 2), "float32") * 2)
        x[rng.random(x.shape) < 0.05] = np.nan
        got = kernels.max_pooling2d(x, (2, 2), (2, 2), padding)
        np.testing.assert_array_equal(got, reference.max_pooling2d(x, (2, 2), (2, 2), padding))


@pytest.mark.usefixtures("jit")
@pytest.mark.parametrize("strides", [(2, 2), (1, 1), (3, 3)])
def test_same_bits_for_any_threads(strides, rng, with_threads):
    x = some(rng, (60, 28, 28, 5), "float32")
    found = []
    for number in (1, 2):
        try:
            with_threads(number)
        except ValueError:
            pytest.skip("one thread only")
        y = kernels.max_pooling2d(x, (2, 2), strides, "same")
        grad_y = some(np.random.default_rng(3), y.shape, "float32")
        grad_x = kernels.max_pooling2d_backward(grad_y, x, y, (2, 2), strides, "same")
        found.append(y.tobytes() + grad_x.tobytes())
    assert found[0] == found[1]


def test_no_samples():
    x = np.zeros((0, 4, 4, 2), "float32")
    y = kernels.max_pooling2d(x, (2, 2), (2, 2), "valid")
    assert y.shape == (0, 2, 2, 2)
    assert kernels.max_pooling2d_backward(y, x, y, (2, 2), (2, 2), "valid").shape == x.shape
