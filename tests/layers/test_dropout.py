import numpy as np
import pytest
from layer_checks import check_everything

import npcnn
from npcnn import layers
from npcnn.checks import ArgumentError
from npcnn.gradient_check import check_layer


def forward(layer, x, step=0):
    return layer.forward(x, training=True, step=step)


@pytest.mark.parametrize(
    "arguments", [{"rate": 0.5}, {"rate": 0.0}, {"rate": 0.3, "noise_shape": (None, 1, 1, 2)}]
)
def test_everything(backend, arguments):
    def make(**more):
        return layers.Dropout(**arguments, seed=5, **more)

    check_everything(make, (3, 4, 4, 2), (3, 4, 4, 2), (), "dropout")
    assert check_layer(make(), (3, 4, 4, 2), training=True).passed


def test_nothing_is_dropped_outside_training():
    x = np.ones((4, 50), "float32")
    np.testing.assert_array_equal(layers.Dropout(0.9)(x), x)


def test_backward_after_inference_is_the_identity():
    layer = layers.Dropout(0.9)
    layer(np.ones((1, 9)))
    np.testing.assert_array_equal(layer.backward(np.ones((1, 9))), np.ones((1, 9)))


def test_the_mask_depends_on_seed_step_and_position():
    x = np.ones((2, 64), "float32")

    def mask(seed=1, step=0, position=0, own=None):
        layer = layers.Dropout(0.5, seed=own)
        layer.build((None, 64))
        vars(layer).update(_model_seed=seed, _stream=position)
        return forward(layer, x, step).tobytes()

    assert mask() == mask()
    different = {mask(), mask(seed=2), mask(step=1), mask(position=1), mask(own=3)}
    assert len(different) == 5
    assert mask(seed=2, own=3) == mask(own=3)


def test_without_a_model_the_process_seed_counts():
    x = np.ones((2, 64))
    seen = []
    for seed in (5, 5, 6):
        npcnn.set_random_seed(seed)
        layer = layers.Dropout(0.5)
        seen.append([layer(x, training=True), layer(x, training=True)])
        assert (seen[-1][0] != seen[-1][1]).any()
    np.testing.assert_array_equal(seen[0], seen[1])
    assert (seen[0][0] != seen[2][0]).any()


def test_noise_shape_shares_over_rows_and_columns():
    layer = layers.Dropout(0.5, noise_shape=(None, 1, 1, None), seed=0)
    y = layer(np.ones((50, 3, 4, 6)), training=True)
    for sample in y:
        assert (sample == sample[0, 0]).all()
    assert 0.4 < (y[:, 0, 0] == 0).mean() < 0.6


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, "0.5", None, float("nan")])
def test_bad_rates(rate):
    with pytest.raises(ArgumentError, match=r"Dropout\(rate\): expected a number from 0 up to"):
        layers.Dropout(rate)


def test_bad_noise_shapes():
    with pytest.raises(ArgumentError, match="expected one entry an axis"):
        layers.Dropout(0.5, noise_shape=(None, 3)).build((None, 4))
    with pytest.raises(ArgumentError, match=r"Dropout\(noise_shape\): expected a tuple or None"):
        layers.Dropout(0.5, noise_shape=3)
    with pytest.raises(ArgumentError, match=r"Dropout\(seed\): expected a whole number"):
        layers.Dropout(0.5, seed=-1)


@pytest.mark.parametrize("rows", [1, 7, 19, 21])
def test_a_mask_for_another_number_of_samples_is_refused(backend, rows):
    layer = layers.Dropout(0.5, noise_shape=(20, 1, 10), name="drop")
    assert layer(np.ones((20, 3, 10)), training=True).shape == (20, 3, 10)
    assert layer(np.ones((rows, 3, 10))).shape == (rows, 3, 10)  # nothing is dropped
    text = f"Dropout 'drop': expected batches of 20, as noise_shape says, got one of {rows}; put"
    with pytest.raises(ArgumentError, match=text):
        layer(np.ones((rows, 3, 10)), training=True)
