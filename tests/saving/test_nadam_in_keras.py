"""Nadam here and in Keras: the same steps, from a file of the one into the other."""

import numpy as np
import pytest

import npcnn
from npcnn import layers, optimizers


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("steps", [0, 3])
def test_the_same_steps_as_keras(keras, tmp_path, ending, steps):
    npcnn.set_random_seed(3)
    model = npcnn.Sequential(
        [layers.Input((5,)), layers.Dense(7, "tanh"), layers.Dense(3, activation="softmax")]
    )
    optimizer = optimizers.Nadam(0.01, 0.8, 0.9, 1e-5)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(24, 5)).astype("float32"), rng.integers(0, 3, 24)
    for _ in range(steps):
        model.train_on_batch(x, y)
    ours, back = tmp_path / f"ours{ending}", tmp_path / f"theirs{ending}"
    model.save(ours)
    theirs = keras(x, y, load=ours, train=6, save=[back])
    for loss in theirs["losses"]:
        np.testing.assert_allclose(model.train_on_batch(x, y), loss, rtol=1e-4)
    for one, other in zip(model.get_weights(), theirs["weights"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    again = npcnn.load_model(back)
    assert again.optimizer.get_config() == optimizer.get_config()
    assert again.optimizer.iterations == steps + 6
    for name, slot in optimizer.slots.items():
        np.testing.assert_allclose(again.optimizer.slots[name], slot, rtol=1e-3, atol=1e-6)
