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
]  # fmt: skip
IDS = [f"{k} {case[0]}" for k, case in enumerate(CASES)]


def batches(case):
    """Yield (targets, outputs, weights) of three batches, the last of them weighted."""
    rng = np.random.default_rng(len(case[0]))
    for k, n in enumerate((5, 8, 3)):
        y = np.eye(4, dtype="float32")[rng.integers(0, 4, n)]
        y = y.argmax(axis=1) if "Sparse" in case[0] else y
        p = rng.uniform(0.05, 0.95, (n, 4)).astype("float32")
        yield y, p, rng.random(n).astype("float32") if k == 2 else None


@pytest.fixture(scope="module")
def keras_numbers(tmp_path_factory):
    tasks = {}
    for name, case in zip(IDS, CASES, strict=True):
        arrays = {}
        for k, (y, p, w) in enumerate(batches(case)):
            arrays |= {f"y{k}": y, f"p{k}": p, **({} if w is None else {f"w{k}": w})}
        tasks[name] = {"do": "metric", "make": case, "batches": 3}, arrays
    return ask(tmp_path_factory.mktemp("metrics"), tasks)


@pytest.mark.parametrize("name", IDS)
def test_results(keras_numbers, backend, name):
    case = CASES[IDS.index(name)]
    metric, again = (getattr(metrics, case[0])(**case[1]) for _ in range(2))
    assert type(metric).from_config(metric.get_config()).get_config() == metric.get_config()
    for k, (y, p, w) in enumerate(batches(case)):
        again.set_state(metric.get_state())
        for one in (metric, again):
            one.update_state(y, p, w)
            want = keras_numbers[name][f"result{k}"]
            np.testing.assert_allclose(one.result(), want, rtol=2e-5, atol=1e-7)
    metric.reset_state()
    assert np.all(np.asarray(metric.result()) == 0)
