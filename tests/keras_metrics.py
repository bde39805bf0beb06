"""Programs for keras_ways.py: metrics by batches, after a reset, weighted, and in a run."""

import re

import numpy as np
from keras_small import data, fresh, numbers, plain

SIZES = 9, 30, 9  # of batches; JAX compiles each metric anew for each


def of_batches(metric, batches, weights=None):
    """Return the results after one batch, after all, and after a reset and the first again."""
    metric.reset_state()
    found = []
    for k, (y, p) in enumerate(batches):
        metric.update_state(y, p, None if weights is None else weights[k])
        found.append(numbers(metric.result()))
    metric.reset_state()
    metric.update_state(*batches[0])
    return [re.sub(r"_\d+$", "", metric.name), found[0], found[-1], numbers(metric.result())]


def random_batches(kind):
    """Return three batches of targets and outputs: one_hot, labels, binary or far, with ties."""
    rng, found = np.random.default_rng(8), []
    for n in SIZES:
        p = rng.random((n, 6)).astype("float32")
        labels = rng.integers(0, 6, n)
        if kind == "binary":
            p = np.round(p, 1)  # some lie upon thresholds
            found.append(((rng.random((n, 6)) < p).astype("float32"), p))
        elif kind == "far":
            found.append((rng.normal(size=(n, 6)).astype("float32"), p))
        else:
            p /= p.sum(axis=1, keepdims=True)
            found.append((np.eye(6, dtype="float32")[labels] if kind == "one_hot" else labels, p))
    return found


def metric_classes(keras):
    m = keras.metrics
    weights = [np.linspace(0, 2, n).astype("float32") for n in SIZES]
    cases = {
        "one_hot": [m.CategoricalAccuracy(), m.TopKCategoricalAccuracy(k=2),
                    m.TopKCategoricalAccuracy(), m.Precision(top_k=2), m.Recall(top_k=3),
                    m.Recall(class_id=2), m.Precision(class_id=1, thresholds=0.2)],
        "labels": [m.SparseCategoricalAccuracy(), m.SparseTopKCategoricalAccuracy(k=3)],
        "far": [m.MeanSquaredError(), m.MeanAbsoluteError(), m.RootMeanSquaredError()],
        "binary": [m.BinaryAccuracy(), m.BinaryAccuracy(threshold=0.7), m.Accuracy(),
                   m.TruePositives(), m.TrueNegatives(thresholds=0.3), m.FalsePositives(),
                   m.FalseNegatives(thresholds=[0.8, 0.25, 0.5]), m.Precision(), m.Recall(),
                   m.Precision(thresholds=[0.1, 0.9]), m.Recall(thresholds=0.95, name="mine"),
                   m.AUC(), m.AUC(curve="PR"), m.AUC(num_thresholds=7),
                   m.AUC(summation_method="minoring"), m.AUC(summation_method="majoring"),
                   m.AUC(curve="PR", summation_method="majoring"), m.AUC(thresholds=[0.8, 0.3]),
                   m.AUC(from_logits=True), m.AUC(multi_label=True),
                   m.AUC(multi_label=True, num_labels=6, curve="PR",
                         label_weights=[1.0, 2.0, 0.0, 1.0, 3.0, 1.0])],
    }  # fmt: skip
    found = {}
    for kind, listed in cases.items():
        for k, metric in enumerate(listed):
            batches = random_batches(kind)
            plainly, weighted = (of_batches(metric, batches, w) for w in (None, weights))
            found[f"{kind} {k}"] = [plainly, weighted]
            config = {n: v for n, v in metric.get_config().items() if n not in ("dtype", "fn")}
            again = type(metric).from_config(config)
            found[f"{kind} {k} again"] = of_batches(again, batches)
    return {name: value for name, value in found.items() if "nan" not in str(value)}


def metrics_of_a_run(keras):
    """Their names in the history, by name and by object, and their numbers."""
    x, y = data(8)
    found = []
    for loss, targets, listed in (
        ("sparse_categorical_crossentropy", y,
         ["accuracy", "acc", "sparse_categorical_accuracy", "SparseCategoricalAccuracy"]),
        ("categorical_crossentropy", np.eye(2)[y],
         ["acc", "categorical_accuracy", "mse", "MAE", "mean_squared_error", "auc", "precision",
          "Recall"]),
        ("categorical_crossentropy", np.eye(2)[y],
         [keras.metrics.AUC(name="a"), keras.metrics.Precision(name="p"),
          keras.metrics.MeanSquaredError(), keras.metrics.BinaryAccuracy()]),
    ):  # fmt: skip
        model = fresh(keras)
        model.compile(keras.optimizers.SGD(0.5), loss, metrics=listed)
        history = model.fit(
            x, targets, batch_size=3, epochs=2, verbose=0, shuffle=False,
            validation_data=(x[:5], targets[:5]),
        )  # fmt: skip
        found.append(plain(history.history))
        found.append(plain(model.evaluate(x, targets, verbose=0, return_dict=True)))
    return found


PROGRAMS = [metric_classes, metrics_of_a_run]
