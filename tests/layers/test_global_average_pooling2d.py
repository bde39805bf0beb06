"""Global average pooling: op and layer, beside an oracle in loops."""

from functools import partial

import numpy as np
import pytest
from arrays import LAYOUTS, assert_close, in_layout, unchanged
from layer_checks import check_everything

import npcnn
from npcnn import layers
from npcnn.backend import ops

SHAPES = [(2, 6, 7, 3), (20, 5, 4, 2), (1, 1, 1, 1), (3, 40, 30, 9)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_op_and_its_gradient(rng, backend, shape, dtype):
    x = rng.normal(size=shape).astype(dtype)
    n, height, width, channels = shape
    grad = rng.normal(size=(n, channels)).astype(dtype)
    want, slope = np.zeros((n, channels)), np.empty(shape)
    for s, i, j, c in np.ndindex(shape):
        want[s, c] += float(x[s, i, j, c]) / (height * width)
        slope[s, i, j, c] = float(grad[s, c]) / (height * width)
    for layout in LAYOUTS:
        with unchanged(x, grad):
            given = in_layout(x, layout)
            assert_close(ops.global_average_pooling2d(given), want, dtype)
            got = ops.global_average_pooling2d_backward(in_layout(grad, layout), given)
            assert_close(got, slope, dtype)


def test_large_images_keep_their_digits(backend):
    """One float32 sum over all cells would be wrong in the fifth digit."""
    x = np.full((1, 1500, 1500, 1), 0.1, "float32")
    assert ops.global_average_pooling2d(x).item() == pytest.approx(np.float32(0.1), rel=1e-5)


def test_no_samples(backend):
    x = np.zeros((0, 4, 4, 3), "float32")
    y = ops.global_average_pooling2d(x)
    assert y.shape == (0, 3)
    assert ops.global_average_pooling2d_backward(y, x).shape == x.shape


@pytest.mark.parametrize("keepdims", [False, True])
def test_the_layer(backend, keepdims):
    make = partial(layers.GlobalAveragePooling2D, keepdims=keepdims)
    shape = (2, 1, 1, 3) if keepdims else (2, 3)
    check_everything(make, (2, 4, 5, 3), shape, (), "global_average_pooling2d", trains=False)


@pytest.mark.parametrize("keepdims", [False, True])
def test_a_step_with_it_is_replayed(rng, keepdims):
    model = npcnn.Sequential(
        [
            layers.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.GlobalAvgPool2D(keepdims=keepdims),
            layers.Flatten(), layers.Dense(3, activation="softmax"),
        ]
    )  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = rng.normal(size=(6, 8, 8, 1)).astype("float32"), rng.integers(0, 3, 6)
    for _ in range(8):
        model.train_on_batch(x, y)
    assert model.program.last.played, str(model.program)


def test_only_images():
    with pytest.raises(npcnn.checks.ArgumentError, match="expected images as"):
        layers.GlobalAveragePooling2D().build((None, 5))
