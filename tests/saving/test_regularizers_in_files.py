"""Regularizers and constraints in files: Keras trains on with them, and gives them back."""

import numpy as np
import pytest
from regularized_networks import NETWORKS, compiled

import npcnn


@pytest.mark.parametrize("name", NETWORKS)
def test_there_and_back(keras, tmp_path, name):
    extension = (".keras", ".h5")[list(NETWORKS).index(name) % 2]
    model, x, y = compiled(name)
    ours, back = tmp_path / f"ours{extension}", tmp_path / f"theirs{extension}"
    model.save(ours)
    theirs = keras(x, y, load=ours, train=3, save=[back])
    for value in theirs["losses"]:
        np.testing.assert_allclose(model.train_on_batch(x, y), value, rtol=1e-4)
    for one, other in zip(model.get_weights(), theirs["weights"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    again = npcnn.load_model(back)
    for one, other in zip(model.layers, again.layers, strict=True):
        for option, value in one.get_config().items():
            if option.endswith(("regularizer", "constraint")):
                found = other.get_config().get(option)
                assert (found is None) == (value is None)
                if value is not None:
                    assert found["class_name"] == value["class_name"]
                    for key, number in value["config"].items():
                        assert found["config"][key] == pytest.approx(number)
        assert list(one.regularizers) == list(other.regularizers)
        assert list(one.constraints) == list(other.constraints)
    np.testing.assert_allclose(
        again.evaluate(x, y, verbose=0), model.evaluate(x, y, verbose=0), rtol=1e-4
    )
