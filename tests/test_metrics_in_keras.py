"""Metrics that are losses, and F scores, beside the real Keras's over batches, weighted or not."""

import numpy as np
import pytest
from in_keras import ask, needs_keras

from npcnn import metrics

pytestmark = needs_keras

CASES = [
    ("MeanAbsolutePercentageError", {}), ("MeanSquaredLogarithmicError", {}), ("LogCoshError", {}),
    ("CosineSimilarity", {}), ("Hinge", {}), ("SquaredHinge", {}), ("CategoricalHinge", {}),
    ("KLDivergence", {}), ("Poisson", {}), ("BinaryCrossentropy", {}),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}),
    ("CategoricalCrossentropy", {}), ("CategoricalCrossentropy", {"label_smoothing": 0.2}),
    ("SparseCategoricalCrossentropy", {}),
    ("SparseCategoricalCrossentropy", {"from_logits": True}),
    ("F1Score", {}), ("F1Score", {"average": "micro", "threshold": 0.4}),
    ("FBetaScore", {"average": "macro", "beta": 2.0}),
    ("FBetaScore", {"average": "weighted", "beta": 0.5, "threshold": 0.5}),
    ("Mean", {}), ("Sum", {}),
    ("R2Score", {}), ("R2Score", {"class_aggregation": "variance_weighted_average"}),
    ("R2Score", {"class_aggregation": None, "num_regressors": 2}),
    ("PearsonCorrelation", {}), ("ConcordanceCorrelation", {}),
    ("PrecisionAtRecall", {"recall": 0.7}), ("RecallAtPrecision", {"precision": 0.3}),
    ("SensitivityAtSpecificity", {"specificity": 0.6, "num_thresholds": 7}),
    ("SpecificityAtSensitivity", {"sensitivity": 0.5, "class_id": 1}),
    ("PrecisionAtRecall", {"recall": 0.2, "num_thresholds": 1}),
    ("IoU", {"num_classes": 4, "target_class_ids": [0, 2], "sparse_y_true": False,
             "sparse_y_pred": False, "dtype": "float32"}),
    ("MeanIoU", {"num_classes": 3, "ignore_class": 1, "sparse_y_true": False,
                 "sparse_y_pred": False}),
    ("BinaryIoU", {"threshold": 0.4, "dtype": "float32"}),
    ("BinaryIoU", {"target_class_ids": [1]}),
    ("OneHotIoU", {"num_classes": 4, "target_class_ids": [1, 3], "dtype": "float32"}),
    ("OneHotMeanIoU", {"num_classes": 4}),
]  # fmt: skip
FUNCTIONS = [
    ("binary_accuracy", {"threshold": 0.4}), ("categorical_accuracy", {}),
    ("sparse_categorical_accuracy", {}), ("top_k_categorical_accuracy", {"k": 2}),
    ("sparse_top_k_categorical_accuracy", {"k": 3}), ("pearson_correlation", {}),
    ("concordance_correlation", {}), ("huber", {"delta": 0.3}), ("mean_squared_error", {}),
    ("sparse_categorical_crossentropy", {}), ("binary_focal_crossentropy", {}),
]  # fmt: skip
IDS = [f"{k} {case[0]}" for k, case in enumerate(CASES)]


def batches(case):
    """Yield (targets and outputs, weights) of three batches, the last of them weighted."""
    rng = np.random.default_rng(len(case[0]))
    for k, n in enumerate((5, 8, 3)):
        y = np.eye(4, dtype="float32")[rng.integers(0, 4, n)]
        y = y.argmax(axis=1) if "sparse" in case[0].lower() else y
        p = rng.uniform(0.05, 0.95, (n, 4)).astype("float32")
        w = rng.uniform(0, 3, (n, 4) if case[0] == "BinaryIoU" else n).astype("float32")
        given = (p,) if case[0] in ("Mean", "Sum") else (y, p)
        yield given, w if k == 2 else None


@pytest.fixture(scope="module")
def keras_numbers(tmp_path_factory):
    tasks = {}
    for name, case in zip(IDS, CASES, strict=True):
        arrays = {}
        for k, (given, w) in enumerate(batches(case)):
            arrays |= {f"{part}{k}": a for part, a in zip("yp", given, strict=False)}
            arrays |= {} if w is None else {f"w{k}": w}
        tasks[name] = {"do": "metric", "make": case, "batches": 3}, arrays
    for case in FUNCTIONS:
        (y, p), _ = next(batches(case))
        tasks[case[0]] = {"do": "function", "make": case}, {"y": y, "p": p}
    return ask(tmp_path_factory.mktemp("metrics"), tasks)


@pytest.mark.parametrize("name", IDS)
def test_results(keras_numbers, backend, name):
    case = CASES[IDS.index(name)]
    metric, again = (getattr(metrics, case[0])(**case[1]) for _ in range(2))
    assert type(metric).from_config(metric.get_config()).get_config() == metric.get_config()
    for k, (given, w) in enumerate(batches(case)):
        again.set_state(metric.get_state())
        for one in (metric, again):
            one.update_state(*given, sample_weight=w)
            want = keras_numbers[name][f"result{k}"]
            np.testing.assert_allclose(one.result().numpy(), want, rtol=2e-5, atol=1e-7)
    metric.reset_state()
    assert np.all(np.asarray(metric.result()) == 0)


@pytest.mark.parametrize("case", FUNCTIONS, ids=[case[0] for case in FUNCTIONS])
def test_functions(keras_numbers, case):
    (y, p), _ = next(batches(case))
    found, want = getattr(metrics, case[0])(y, p, **case[1]), keras_numbers[case[0]]["value"]
    assert found.dtype == want.dtype
    np.testing.assert_allclose(found, want, rtol=2e-5, atol=1e-6)
    kept = metrics.get(getattr(metrics, case[0]))
    assert kept.name == case[0]
    kept.update_state(y, p)
    assert kept.result() == pytest.approx(getattr(metrics, case[0])(y, p).mean(), rel=1e-5)
