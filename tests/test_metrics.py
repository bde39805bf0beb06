import numpy as np
import pytest

from npcnn import metrics
from npcnn.checks import ArgumentError
from npcnn.metrics import Accuracy, Scores

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


def test_scores_weigh_the_loss_by_size():
    scores = Scores([])
    assert scores.result() == {"loss": 0}
    scores.update(np.full(30, 1.0), np.zeros(30), np.zeros(30))
    scores.update(np.full(10, 4.0), np.zeros(10), np.zeros(10))
    assert scores.result() == {"loss": 1.75}


def test_scores_begin_anew():
    metric = Accuracy()
    metric.update_state(np.array([1]), OUTPUTS[:1])
    assert Scores([metric]).result() == {"loss": 0, "accuracy": 0}
