"""Objects as Keras writes them, and back; metrics that count in variables of their own."""

import json

import numpy as np
import pytest

import npcnn
from npcnn import (
    activations,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    ops,
    optimizers,
    regularizers,
    saving,
)  # fmt: skip
from npcnn.checks import ArgumentError


def doubled(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1) * 2


class Counted(metrics.Metric):
    def __init__(self, start=0.0, name="counted", **kwargs):
        super().__init__(name=name, **kwargs)
        self.start = start
        self.total = self.add_weight(name="total", initializer="ones")  # Keras's own has none

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(len(y_true))

    def result(self):
        return self.total


def test_a_metric_s_variables():
    metric = Counted()
    assert [(one.name, float(one)) for one in metric.variables] == [("total", 1.0)]
    metric(np.zeros((3, 1)), np.zeros((3, 1)))
    assert float(metric.result()) == 4.0
    again = Counted()
    again.set_state(metric.get_state())
    assert float(again.result()) == 4.0
    metric.reset_state()
    assert [float(one) for one in metric.variables] == [0.0]
    mean = metrics.Mean()
    mean.update_state([1.0, 2.0])
    assert [(one.name, float(one)) for one in mean.variables] == [("total", 3.0), ("count", 2.0)]


OBJECTS = {
    "layers": layers.Dense(3, name="q", activation="relu", kernel_regularizer="l2"),
    "losses": losses.Huber(2.0, reduction="sum"), "metrics": metrics.AUC(50, name="a"),
    "initializers": initializers.HeNormal(seed=1), "regularizers": regularizers.L1L2(0.1, 0.2),
    "constraints": constraints.MaxNorm(3.0), "optimizers": optimizers.SGD(0.5, momentum=0.25),
    "activations": activations.relu,
}  # fmt: skip


@pytest.mark.parametrize("room", OBJECTS)
def test_objects_are_written_and_read(room):
    module, thing = getattr(npcnn, room), OBJECTS[room]
    written = json.loads(json.dumps(module.serialize(thing)))
    for again in (module.deserialize(written), saving.deserialize_keras_object(written)):
        if room == "activations":
            assert again == "relu"
            continue
        assert written["module"] == f"keras.{room}"
        assert again.get_config() == thing.get_config()
    with pytest.raises(ArgumentError, match=r"deserialize|class"):
        module.deserialize({"class_name": "Nobody", "config": {}})


def test_objects_of_one_s_own_are_written_and_read():
    written = metrics.serialize(Counted(2.0))
    assert metrics.deserialize(written, {"Counted": Counted}).start == 2.0
    assert saving.deserialize_keras_object(written, {"Counted": Counted}).start == 2.0
    named = losses.serialize(doubled)
    assert losses.deserialize(named, {"doubled": doubled}) is doubled
    assert saving.deserialize_keras_object(named, {"doubled": doubled}) is doubled
    with pytest.raises(ArgumentError, match=r"deserialize_keras_object\(config\): expected what"):
        saving.deserialize_keras_object(named)
