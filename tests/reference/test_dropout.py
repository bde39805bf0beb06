import numpy as np
import pytest
from arrays import LAYOUTS, in_layout, unchanged

KEY = 0x9ABCDEF012345678


def mask(ops, shape, rate=0.5, key=KEY, noise_shape=None):
    return ops.dropout(np.ones(shape), rate, key, noise_shape or shape) > 0


def test_uniform_is_splitmix64():
    """The first outputs of SplitMix64 from seed 1234567, as its authors' program prints them."""
    from npcnn.reference.dropout import uniform

    known = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    found = uniform(1234567, (3,))
    np.testing.assert_array_equal(found, [(h >> 40) / 2**24 for h in known])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_share_and_scale(ops, rate, dtype):
    x = np.full((50, 20, 20, 5), 3.0, dtype)
    with unchanged(x):
        y = ops.dropout(x, rate, KEY, x.shape)
    assert y.dtype == dtype
    kept = y != 0
    deviation = np.sqrt(rate * (1 - rate) / x.size)
    assert abs((~kept).mean() - rate) <= 4 * deviation
    np.testing.assert_allclose(y[kept], 3 / (1 - rate), rtol=1e-6)
    # A mean over each sample, channel and row: no axis is favoured.
    for axes in ((1, 2, 3), (0, 1, 2), (0, 2, 3)):
        share = (~kept).mean(axis=axes)
        assert abs(share - rate).max() <= 5 * deviation * np.sqrt(share.size)


def test_neighbours_are_independent(ops):
    kept = mask(ops, (1, 100_000))[0].astype(float)
    for lag in (1, 2, 64):
        assert abs(np.corrcoef(kept[lag:], kept[:-lag])[0, 1]) < 0.02


def test_the_key_decides(ops):
    shape = (4, 50)
    np.testing.assert_array_equal(mask(ops, shape), mask(ops, shape))
    for other in (KEY + 1, KEY ^ (1 << 63), 0, 2**64 - 1):
        agree = (mask(ops, shape, key=other) == mask(ops, shape)).mean()
        assert 0.3 < agree < 0.7


def test_a_sample_keeps_its_mask_whatever_the_batch_holds(ops):
    np.testing.assert_array_equal(mask(ops, (8, 3, 5))[:2], mask(ops, (2, 3, 5)))


def test_backward_uses_the_same_mask(ops, rng):
    x = rng.uniform(1, 2, (3, 4, 5))
    grad_y = rng.uniform(1, 2, x.shape)
    y = ops.dropout(x, 0.4, KEY, x.shape)
    grad_x = ops.dropout_backward(grad_y, 0.4, KEY, x.shape)
    np.testing.assert_array_equal(grad_x == 0, y == 0)
    np.testing.assert_allclose(grad_x, grad_y * (y / x), rtol=1e-12)


@pytest.mark.parametrize("noise_shape", [(6, 1, 1, 5), (1, 4, 3, 1), (6, 4, 3, 5), (1, 1, 1, 1)])
def test_noise_shape_shares_decisions(ops, noise_shape):
    x = np.ones((6, 4, 3, 5), "float32")
    y = ops.dropout(x, 0.5, KEY, noise_shape)
    small = mask(ops, noise_shape)
    np.testing.assert_array_equal(y, np.where(small, np.float32(2), np.float32(0)) * x)
    grad = ops.dropout_backward(x, 0.5, KEY, noise_shape)
    np.testing.assert_array_equal(grad, y)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout(ops, rng, layout):
    for shape in ((3, 4), (3, 4, 5), (2, 3, 4, 5)):
        x = rng.uniform(-1, 1, shape)
        plain = ops.dropout(x, 0.3, KEY, shape)
        np.testing.assert_array_equal(ops.dropout(in_layout(x, layout), 0.3, KEY, shape), plain)


def test_nan_is_dropped_or_kept(ops):
    y = ops.dropout(np.full((1, 100), np.nan), 0.5, KEY, (1, 100))
    kept = mask(ops, (1, 100))
    np.testing.assert_array_equal(np.isnan(y), kept)
    assert (y[~kept] == 0).all()
