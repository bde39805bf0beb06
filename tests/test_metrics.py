import numpy as np
import pytest
from models import small_data, small_model

import npcnn
from npcnn import metrics
from npcnn.checks import ArgumentError, NpcnnError
from npcnn.metrics import Accuracy, Measure, Metric, Scores

OUTPUTS = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.4, 0.4, 0.2]])


def test_accuracy_of_labels_and_of_one_hot_rows():
    y, accuracy = np.array([1, 2, 0]), metrics.get("accuracy")
    np.testing.assert_array_equal(accuracy.values(y, OUTPUTS), [1, 0, 1])
    np.testing.assert_array_equal(accuracy.values(y[:, None], OUTPUTS), [1, 0, 1])
    np.testing.assert_array_equal(accuracy.values(np.eye(3)[y], OUTPUTS), [1, 0, 1])
    np.testing.assert_array_equal(accuracy.values(y > 0, OUTPUTS[:, 1:2]), [[1], [0], [1]])


def test_accuracy_of_more_axes():
    outputs = np.stack([OUTPUTS, OUTPUTS[::-1]])
    y, accuracy = outputs.argmax(axis=-1), metrics.get("accuracy")
    assert accuracy.values(y, outputs).shape == (2, 3)
    assert accuracy.values(y, outputs).all()


@pytest.mark.parametrize("name", ["accuracy", "acc", "categorical_accuracy", "mse", "auc", "AUC"])
def test_get_by_name(name):
    assert metrics.get(name).name == name


def test_get_an_object():
    metric = Accuracy("right")
    assert metrics.get(metric) is metric
    assert type(metrics.get(metrics.Recall)) is metrics.Recall
    with pytest.raises(ArgumentError, match=r"compile\(metrics\): expected one of accuracy, "):
        metrics.get("accurracy")
    with pytest.raises(ArgumentError, match=r"compile\(metrics\)"):
        metrics.get(5)


def test_names_are_kept_apart():
    model = npcnn.Sequential([npcnn.layers.Input((2,)), npcnn.layers.Dense(1)])
    own = ["auc", metrics.AUC(), metrics.AUC(curve="PR"), "acc", None]
    model.compile("sgd", "mse", own, weighted_metrics=["mae", metrics.MeanAbsoluteError("mae")])
    logs = model.test_on_batch(np.zeros((3, 2)), np.zeros((3, 1)), return_dict=True)
    assert sorted(logs) == ["acc", "auc", "auc_1", "auc_1_1", "loss", "mae", "weighted_mae"]


def test_an_area_for_each_column_of_the_first_batch():
    y, p = np.eye(3)[[0, 1, 2, 1]], np.random.default_rng(0).uniform(size=(4, 3))
    metric = metrics.AUC(multi_label=True, label_weights=[1, 2, 1])
    assert metric.result() == 0
    columns = [metrics.AUC()(y[:, k], p[:, k]) for k in range(3)]
    np.testing.assert_allclose(metric(y, p), np.average(columns, weights=[1, 2, 1]))
    metric.reset_state()
    np.testing.assert_allclose(metric(y, p), np.average(columns, weights=[1, 2, 1]))
    with pytest.raises(ArgumentError, match=r"AUC.update_state\(y_pred\): expected 3 columns"):
        metric(y[:, :2], p[:, :2])


class MeanOfSquares:
    """Written after Keras's protocol, derived from nothing."""

    name = "squares"
    _direction = "down"

    def __init__(self):
        self.total, self.seen = 0.0, 0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total += float((y_pred**2).sum())
        self.seen += len(y_pred)

    def result(self):
        return self.total / self.seen

    def reset_state(self):
        self.total, self.seen = 0.0, 0


class Largest(Metric):
    """npcnn's own protocol: one value a sample."""

    def values(self, y_true, y_pred):
        return y_pred.max(axis=-1)


class Above(Metric):
    """Keras's, with a variable."""

    def __init__(self, name="above", **kwargs):
        super().__init__(name=name, **kwargs)
        self.hits = self.add_weight(name="hits", shape=(2,), initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.hits.assign_add([(y_pred.max(axis=-1) > 0.4).sum(), len(y_pred)])

    def result(self):
        return self.hits[0] / self.hits[1]


def test_metrics_of_strangers(backend):
    def smallest(y_true, y_pred):
        return y_pred.min(axis=-1)

    x, y = small_data(20)
    model = small_model()
    listed = [MeanOfSquares(), Largest(), Above(), smallest, "accuracy"]
    model.compile("sgd", "sparse_categorical_crossentropy", listed)
    history = model.fit(x, y, 8, 2, 0, validation_data=(x, y)).history
    outputs = model.predict(x, verbose=0)
    wanted = {
        "squares": (outputs**2).sum() / 20, "largest": outputs.max(axis=1).mean(),
        "above": (outputs.max(axis=1) > 0.4).mean(), "smallest": outputs.min(axis=1).mean(),
    }  # fmt: skip
    own = sorted(["loss", "accuracy", *wanted])  # Keras's order
    assert list(history) == own + [f"val_{name}" for name in own]
    for name, value in wanted.items():
        assert history[f"val_{name}"][-1] == pytest.approx(value, rel=1e-5)
        assert model.evaluate(x, y, 7, 0, return_dict=True)[name] == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("make", [MeanOfSquares, Largest, Above, metrics.AUC, metrics.Precision])
def test_state_goes_on(make):
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, (30, 4)), rng.random((30, 4))
    whole, first, second = (metrics.get(make()) for _ in range(3))
    whole.update_state(y, p)
    first.update_state(y[:11], p[:11])
    state = first.get_state()
    first.update_state(y, p)  # the state is a copy
    second.set_state(state)
    second.update_state(y[11:], p[11:])
    assert second.result() == pytest.approx(whole.result(), rel=1e-12)
    second.reset_state()
    second.update_state(y, p)
    assert second.result() == pytest.approx(whole.result(), rel=1e-12)


@pytest.mark.parametrize("name", ["mse", "precision", "auc", "categorical_accuracy", "accuracy"])
def test_targets_that_do_not_fit(name):
    """Labels where rows are wanted would be broadcast, and counted wrongly in silence."""
    y = np.zeros((3, 2)) if name == "accuracy" else np.array([0, 1, 2])
    with pytest.raises(ArgumentError, match=r"the metric's y_true: expected targets \(n, 3\), got"):
        metrics.get(name).update_state(y, OUTPUTS)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: metrics.Precision(thresholds=1.5), r"Precision\(thresholds\): expected numbers"),
        (lambda: metrics.Recall(top_k=0), r"Recall\(top_k\): expected a positive integer"),
        (lambda: metrics.AUC(curve="RCO"), r"AUC\(curve\): expected one of ROC, PR, got 'RCO'"),
        (lambda: metrics.AUC(num_thresholds=1), r"AUC\(num_thresholds\): expected 2 or more"),
        (lambda: metrics.TopKCategoricalAccuracy(1.5), r"TopKCategoricalAccuracy\(k\): expected"),
    ],
)
def test_arguments(make, text):
    with pytest.raises(ArgumentError, match=text):
        make()


@pytest.mark.parametrize("form", ["keras", "h5"])
def test_metrics_in_files(tmp_path, form):
    listed = [
        "accuracy", metrics.SparseTopKCategoricalAccuracy(2), metrics.AUC(7, "PR", name="area"),
        metrics.Recall([0.2, 0.5], class_id=1), "mse", metrics.BinaryAccuracy(threshold=0.25),
    ]  # fmt: skip
    model = small_model()
    model.compile("sgd", "sparse_categorical_crossentropy", listed)
    model.save(tmp_path / f"m.{form}")
    back = npcnn.load_model(tmp_path / f"m.{form}")
    assert back.metric_names == model.metric_names
    assert [m.name for m in back.metrics] == ["loss", "compile_metrics"]
    for one, other in zip(back.metrics[1].metrics, model.metrics[1].metrics, strict=True):
        assert (type(one), one.get_config()) == (type(other), other.get_config())


def test_scores_weigh_the_loss_by_size():
    scores = Scores([])
    assert scores.result() == {"loss": 0}
    for n, loss in ((30, 1.0), (10, 4.0)):
        scores.update([np.full(n, loss)], [np.zeros(n)], [np.zeros(n)], [np.ones(n)])
    assert scores.result() == {"loss": 1.75}


def test_scores_begin_anew():
    metric = metrics.get("accuracy")
    metric.update_state(np.array([1]), OUTPUTS[:1])
    assert Scores([Measure(metric, 0)]).result() == {"loss": 0, "accuracy": 0}


ALONE = {
    "labels": (metrics.SparseCategoricalAccuracy, [0, 1, 1], [[0.8, 0.2], [0.3, 0.7], [0.6, 0.4]]),
    "bits": (metrics.BinaryAccuracy, [0, 1, 1], [0.2, 0.8, 0.4]),
    "auc": (metrics.AUC, [0, 1, 1], [0.2, 0.8, 0.4]),
    "precision": (metrics.Precision, [0, 1, 1], [0.2, 0.8, 0.4]),
    "f1": (metrics.F1Score, [[0, 1], [1, 0], [1, 0]], [[0.2, 0.8], [0.4, 0.6], [0.7, 0.3]]),
    "mse": (metrics.MeanSquaredError, [[0.0], [1.0], [2.0]], [[1.0], [1.0], [1.0]]),
    "r2": (metrics.R2Score, [[0.0], [1.0], [2.0]], [[0.5], [1.0], [1.0]]),
}


@pytest.mark.parametrize("name", ALONE)
def test_metrics_alone_take_lists(name):
    """As programs with a loop of their own call them; what is no numbers is one line."""
    make, y_true, y_pred = ALONE[name]
    metric, other = make(), make()
    metric.update_state(y_true, y_pred)
    np.testing.assert_array_equal(metric.result(), other(np.array(y_true), np.array(y_pred)))
    metric.reset_state()
    metric.update_state(y_true, y_pred, sample_weight=2)
    np.testing.assert_allclose(metric.result(), other.result())
    metric.reset_state()
    metric.update_state(y_true, y_pred, [1, 0, 1])
    for wrong in (
        (None, y_pred), (y_true, "text"), (y_true, [[1], [1, 2]]), (y_true[:2], y_pred),
        (y_true, y_pred, "text"), (y_true, y_pred, [1, 2]), (y_true, y_pred, [1, -1, 1]),
        (y_true, y_pred, [1, np.nan, 1]), (y_true, y_pred, np.ma.masked_array([1, 1, 1])),
    ):  # fmt: skip
        with pytest.raises(NpcnnError) as caught:
            metric.update_state(*wrong)
        assert "\n" not in str(caught.value)


class Parts(Metric):
    """Several numbers by name, as Keras lets `result` return them."""

    def __init__(self, name="parts"):
        super().__init__(name=name)
        self.hits, self.seen = self.add_weight(name="hits"), self.add_weight(name="seen")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.hits.assign_add((y_pred.argmax(axis=-1) == y_true.reshape(-1)).sum())
        self.seen.assign_add(len(y_pred))

    def result(self):
        return {"share": self.hits / self.seen, "count": self.seen}


def test_a_metric_of_several_numbers_reports_each(tmp_path, capsys):
    x, y = small_data(20)
    model = small_model()
    model.compile("sgd", "sparse_categorical_crossentropy", [Parts(), "accuracy"])
    saver = npcnn.callbacks.ModelCheckpoint(tmp_path / "{epoch}_{count:.0f}.keras")
    logs = model.fit(x, y, 8, 2, 2, [saver], validation_data=(x[:9], y[:9])).history
    assert set(logs) == {
        f"{front}{name}"
        for front in ("", "val_")
        for name in ("loss", "accuracy", "count", "share")
    }
    assert [logs["count"], logs["val_count"]] == [[20, 20], [9, 9]]
    assert logs["share"] == logs["accuracy"]
    assert "count: 20.0000" in capsys.readouterr().out
    assert (tmp_path / "2_20.keras").exists()
    loss, *others = model.evaluate(x, y, verbose=0)  # as Keras lists them: dicts' entries behind
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    assert found == {"loss": loss, "accuracy": others[0], "count": 20, "share": others[0]}
    assert others == [others[0], 20, others[0]]
    assert model.test_on_batch(x[:4], y[:4], return_dict=True)["count"] == 4
    assert model.get_metrics_result()["count"] == 4


def test_each_number_of_several_is_looked_at():
    class Odd(Parts):
        def result(self):
            return {"share": "all"}

    model = small_model()
    model.compile("sgd", "sparse_categorical_crossentropy", [Odd()])
    with pytest.raises(npcnn.checks.DtypeError, match=r"the metric parts\['share'\].*got 'all'"):
        model.evaluate(*small_data(4), verbose=0)
