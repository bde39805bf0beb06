import numpy as np
import oracles
import pytest
from arrays import LAYOUTS, assert_close, in_layout, unchanged
from hypothesis import given
from hypothesis import strategies as st

from npcnn.gradient_check import numerical_gradient, relative_error
from npcnn.reference.conv import col2im, im2col

CASES = [
    # x shape, kernel shape, strides, padding, dilation
    ((2, 6, 5, 3), (3, 3, 3, 4), (1, 1), "same", (1, 1)),
    ((2, 6, 5, 3), (3, 3, 3, 4), (1, 1), "valid", (1, 1)),
    ((1, 5, 5, 1), (1, 1, 1, 2), (1, 1), "valid", (1, 1)),
    ((1, 5, 7, 2), (2, 5, 2, 3), (1, 1), "same", (1, 1)),
    ((2, 5, 7, 2), (2, 5, 2, 3), (2, 1), "valid", (1, 1)),
    ((2, 7, 7, 2), (3, 3, 2, 2), (2, 2), "same", (1, 1)),
    ((2, 8, 6, 2), (3, 2, 2, 2), (3, 2), "same", (1, 1)),
    ((1, 7, 8, 1), (1, 1, 1, 1), (3, 4), "same", (1, 1)),
    ((2, 7, 9, 2), (3, 3, 2, 2), (1, 1), "valid", (2, 3)),
    ((2, 7, 9, 2), (3, 3, 2, 2), (1, 1), "same", (2, 3)),
    ((1, 2, 3, 2), (5, 7, 2, 2), (1, 1), "same", (1, 1)),  # larger than the image
    ((1, 3, 3, 1), (3, 3, 1, 2), (1, 1), "valid", (1, 1)),  # one window
    ((1, 1, 1, 5), (3, 3, 5, 1), (1, 1), "same", (1, 1)),
    ((3, 4, 4, 6), (2, 2, 6, 9), (2, 2), "valid", (1, 1)),
]
DTYPES = [np.float32, np.float64]


def arrays_for(case, rng, dtype=np.float64):
    x_shape, kernel_shape, *_ = case
    x = rng.uniform(-1, 1, x_shape).astype(dtype)
    kernel = rng.uniform(-1, 1, kernel_shape).astype(dtype)
    bias = rng.uniform(-1, 1, kernel_shape[3]).astype(dtype)
    return x, kernel, bias


def backward(ops, grad_y, x, y, kernel, *arguments, bias=True, need_grad_x=True):
    """Return (grad_x, grad_kernel, grad_bias); what the op must overwrite starts as garbage."""
    flat = np.full(kernel.size + kernel.shape[3], 99.0, kernel.dtype)
    grad_kernel = flat[: kernel.size].reshape(kernel.shape)
    grad_bias = flat[kernel.size :] if bias else None
    grad_x = ops.conv2d_backward(
        grad_y, x, y, kernel, grad_kernel, grad_bias, *arguments, need_grad_x
    )
    return grad_x, grad_kernel, grad_bias


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("case", CASES)
def test_forward_and_backward_agree_with_the_oracle(ops, rng, case, activation, dtype):
    arguments = (*case[2:], activation)
    x, kernel, bias = arrays_for(case, rng, dtype)
    y = ops.conv2d(x, kernel, bias, *arguments)
    assert_close(y, oracles.conv2d(x, kernel, bias, *arguments), dtype)
    grad_y = rng.uniform(-1, 1, y.shape).astype(dtype)
    with unchanged(x, kernel, bias, y, grad_y):
        found = backward(ops, grad_y, x, y, kernel, *arguments)
    expected = oracles.conv2d_backward(grad_y, x, y, kernel, *arguments)
    for name, got, want in zip(("x", "kernel", "bias"), found, expected, strict=True):
        assert_close(got, want, dtype, name)


def test_without_bias_and_without_the_gradient_by_x(ops, rng):
    case = CASES[0]
    arguments = (*case[2:], "linear")
    x, kernel, _ = arrays_for(case, rng)
    y = ops.conv2d(x, kernel, None, *arguments)
    assert_close(y, oracles.conv2d(x, kernel, None, *arguments), np.float64)
    grad_x, grad_kernel, _ = backward(ops, y, x, y, kernel, *arguments, bias=False)
    _, grad_kernel_again, _ = backward(
        ops, y, x, y, kernel, *arguments, bias=False, need_grad_x=False
    )
    expected = oracles.conv2d_backward(y, x, y, kernel, *arguments)
    assert_close(grad_x, expected[0], np.float64)
    assert_close(grad_kernel, expected[1], np.float64)
    assert_close(grad_kernel_again, expected[1], np.float64)
    assert backward(ops, y, x, y, kernel, *arguments, need_grad_x=False)[0] is None


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_any_memory_layout(ops, rng, layout, dtype):
    case = CASES[5]
    arguments = (*case[2:], "relu")
    x, kernel, bias = arrays_for(case, rng, dtype)
    y = ops.conv2d(in_layout(x, layout), in_layout(kernel, layout), bias, *arguments)
    assert_close(y, oracles.conv2d(x, kernel, bias, *arguments), dtype)
    grad_y = rng.uniform(-1, 1, y.shape).astype(dtype)
    strided = [in_layout(a, layout) for a in (grad_y, x, y, kernel)]
    with unchanged(*strided):
        found = backward(ops, *strided, *arguments)
    expected = oracles.conv2d_backward(grad_y, x, y, kernel, *arguments)
    for got, want in zip(found, expected, strict=True):
        assert_close(got, want, dtype)


@pytest.mark.parametrize("case", [CASES[0], CASES[4], CASES[6], CASES[9], CASES[10]])
def test_gradients_by_differences(ops, rng, case):
    arguments = (*case[2:], "relu")
    x, kernel, bias = arrays_for(case, rng)
    y = ops.conv2d(x, kernel, bias, *arguments)
    upstream = rng.uniform(-1, 1, y.shape)
    found = backward(ops, upstream, x, y, kernel, *arguments)

    def objective():
        return float((ops.conv2d(x, kernel, bias, *arguments) * upstream).sum())

    for value, gradient in zip((x, kernel, bias), found, strict=True):
        assert relative_error(gradient, numerical_gradient(objective, value)) <= 1e-7


@given(data=st.data())
def test_any_shape(data):
    """Shapes that hypothesis thinks of; the fixtures run once, so the reference is named here."""
    from npcnn import reference

    size = st.integers(1, 6)
    height, width, channels, filters = (data.draw(size) for _ in range(4))
    kernel_size = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = data.draw(st.sampled_from(["same", "valid"]))
    strides = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = (1, 1)
    if strides == (1, 1):
        dilation = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    if padding == "valid":
        height += (kernel_size[0] - 1) * dilation[0]
        width += (kernel_size[1] - 1) * dilation[1]
    rng = np.random.default_rng(0)
    case = (
        (data.draw(st.integers(1, 2)), height, width, channels),
        (*kernel_size, channels, filters),
        strides, padding, dilation,
    )  # fmt: skip
    x, kernel, bias = arrays_for(case, rng)
    arguments = (*case[2:], "linear")
    y = reference.conv2d(x, kernel, bias, *arguments)
    if x.size * kernel.size < 20_000:
        assert_close(y, oracles.conv2d(x, kernel, bias, *arguments), np.float64)
    grad_y = rng.uniform(-1, 1, y.shape)
    grad_x, grad_kernel, grad_bias = backward(reference, grad_y, x, y, kernel, *arguments)
    # The three gradients of a linear map obey ⟨grad_y, A v⟩ = ⟨Aᵀ grad_y, v⟩.
    by_x = (grad_x * x).sum()
    assert np.isclose(by_x, (grad_y * (y - bias)).sum())
    assert np.isclose((grad_kernel * kernel).sum(), by_x)
    assert np.allclose(grad_bias, grad_y.sum(axis=(0, 1, 2)))


def test_nan_spreads_to_its_windows_only(ops, rng):
    x, kernel, bias = arrays_for(CASES[1], rng)
    x[0, 0, 0, 0] = np.nan
    for activation in ("linear", "relu"):
        y = ops.conv2d(x, kernel, bias, *CASES[1][2:], activation)
        assert np.isnan(y[0, 0, 0]).all()
        assert not np.isnan(y[0, 1:]).any()
        assert not np.isnan(y[1]).any()


def test_col2im_is_the_transpose_of_im2col(rng):
    """⟨im2col(x), Z⟩ = ⟨x, col2im(Z)⟩ for any Z: the definition of a transpose."""
    for x_shape, kernel_shape, *arguments in CASES:
        x = rng.uniform(-1, 1, x_shape)
        columns = im2col(x, kernel_shape[:2], *arguments)
        z = rng.uniform(-1, 1, columns.shape)
        folded = col2im(z, x.shape, kernel_shape[:2], *arguments)
        assert np.isclose((columns * z).sum(), (x * folded).sum())
