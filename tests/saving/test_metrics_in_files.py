"""Metrics of one's own, and losses as metrics, in files: there and back."""

import numpy as np
import pytest
from models import small_data, small_model

import npcnn
from npcnn import Sequential, layers, losses, metrics
from npcnn.checks import NpcnnWarning


def smallest(y_true, y_pred):
    return y_pred.min(axis=-1)


class Largest(metrics.Mean):
    def __init__(self, name="largest", factor=1, **kwargs):
        super().__init__(name=name, **kwargs)
        self.factor = factor

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(self.factor * y_pred.max(axis=-1), sample_weight)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@pytest.fixture
def model():
    model = small_model()
    entropy = losses.SparseCategoricalCrossentropy(name="entropy")
    listed = [smallest, Largest(factor=3), entropy, metrics.sparse_categorical_accuracy]
    model.compile("sgd", "sparse_categorical_crossentropy", listed, weighted_metrics=["accuracy"])
    return model


@pytest.mark.parametrize("form", ["keras", "h5"])
def test_there_and_back(tmp_path, model, form):
    model.save(tmp_path / f"m.{form}")
    own, data = {"smallest": smallest, "Largest": Largest}, small_data()
    back = npcnn.load_model(tmp_path / f"m.{form}", own)
    assert back.metric_names == model.metric_names
    np.testing.assert_allclose(back.evaluate(*data, verbose=0), model.evaluate(*data, verbose=0))
    with pytest.warns(NpcnnWarning, match="the metric '(smallest|Largest)' is left out") as said:
        back = npcnn.load_model(tmp_path / f"m.{form}")
    assert len(said) == 2
    names = ["loss", "entropy", "sparse_categorical_accuracy", "accuracy"]
    assert back.metric_names == names


@pytest.mark.parametrize("form", ["keras", "h5"])
def test_functions_under_another_name(keras, tmp_path, form):
    """In Keras, too: a function alone is its name in .h5, one with a name a MeanMetricWrapper."""
    off = losses.mean_absolute_error
    model = Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile("sgd", "mse", [off, metrics.MeanMetricWrapper(off, name="far")])
    x, y = np.ones((4, 3)), np.zeros((4, 2))
    model.save(tmp_path / f"m.{form}")
    theirs = keras(x, y, load=tmp_path / f"m.{form}", train=1, save=[tmp_path / f"back.{form}"])
    assert theirs["compiled"]
    for name in ("m", "back"):
        back = npcnn.load_model(tmp_path / f"{name}.{form}")
        assert back.metric_names == model.metric_names == ["loss", "mean_absolute_error", "far"]
    model.compile("sgd", "mse", [metrics.MeanMetricWrapper(smallest, name="low")])
    model.save(tmp_path / f"own.{form}")
    back = npcnn.load_model(tmp_path / f"own.{form}", {"smallest": smallest})
    assert back.evaluate(x, y, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0))
    assert back.metric_names == ["loss", "low"]
    with pytest.warns(NpcnnWarning, match="the metric 'smallest' is left out"):
        assert npcnn.load_model(tmp_path / f"own.{form}").metric_names == ["loss"]


def test_what_has_no_name_is_left_out(tmp_path):
    model = small_model()
    model.compile("sgd", "sparse_categorical_crossentropy", [lambda y, p: y, "accuracy"])
    with pytest.warns(UserWarning, match="metric 'lambda' is not npcnn's own and is left out"):
        model.save(tmp_path / "m.keras")
    assert npcnn.load_model(tmp_path / "m.keras").metric_names == ["loss", "accuracy"]


def test_a_metric_by_weights_keeps_clear_of_another_s_name():
    model, (x, y) = small_model(), small_data(8)
    how = {"metrics": ["accuracy"], "weighted_metrics": ["accuracy"]}
    model.compile("sgd", "sparse_categorical_crossentropy", **how)
    weights = np.arange(8.0)
    found = model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
    right = model.predict(x, verbose=0).argmax(axis=-1) == y
    assert list(found) == ["accuracy", "loss", "weighted_accuracy"]
    assert found["accuracy"] == pytest.approx(right.mean())
    assert found["weighted_accuracy"] == pytest.approx((right * weights).sum() / 28)
