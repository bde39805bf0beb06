"""Figures that Keras's own tests print of metrics, held against npcnn.

Source: keras-team/keras, keras/src/metrics/*_test.py (accuracy, confusion, f_score, hinge, iou,
regression); figures alone were taken, to the digits printed there, and sums there worked out.
"""

import numpy as np
import pytest

from npcnn import metrics

# Fβ of three classes: average, β → without a weight; with half a weight for samples 0 and 4.
LABELS = np.eye(3)[[0, 1, 2, 0, 0, 2]]
SHARES = [
    [0.9, 0.1, 0.0], [0.2, 0.6, 0.2], [0.0, 0.0, 1.0],
    [0.4, 0.3, 0.3], [0.0, 0.9, 0.1], [0.0, 0.0, 1.0],
]  # fmt: skip
HALF = [0.5, 1.0, 1.0, 1.0, 0.5, 1.0]
F_BETA = {
    (None, 0.5): ([0.9090904, 0.555556, 1.0], [0.9375, 0.714286, 1.0]),
    (None, 1.0): ([0.8, 0.6666667, 1.0], [0.857143, 0.8, 1.0]),
    (None, 2.0): ([0.71428573, 0.833334, 1.0], [0.789474, 0.909091, 1.0]),
    ("micro", 0.5): (0.833333, 0.9), ("micro", 1.0): (0.833333, 0.9),
    ("micro", 2.0): (0.833333, 0.9), ("macro", 0.5): (0.821549, 0.883929),
    ("macro", 1.0): (0.822222, 0.885714), ("macro", 2.0): (0.849206, 0.899522),
    ("weighted", 0.5): (0.880471, 0.917857), ("weighted", 1.0): (0.844444, 0.902857),
    ("weighted", 2.0): (0.829365, 0.897608),
}  # fmt: skip


@pytest.mark.parametrize("key", F_BETA)
def test_f_beta(key):
    for weights, wanted in zip((None, HALF), F_BETA[key], strict=True):
        metric = metrics.FBetaScore(*key)
        metric.update_state(LABELS, SHARES, weights)
        np.testing.assert_allclose(metric.result(), wanted, atol=2e-6)
    if key[1] == 1.0:
        plain = metrics.F1Score(key[0])
        plain.update_state(LABELS, SHARES)
        np.testing.assert_allclose(plain.result(), F_BETA[key][0], atol=2e-6)


# The same of several labels a sample, by a threshold of 0.66.
THRESHOLD = {
    (None, 0.5): [0.71428573, 0.5, 0.833334], (None, 1.0): [0.8, 0.5, 0.6666667],
    (None, 2.0): [0.9090904, 0.5, 0.555556], ("micro", 0.5): 0.6666667,
    ("micro", 1.0): 0.6666667, ("micro", 2.0): 0.6666667, ("macro", 0.5): 0.6825397,
    ("macro", 1.0): 0.6555555, ("macro", 2.0): 0.6548822, ("weighted", 0.5): 0.6825397,
    ("weighted", 1.0): 0.6555555, ("weighted", 2.0): 0.6548822,
}  # fmt: skip


@pytest.mark.parametrize("key", THRESHOLD)
def test_f_beta_of_several_labels(key):
    given = [[0.7, 0.7, 0.7], [1, 0, 0], [0.9, 0.8, 0]]
    for labels, wanted in (
        ([[0, 0, 1], [1, 1, 0], [1, 1, 1]], THRESHOLD[key]),
        ([[1, 1, 1], [1, 0, 0], [1, 1, 0]], np.ones(3) if key[0] is None else 1.0),
        ([[0, 0, 0], [0, 1, 0], [0, 0, 1]], np.zeros(3) if key[0] is None else 0.0),
    ):
        metric = metrics.FBetaScore(*key, threshold=0.66)
        metric.update_state(labels, given)
        np.testing.assert_allclose(metric.result(), wanted, atol=2e-6)


BITS = [[0, 1, 0, 1, 0], [0, 0, 1, 1, 1], [1, 1, 1, 1, 0], [0, 0, 0, 0, 1]]
SAID = [[0, 0, 1, 1, 0], [1, 1, 1, 1, 1], [0, 1, 0, 1, 0], [1, 1, 1, 1, 1]]
RISING = [1.0, 1.5, 2.0, 2.5]
SIGNS = [[-1, 1, -1, 1], [-1, -1, 1, 1]]
ZEROS = [[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]]
FAR = [[-0.3, 0.2, -0.1, 1.6], [-0.25, -1.0, 0.5, 0.6]]
THREE, OTHER = [[1, 9, 2], [-5, -2, 6]], [[4, 8, 12], [8, 1, 3]]
MEANS = [  # class, targets, outputs, weights, what comes out, to how many digits
    ("MeanSquaredError", BITS, SAID, None, 0.5, 1e-5),
    ("MeanSquaredError", BITS, SAID, RISING, 0.54285, 1e-5),
    ("MeanAbsoluteError", BITS, SAID, None, 0.5, 1e-5),
    ("MeanAbsoluteError", BITS, SAID, RISING, 0.54285, 1e-5),
    ("MeanAbsolutePercentageError", BITS, SAID, None, 35e7, 1e2),
    ("MeanAbsolutePercentageError", BITS, SAID, RISING, 40e7, 1e2),
    ("MeanSquaredLogarithmicError", BITS, SAID, None, 0.24022, 1e-5),
    ("MeanSquaredLogarithmicError", BITS, SAID, RISING, 0.26082, 1e-5),
    ("RootMeanSquaredError", [2, 4, 6], [1, 3, 2], None, 6**0.5, 1e-6),
    ("RootMeanSquaredError", [2, 4, 6, 8], [1, 3, 2, 3], [0, 1, 0, 1], 13**0.5, 1e-6),
    ("Hinge", ZEROS, FAR, None, 0.506, 1e-3),
    ("Hinge", SIGNS, FAR, [1.5, 2.0], 0.493, 1e-3),
    ("SquaredHinge", ZEROS, FAR, None, 0.364, 1e-3),
    ("SquaredHinge", SIGNS, FAR, [1.5, 2.0], 0.347, 1e-3),
    ("CategoricalHinge", BITS, SAID, None, 0.5, 1e-5),
    ("CategoricalHinge", BITS, SAID, RISING, 0.5, 1e-5),
]


@pytest.mark.parametrize("case", MEANS, ids=lambda case: f"{case[0]} {case[3]}")
def test_means(case):
    name, y_true, y_pred, weights, wanted, digits = case
    metric = getattr(metrics, name)()
    y_true, y_pred = np.array(y_true, "float32"), np.array(y_pred, "float32")
    metric.update_state(y_true, y_pred, weights)
    assert metric.result() == pytest.approx(wanted, abs=digits)


FOUR, TURNED = [0, 0, 1, 1], [0, 1, 0, 1]
WEIGHTS = [0.2, 0.3, 0.4, 0.1]
GRADED, CUT = [0.1, 0.2, 0.4, 0.7], [0, 1, 0, 1]
ONE_HOT = [[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]]
SOFT = [[0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.5, 0.3, 0.1], [0.1, 0.4, 0.5]]
BOTH = (0.2 / 0.9 + 0.1 / 0.8) / 2
SHARED = [  # class, its arguments, targets, outputs, weights, what comes out
    ("IoU", {"num_classes": 2, "target_class_ids": [0, 1]}, FOUR, TURNED, None, 1 / 3),
    ("IoU", {"num_classes": 2, "target_class_ids": [1, 0]}, FOUR, TURNED, WEIGHTS, BOTH),
    ("IoU", {"num_classes": 2, "target_class_ids": [0, 1]}, [1], [1], None, 1.0),
    ("MeanIoU", {"num_classes": 2}, FOUR, TURNED, None, 1 / 3),
    ("MeanIoU", {"num_classes": 2}, FOUR, TURNED, WEIGHTS, BOTH),
    ("MeanIoU", {"num_classes": 2}, [1], [1], None, 1.0),
    ("MeanIoU", {"num_classes": 3, "ignore_class": 255}, [0, 1, 2, 255], [0, 1, 1, 1], None, 0.5),
    ("MeanIoU", {"num_classes": 3, "ignore_class": -1}, [0, 1, 2, -1], [0, 1, 1, 1], None, 0.5),
    ("MeanIoU", {"num_classes": 2, "ignore_class": -1}, [0, 0, 1, -1], TURNED, WEIGHTS, 1 / 9),
    ("BinaryIoU", {"threshold": 0.3}, CUT, GRADED, None, 1 / 3),
    ("BinaryIoU", {"threshold": 0.5}, CUT, GRADED, None, (2 / 3 + 1 / 2) / 2),
    ("BinaryIoU", {"threshold": 0.3}, CUT, GRADED, WEIGHTS, BOTH),
    ("BinaryIoU", {"threshold": 0.5}, CUT, GRADED, [0.1, 0.2, 0.4, 0.3], (5 / 7 + 3 / 5) / 2),
    ("OneHotIoU", {"num_classes": 3, "target_class_ids": [0, 2]}, ONE_HOT, SOFT, None, 1 / 6),
    ("OneHotIoU", {"num_classes": 3, "target_class_ids": [0, 2]}, ONE_HOT, SOFT,
     [0.1, 0.2, 0.3, 0.4], 1 / 14),
]  # fmt: skip


@pytest.mark.parametrize("case", SHARED, ids=lambda case: f"{case[0]} {case[1]} {case[4]}")
def test_intersections(case):
    name, arguments, y_true, y_pred, weights, wanted = case
    metric = getattr(metrics, name)(**arguments, dtype="float32")  # weights of fractions count
    assert metric.result() == 0
    metric.update_state(np.array(y_true), np.array(y_pred), weights)
    assert metric.result() == pytest.approx(wanted, abs=1e-6)


R2 = {
    (None, 0): [0.17305559, -8.836666, -0.521], (None, 1): [0.054920673, -10.241904, -0.7382858],
    (None, 2): [-0.10259259, -12.115555, -1.0280001], ("uniform_average", 0): -3.06153679,
    ("uniform_average", 1): -3.64175653, ("uniform_average", 2): -4.41538239,
    ("variance_weighted_average", 0): -1.37102246, ("variance_weighted_average", 1): -1.70973992,
    ("variance_weighted_average", 2): -2.16136336,
}  # fmt: skip


@pytest.mark.parametrize("key", R2)
def test_r2(key):
    y_true = np.eye(3)[[2, 1, 0]]
    metric = metrics.R2Score(*key)
    metric.update_state(
        y_true, [[0.4, 0.9, 1.6], [0.1, 1.2, 0.6], [1.5, 0.8, 0.6]], [0.8, 0.1, 0.4]
    )
    np.testing.assert_allclose(metric.result(), R2[key], rtol=2e-6, atol=2e-6)
    if key[1] == 0:
        metric = metrics.R2Score(key[0])
        metric.update_state(y_true, [[0.4, 0.5, 0.6], [0.1, 0.2, 0.3], [0.5, 0.8, 0.2]])
        wanted = [0.37, -1.295, 0.565] if key[0] is None else -0.12
        np.testing.assert_allclose(metric.result(), wanted, atol=2e-6)


GIVEN = [[0.9, 0.2, 0.8, 0.1], [0.2, 0.9, 0.7, 0.6], [0.1, 0.2, 0.4, 0.3], [0, 1, 0.7, 0.3]]
WHICH = [[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]]
PRIMES = [[1, 2, 3, 5], [7, 11, 13, 17], [19, 23, 29, 31], [5, 15, 10, 0]]
COUNTS = {  # of BITS and SAID plain and with RISING; by three thresholds, with weights or one
    "FalsePositives": (7.0, 14.0, [7.0, 4.0, 2.0], PRIMES, [125.0, 42.0, 12.0]),
    "FalseNegatives": (3.0, 5.0, [1.0, 4.0, 6.0], [[3], [5], [7], [4]], [4.0, 16.0, 23.0]),
    "TrueNegatives": (3.0, 4.0, [2.0, 5.0, 7.0], [[0, 2, 3, 5]] * 4, [5.0, 15.0, 23.0]),
    "TruePositives": (7.0, 12.0, [6.0, 3.0, 1.0], 37.0, [222.0, 111.0, 37.0]),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name):
    plain, rising, cut, weights, weighted = COUNTS[name]
    for y_true, y_pred, given, wanted, limits in (
        (BITS, SAID, None, plain, None), (BITS, SAID, RISING, rising, None),
        (WHICH, GIVEN, None, cut, [0.15, 0.5, 0.85]),
        (WHICH, GIVEN, weights, weighted, [0.15, 0.5, 0.85]),
    ):  # fmt: skip
        metric = getattr(metrics, name)(thresholds=limits)
        metric.update_state(y_true, np.array(y_pred, "float32"), given)
        np.testing.assert_allclose(metric.result(), wanted, rtol=1e-6)


ROWS, SPARSE = [[0, 0, 1], [0, 1, 0]], [[2], [1]]
NEAR, SURE = [[0.1, 0.9, 0.8], [0.05, 0.95, 0]], [[0.1, 0.6, 0.3], [0.05, 0.95, 0]]
RIGHT = [  # class, its arguments, targets, outputs, weights, what comes out
    ("Accuracy", {}, [[1], [2], [3], [4]], [[0], [2], [3], [4]], None, 0.75),
    ("Accuracy", {}, [[1], [2], [3], [4]], [[0], [2], [3], [4]], [1, 1, 0, 0], 0.5),
    ("BinaryAccuracy", {}, [[1], [1], [0], [0]], [[0.98], [1], [0], [0.6]], None, 0.75),
    ("BinaryAccuracy", {}, [[1], [1], [0], [0]], [[0.98], [1], [0], [0.6]], [1, 0, 0, 1], 0.5),
    ("BinaryAccuracy", {"threshold": 0.3}, [[1], [1], [0], [0]], [[0.98], [0.5], [0.1], [0.2]],
     None, 1.0),
    ("BinaryAccuracy", {"threshold": 0.9}, [[1], [1], [0], [0]], [[0.98], [0.5], [0.1], [0.2]],
     None, 0.75),
    ("CategoricalAccuracy", {}, ROWS, NEAR, None, 0.5),
    ("CategoricalAccuracy", {}, ROWS, NEAR, [0.7, 0.3], 0.3),
    ("SparseCategoricalAccuracy", {}, SPARSE, SURE, None, 0.5),
    ("SparseCategoricalAccuracy", {}, SPARSE, SURE, [0.7, 0.3], 0.3),
    ("TopKCategoricalAccuracy", {"k": 1}, ROWS, NEAR, None, 0.5),
    ("TopKCategoricalAccuracy", {"k": 1}, ROWS, NEAR, [0.7, 0.3], 0.3),
    ("Precision", {}, [0, 1, 1, 0], [1, 0, 1, 0], None, 0.5),
    ("Precision", {}, [0, 0, 0, 0], [0, 0, 0, 0], None, 0.0),
    ("Precision", {}, [[0, 1, 1, 0], [1, 0, 0, 1]], [[1, 0, 1, 0], [1, 0, 1, 0]],
     [[1, 2, 3, 4], [4, 3, 2, 1]], 0.7),
    ("Precision", {"thresholds": [0.5, 1.0]}, [[0, 1], [1, 0]], [[1, 0], [0.6, 0]],
     [[4, 0], [3, 1]], [3 / 7, 0.0]),
]  # fmt: skip


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: f"{case[0]} {case[1]} {case[4]}")
def test_shares_that_are_right(case):
    name, arguments, y_true, y_pred, weights, wanted = case
    metric = getattr(metrics, name)(**arguments)
    metric.update_state(np.array(y_true), np.array(y_pred, "float32"), weights)
    np.testing.assert_allclose(metric.result(), wanted, atol=1e-6)
