"""Zero padding: op and layer, beside an oracle in loops."""

from functools import partial

import numpy as np
import pytest
from arrays import LAYOUTS, in_layout
from layer_checks import check_everything

import npcnn
from npcnn import layers
from npcnn.backend import ops, using
from npcnn.checks import ArgumentError

CASES = [((1, 1), (1, 1)), ((0, 2), (3, 0)), ((0, 0), (0, 0)), ((5, 1), (0, 4))]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(2, 3, 4, 3), (20, 5, 4, 2), (1, 1, 1, 1), (9, 30, 30, 5)])
@pytest.mark.parametrize("padding", CASES)
def test_the_op_and_its_gradient(rng, backend, padding, shape, dtype):
    (above, below), (left, right) = padding
    x = rng.normal(size=shape).astype(dtype)
    n, height, width, channels = shape
    want = np.zeros((n, above + height + below, left + width + right, channels), dtype)
    for s, i, j, c in np.ndindex(shape):
        want[s, above + i, left + j, c] = x[s, i, j, c]
    noise = rng.normal(size=want.shape).astype(dtype)
    noise[want != 0] = want[want != 0]
    for layout in LAYOUTS:
        y = ops.zero_padding2d(in_layout(x, layout), padding)
        grad_x = ops.zero_padding2d_backward(in_layout(noise, layout), padding)
        np.testing.assert_array_equal(y, want)
        np.testing.assert_array_equal(grad_x, x)
        assert y.dtype == grad_x.dtype == dtype


def test_edges_that_are_wider_than_the_gradient(backend):
    with pytest.raises(ArgumentError, match="zero_padding2d_backward"):
        ops.zero_padding2d_backward(np.ones((1, 3, 3, 1)), ((2, 2), (0, 0)))
    for wrong in (((-1, 0), (0, 0)), ((1.5, 0), (0, 0)), (1, 1), None):
        with pytest.raises(ArgumentError, match="zero_padding2d"):
            ops.zero_padding2d(np.ones((1, 3, 3, 1)), wrong)


@pytest.mark.parametrize("padding", [1, (0, 2), ((1, 0), (2, 3))])
def test_the_layer(backend, padding):
    (above, below), (left, right) = layers.ZeroPadding2D(padding).padding
    shape = (2, 4 + above + below, 5 + left + right, 3)
    make = partial(layers.ZeroPadding2D, padding)
    check_everything(make, (2, 4, 5, 3), shape, (), "zero_padding2d")


def test_with_a_convolution_it_is_padding_same(rng):
    x = rng.normal(size=(3, 7, 6, 2)).astype("float32")
    same = layers.Conv2D(4, 3, padding="same")
    valid = layers.Conv2D(4, 3)
    want = same(x)
    padded = layers.ZeroPadding2D()(x)
    valid.build((None, *padded.shape[1:]))
    valid.set_weights(same.get_weights())
    np.testing.assert_allclose(valid(padded), want, atol=1e-5)


def test_a_step_with_it_is_replayed(rng):
    x, y = rng.normal(size=(6, 8, 8, 1)).astype("float32"), rng.integers(0, 3, 6)
    with using("numba"):
        model = npcnn.Sequential(
            [
                layers.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.ZeroPadding2D((0, 1)),
                layers.Flatten(), layers.Dense(3, activation="softmax"),
            ]
        )  # fmt: skip
        model.compile("adam", "sparse_categorical_crossentropy")
        for _ in range(8):
            model.train_on_batch(x, y)
        assert model.program.last.played, str(model.program)


@pytest.mark.parametrize("padding", [-1, 1.5, (1, 2, 3), ((1,), (2, 3)), "ab", None, 1 << 40])
def test_wrong_padding_is_one_line(padding):
    with pytest.raises(ArgumentError, match=r"^ZeroPadding2D\(padding\): expected a whole number"):
        layers.ZeroPadding2D(padding)
