"""Losses in files: Keras trains on by them, and gives them back."""

import numpy as np
import pytest
from test_more_losses import IDS, LOSSES, targets_for

import npcnn
from npcnn import layers, losses


@pytest.mark.parametrize("loss", LOSSES, ids=IDS)
def test_there_and_back(keras, tmp_path, loss):
    extension = (".keras", ".h5")[LOSSES.index(loss) % 2]
    npcnn.set_random_seed(3)
    last = "softmax" if "CategoricalCross" in type(loss).__name__ else "sigmoid"
    last = None if getattr(loss, "from_logits", False) else last
    rows = [layers.Input((5,)), layers.Dense(6, "tanh"), layers.Dense(3, last)]
    model = npcnn.Sequential(rows)
    model.compile("sgd", loss)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(24, 5)).astype("float32"), targets_for(loss, rng, (24, 3))
    y = y if loss.labels else y.astype("float32")
    ours, back = tmp_path / f"ours{extension}", tmp_path / f"theirs{extension}"
    model.save(ours)
    theirs = keras(x, y, load=ours, train=3, save=[back])
    assert theirs["warnings"] == [] or extension == ".h5"
    for value in theirs["losses"]:
        np.testing.assert_allclose(model.train_on_batch(x, y), value, rtol=1e-4)
    again = npcnn.load_model(back)
    config = loss.get_config()
    if isinstance(loss, losses.Huber):
        config["delta"] = 1.0  # Keras forgets it
    assert type(again.objective.losses[0]) is type(loss)
    if again.objective.losses[0].get_config() != config:  # a function by name, in Keras
        assert config == type(loss)().get_config()
    for one, other in zip(model.get_weights(), theirs["weights"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_a_loss_of_ones_own_without_a_reduction(tmp_path):
    class Scaled(losses.Loss):
        def __init__(self, factor=1.0, name=None):
            super().__init__(name)
            self.factor = factor

        def values(self, targets, outputs):
            return self.factor * ((outputs - targets) ** 2).sum(axis=-1)

        def gradient(self, targets, outputs):
            return self.factor * 2 * (outputs - targets)

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    model = npcnn.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile("sgd", Scaled(3.0))
    model.save(tmp_path / "own.keras")
    again = npcnn.load_model(tmp_path / "own.keras", custom_objects={"Scaled": Scaled})
    assert again.loss.factor == 3.0
