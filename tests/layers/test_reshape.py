"""Reshape, beside NumPy's."""

from functools import partial

import numpy as np
import pytest
from arrays import LAYOUTS, in_layout
from layer_checks import check_everything

import npcnn
from npcnn import layers
from npcnn.backend import using
from npcnn.checks import ArgumentError

CASES = [((4, 6, 2), (8, 6)), ((48,), (4, 3, 4)), ((4, 6, 2), (3, -1, 4)), ((6,), (6,)),
         ((2, 3, 4), (-1,)), ((3, 4), (2, 1, 3, 2)), ((1,), (1, 1, 1))]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("shape", "target"), CASES)
def test_as_numpy_does_it(rng, backend, shape, target, dtype):
    x = rng.normal(size=(5, *shape)).astype(dtype)
    layer = layers.Reshape(target)
    layer.build((None, *shape), dtype)
    want = x.reshape(5, *target)
    for layout in LAYOUTS:
        y = layer.forward(in_layout(x, layout))
        np.testing.assert_array_equal(y, want)
        assert y.dtype == dtype
        assert layer.output_shape == (None, *want.shape[1:])
        back = layer.backward(in_layout(want, layout))
        np.testing.assert_array_equal(back, x)


@pytest.mark.parametrize("target", [(8, 6), (4, -1, 3), (2, 2, 2, 6)])
def test_the_layer(backend, target):
    shape = np.empty((2, 4, 6, 2)).reshape(2, *target).shape
    check_everything(partial(layers.Reshape, target), (2, 4, 6, 2), shape, (), "reshape")


def test_a_step_with_it_is_replayed(rng):
    x, y = rng.normal(size=(6, 64)).astype("float32"), rng.integers(0, 3, 6)
    with using("numba"):
        model = npcnn.Sequential(
            [
                layers.Input((64,)), layers.Reshape((8, 8, 1)), layers.Conv2D(4, 3),
                layers.Reshape((-1,)), layers.Dense(3, activation="softmax"),
            ]
        )  # fmt: skip
        model.compile("adam", "sparse_categorical_crossentropy")
        for _ in range(8):
            model.train_on_batch(x, y)
        assert model.program.last.played, str(model.program)


@pytest.mark.parametrize("target", [(-1, -1), (0,), (2.5,), "ab", (-2,), None, (1,) * 40])
def test_a_wrong_target_is_one_line(target):
    with pytest.raises(ArgumentError, match=r"^Reshape\(target_shape\): expected positive"):
        layers.Reshape(target)


@pytest.mark.parametrize("target", [(5,), (5, -1), (24, 3)])
def test_a_target_of_another_size(target):
    with pytest.raises(ArgumentError, match="expected samples that can have shape"):
        layers.Reshape(target).build((None, 6, 4))
