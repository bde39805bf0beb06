"""A network with batch normalisation, in Keras and here: its steps, its files, its statistics."""

import numpy as np

import npcnn
from npcnn import layers


def test_the_same_numbers_as_keras(keras, tmp_path):
    npcnn.set_random_seed(3)
    # No bias below: its gradient is rounding alone, of which Adam makes whole steps.
    model = npcnn.Sequential(
        [
            layers.Input((6, 6, 1)), layers.Conv2D(4, 3, use_bias=False),
            layers.BatchNormalization(momentum=0.9), layers.ReLU(), layers.Flatten(),
            layers.Dense(5, use_bias=False),
            layers.BatchNormalization(scale=False), layers.Dense(3, activation="softmax"),
        ]
    )  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(24, 6, 6, 1)).astype("float32"), rng.integers(0, 3, 24)
    model.train_on_batch(x, y)
    path = tmp_path / "model.keras"
    model.save(path)
    theirs = keras(x, y, load=path, train=6, save=[tmp_path / "theirs.keras"])
    np.testing.assert_allclose(model(x), theirs["arrays"]["y"], atol=1e-5)
    for loss in theirs["losses"]:
        np.testing.assert_allclose(model.train_on_batch(x, y), loss, rtol=1e-4)
    # moving statistics are no slots' business and yet move
    for one, other in zip(model.get_weights(), theirs["weights"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    back = npcnn.load_model(tmp_path / "theirs.keras")
    for one, other in zip(back.get_weights(), theirs["weights"], strict=True):
        np.testing.assert_array_equal(one, other)
    assert back.optimizer.iterations == 7
