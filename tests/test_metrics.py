import numpy as np
import pytest

from npcnn import metrics
from npcnn.checks import ArgumentError
from npcnn.metrics import Accuracy, RunningMean

OUTPUTS = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.4, 0.4, 0.2]])


def test_accuracy_of_labels_and_of_one_hot_rows():
    y = np.array([1, 2, 0])
    np.testing.assert_array_equal(Accuracy().values(y, OUTPUTS), [1, 0, 1])
    np.testing.assert_array_equal(Accuracy().values(np.eye(3)[y], OUTPUTS), [1, 0, 1])


def test_accuracy_of_more_axes():
    outputs = np.stack([OUTPUTS, OUTPUTS[::-1]])
    y = outputs.argmax(axis=-1)
    assert Accuracy().values(y, outputs).shape == (2, 3)
    assert Accuracy().values(y, outputs).all()


@pytest.mark.parametrize("name", ["accuracy", "acc", "categorical_accuracy"])
def test_get_by_name(name):
    assert metrics.get(name).name == name


def test_get_an_object():
    metric = Accuracy("right")
    assert metrics.get(metric) is metric
    with pytest.raises(ArgumentError, match=r"compile\(metrics\): expected one of accuracy, acc"):
        metrics.get("accurracy")
    with pytest.raises(ArgumentError, match=r"compile\(metrics\)"):
        metrics.get(5)


def test_running_mean_weighs_by_size():
    mean = RunningMean(["loss", "accuracy"])
    assert mean.result() == {"loss": 0, "accuracy": 0}
    mean.add([1.0, 0.5], 30)
    mean.add([4.0, 1.0], 10)
    assert mean.result() == {"loss": 1.75, "accuracy": 0.625}
