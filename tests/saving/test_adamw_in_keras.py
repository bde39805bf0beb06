"""AdamW here and in Keras: the same steps, from a file of the one into the other."""

import numpy as np

import npcnn
from npcnn import layers, optimizers


def test_the_same_steps_as_keras(keras, tmp_path):
    npcnn.set_random_seed(3)
    model = npcnn.Sequential(
        [layers.Input((5,)), layers.Dense(7, "relu"), layers.Dense(3, activation="softmax")]
    )
    model.compile(optimizers.AdamW(0.01, 0.2), "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(24, 5)).astype("float32"), rng.integers(0, 3, 24)
    model.train_on_batch(x, y)
    model.save(tmp_path / "ours.keras")
    theirs = keras(x, y, load=tmp_path / "ours.keras", train=6, save=[tmp_path / "theirs.keras"])
    for loss in theirs["losses"]:
        np.testing.assert_allclose(model.train_on_batch(x, y), loss, rtol=1e-5)
    for one, other in zip(model.get_weights(), theirs["weights"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    back = npcnn.load_model(tmp_path / "theirs.keras")
    assert back.optimizer.weight_decay == 0.2
    assert back.optimizer.iterations == 7
