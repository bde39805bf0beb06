"""Global max pooling, beside an oracle in loops."""

from functools import partial

import numpy as np
import pytest
from arrays import LAYOUTS, in_layout
from layer_checks import check_everything

import npcnn
from npcnn import layers
from npcnn.backend import using


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(2, 6, 7, 3), (20, 5, 4, 2), (1, 1, 1, 1), (3, 40, 30, 9)])
def test_forward_and_backward(rng, backend, shape, dtype):
    x = rng.normal(size=shape).astype(dtype)
    n, channels = shape[0], shape[3]
    grad = rng.normal(size=(n, channels)).astype(dtype)
    want, slope, winners = np.full((n, channels), -np.inf), np.zeros(shape), {}
    for s, i, j, c in np.ndindex(shape):
        if x[s, i, j, c] > want[s, c]:
            want[s, c], winners[s, c] = x[s, i, j, c], (s, i, j, c)
    for (s, c), place in winners.items():
        slope[place] = grad[s, c]
    layer = layers.GlobalMaxPooling2D(dtype=dtype)
    for layout in LAYOUTS:
        y = layer.forward(in_layout(x, layout))
        grad_x = layer.backward(in_layout(grad, layout))
        np.testing.assert_array_equal(y, want)
        np.testing.assert_array_equal(grad_x, slope)
        assert y.dtype == grad_x.dtype == dtype


@pytest.mark.parametrize("keepdims", [False, True])
def test_the_layer(backend, keepdims):
    make = partial(layers.GlobalMaxPooling2D, keepdims=keepdims)
    shape = (2, 1, 1, 3) if keepdims else (2, 3)
    check_everything(make, (2, 4, 5, 3), shape, (), "global_max_pooling2d", trains=False)


@pytest.mark.parametrize("keepdims", [False, True])
def test_a_step_with_it_is_replayed(rng, keepdims):
    x, y = rng.normal(size=(6, 8, 8, 1)).astype("float32"), rng.integers(0, 3, 6)
    with using("numba"):
        model = npcnn.Sequential(
            [
                layers.Input((8, 8, 1)), layers.Conv2D(4, 3),
                layers.GlobalMaxPool2D(keepdims=keepdims),
                layers.Flatten(), layers.Dense(3, activation="softmax"),
            ]
        )  # fmt: skip
        model.compile("adam", "sparse_categorical_crossentropy")
        for _ in range(8):
            model.train_on_batch(x, y)
        assert model.program.last.played, str(model.program)


def test_kinks():
    x = np.zeros((2, 3, 3, 2))
    x[0, 1, 1, 0] = x[1, 2, 0, 0] = x[1, 2, 1, 0] = 5
    assert layers.GlobalMaxPooling2D().kinks(x) == 3


def test_only_images():
    with pytest.raises(npcnn.checks.ArgumentError, match="expected images as"):
        layers.GlobalMaxPooling2D().build((None, 5))
