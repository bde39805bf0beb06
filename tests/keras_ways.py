"""Small programs that run under Keras and under npcnn; what they return must be the same.

Each takes the package, `keras` or `npcnn`. Run as a program, this file prints as JSON what they
return under the real Keras; it knows nothing of npcnn then.
"""

import contextlib
import io
import json
import os
import re
import sys
import tempfile
import warnings
from pathlib import Path

import keras_steps
import numpy as np
import own_classes

HOOKS = [
    "on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end",
    "on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end",
    "on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end",
    "on_predict_begin", "on_predict_end", "on_predict_batch_begin", "on_predict_batch_end",
]  # fmt: skip


def data(n=5):
    x = np.random.default_rng(3).random((n, 3)).astype("float32")
    return x, np.arange(n) % 2


@contextlib.contextmanager
def inside_a_folder():
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def fresh(keras, rate=0.5, metrics=("accuracy",)):
    """Return a model whose weights are the same everywhere."""
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, "softmax")])
    model.set_weights([np.arange(6).reshape(3, 2).astype("float32") / 7, np.zeros(2, "float32")])
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.SGD(rate), loss, metrics=list(metrics))
    return model


def plain(logs):
    """Return logs in a form that both packages share: sorted, rounded."""
    logs = {k: np.asarray(v).round(4).tolist() for k, v in dict(logs).items()}
    return dict(sorted(logs.items()))


def rounded(text):
    """Return a text with its fractions rounded: Keras counts in float32."""
    return re.sub(r"\d+\.\d+", lambda match: f"{float(match[0]):.4g}", text)


def noting(keras, notes, hooks=HOOKS):
    """Return a callback that notes each call of a hook with its arguments."""

    def note(hook):
        def called(self, *args, **named):
            *numbers, logs = [*args, *named.values()]
            notes.append([hook, *numbers, plain(logs)])
            if hook.startswith("on_train_batch"):  # what else calls the older names
                getattr(keras.callbacks.Callback, hook)(self, *args, **named)

        return called

    return type("Noting", (keras.callbacks.Callback,), {hook: note(hook) for hook in hooks})()


def hooks_of_fit(keras):
    notes = []
    x, y = data()
    fresh(keras).fit(
        x, y, batch_size=3, epochs=3, verbose=0, shuffle=False, callbacks=[noting(keras, notes)],
        validation_data=(x[:4], y[:4]), validation_freq=2,
    )  # fmt: skip
    return notes


def hooks_of_evaluate(keras):
    notes = []
    x, y = data()
    fresh(keras).evaluate(x, y, batch_size=3, verbose=0, callbacks=[noting(keras, notes)])
    return notes


def hooks_of_predict(keras):
    notes = []
    fresh(keras).predict(data()[0], batch_size=3, verbose=0, callbacks=[noting(keras, notes)])
    return notes


def params(keras):
    seen = []

    class Look(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append(dict(sorted(self.params.items())))

        on_test_begin = on_predict_begin = on_train_begin

    model, (x, y) = fresh(keras), data()
    model.fit(x, y, batch_size=3, epochs=4, verbose=0, callbacks=[Look()], initial_epoch=3)
    model.evaluate(x, y, batch_size=2, verbose=0, callbacks=[Look()])
    model.predict(x, batch_size=1, verbose=0, callbacks=[Look()])
    return seen


def stop_within_an_epoch(keras):
    """Stop at one hook; the steps taken, the epochs ended and the validations are counted."""
    at = ["on_train_begin", "on_epoch_begin", "on_train_batch_end", "on_test_begin", "on_epoch_end"]
    return {hook: stopped_at(keras, hook) for hook in at}


def stopped_at(keras, hook):
    notes = []
    model, (x, y) = fresh(keras), data(8)

    def stop(*args, **named):
        if args[0] == 1 or hook in ("on_train_begin", "on_test_begin"):
            model.stop_training = True

    kept = ["on_epoch_end", "on_batch_end", "on_test_end", "on_train_end"]
    listed = [keras.callbacks.LambdaCallback(**{hook: stop}), noting(keras, notes, kept)]
    history = model.fit(
        x, y, batch_size=2, epochs=3, verbose=0, shuffle=False, validation_data=(x, y),
        callbacks=listed,
    )  # fmt: skip
    return [history.epoch, plain(history.history), notes]


def stop_evaluating_and_predicting(keras):
    class Stop(keras.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_evaluating = batch == 1

        def on_predict_batch_end(self, batch, logs=None):
            self.model.stop_predicting = batch == 0

    model, (x, y) = fresh(keras), data(8)
    values = model.evaluate(x, y, batch_size=2, verbose=0, callbacks=[Stop()], return_dict=True)
    outputs = model.predict(x, batch_size=2, verbose=0, callbacks=[Stop()])
    again = model.evaluate(x, y, batch_size=2, verbose=0, return_dict=True)
    return [plain(values), outputs.round(4).tolist(), plain(again)]


def first_steps(keras):
    model, (x, y) = fresh(keras), data(8)
    values = model.evaluate(x, y, 3, 0, None, 2, return_dict=True)
    return [plain(values), model.predict(x, 3, 0, 1).round(4).tolist()]


def what_a_callback_adds_to_the_logs(keras):
    class Add(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["rate"] = 0.5 + epoch

    seen = []
    other = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(plain(logs))
    )
    x, y = data()
    history = fresh(keras).fit(x, y, epochs=2, verbose=0, shuffle=False, callbacks=[Add(), other])
    return [plain(history.history), seen]


def lambda_callbacks(keras):
    notes = []
    callback = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: notes.append(["begin", plain(logs)]),
        on_train_end=lambda logs: notes.append(["end", plain(logs)]),
        on_epoch_begin=lambda epoch, logs: notes.append(["epoch", epoch, plain(logs)]),
        on_epoch_end=None,
        on_train_batch_begin=lambda batch, logs: notes.append(["batch", batch, plain(logs)]),
        on_test_end=lambda logs: notes.append(["test", plain(logs)]),
    )
    x, y = data()
    fresh(keras).fit(x, y, verbose=0, shuffle=False, callbacks=[callback], validation_data=(x, y))
    return notes


def ones_own_history(keras):
    history, notes = keras.callbacks.History(), []
    x, y = data()
    given = [history, noting(keras, notes, ["on_epoch_end"])]
    returned = fresh(keras).fit(x, y, verbose=0, shuffle=False, callbacks=given)
    return [returned is history, plain(history.history), notes]


def watched(keras, make, curves, name="val_loss", rate=0.5, **fit):
    """Run one epoch a value, which a callback reports under a name; None is not reported."""
    seen = []

    class Report(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if curves[epoch] is not None:
                logs[name] = curves[epoch]

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(
                [round(float(self.model.optimizer.learning_rate), 6), self.model.get_weights()]
            )

    model, (x, y) = fresh(keras, rate, metrics=()), data()
    listed = [Report(), Look(), make(keras.callbacks)]
    model.fit(x, y, epochs=len(curves), verbose=0, shuffle=False, callbacks=listed, **fit)
    last = model.get_weights()[0]
    same = [k for k, (_, weights) in enumerate(seen) if (weights[0] == last).all()]
    return [len(seen), [rate for rate, _ in seen], same]


FALLING = [5.0, 4.0, 3.5, 3.6, 3.7, 3.5, 3.4, 3.41, 3.42, 3.43, 3.44, 3.45]
GAPS = [5.0, None, 4.0, None, 4.1, None, 4.2, None, 4.3]
NANS = [2.0, float("nan"), float("nan"), 1.0, float("nan")]


def early_stopping(keras):
    found = {}
    for k, options in enumerate(
        [{}, {"patience": 2}, {"patience": 3, "restore_best_weights": True, "verbose": 1},
         {"min_delta": 0.45, "patience": 2}, {"baseline": 3.55, "patience": 2, "verbose": 1},
         {"baseline": 1.0, "patience": 3, "restore_best_weights": True, "verbose": 1},
         {"start_from_epoch": 5, "patience": 1, "restore_best_weights": True},
         {"mode": "max", "patience": 1, "restore_best_weights": True}]
    ):  # fmt: skip
        for name, curve in {"falling": FALLING, **({"nans": NANS} if k < 3 else {})}.items():
            found[f"{k} {name}"] = watched(keras, lambda c, o=options: c.EarlyStopping(**o), curve)
    return found


def early_stopping_every_other_epoch_or_never(keras):
    return [
        watched(keras, lambda c: c.EarlyStopping(patience=2, restore_best_weights=True), GAPS),
        watched(keras, lambda c: c.EarlyStopping(restore_best_weights=True), [None, None, None]),
    ]


def unknown_modes(keras):
    return [
        watched(keras, lambda c: c.EarlyStopping(mode="up"), [1.0, 2.0, 3.0]),
        watched(keras, lambda c: c.ReduceLROnPlateau(mode="low", patience=1), [1.0, 2.0, 3.0]),
        watched(keras, lambda c: c.ModelCheckpoint("never.keras", mode="", save_freq=100), [1.0]),
    ]


def reduce_lr_on_plateau(keras):
    found = {}
    for k, options in enumerate(
        [{"patience": 2, "verbose": 1}, {"patience": 1, "factor": 0.5, "verbose": 1},
         {"patience": 1, "factor": 0.5, "cooldown": 2, "verbose": 1},
         {"patience": 1, "factor": 0.2, "min_lr": 0.05, "verbose": 1},
         {"patience": 2, "min_delta": 0.6}, {"patience": 1, "mode": "max"}, {"patience": 0}]
    ):  # fmt: skip
        for name, curve in {"falling": FALLING, **({"nans": NANS} if k < 3 else {})}.items():
            found[f"{k} {name}"] = watched(
                keras, lambda c, o=options: c.ReduceLROnPlateau(**o), curve
            )
    return found


def reduce_lr_every_other_epoch_or_never(keras):
    return [
        watched(keras, lambda c: c.ReduceLROnPlateau(patience=1), GAPS),
        watched(keras, lambda c: c.ReduceLROnPlateau(), [None, None]),
    ]


def learning_rate_in_the_history(keras):
    x, y = data()
    found = []
    for callback in (
        keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=100),
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.25 * (epoch + 1), verbose=1),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate=0.5: np.float32(rate / 4)),
    ):
        history = fresh(keras).fit(x, y, epochs=3, verbose=0, shuffle=False, callbacks=[callback])
        found.append(plain(history.history))
    return found


def terminate_on_nan(keras):
    x, y = data(8)
    x[5] = 1e38
    model, notes = fresh(keras, 1e30), []
    listed = [keras.callbacks.TerminateOnNaN(), noting(keras, notes, ["on_batch_begin"])]
    with np.errstate(all="ignore"):
        model.fit(x, y, batch_size=2, epochs=3, verbose=0, shuffle=False, callbacks=listed)
    return notes


def csv_logger(keras):
    found = []
    x, y = data()
    with tempfile.TemporaryDirectory() as folder:
        for separator, append, more in (
            (",", False, {}), (",", True, {}), (";", False, {"validation_data": (x, y)}),
            (";", True, {"validation_data": (x, y), "validation_freq": 2}),
        ):  # fmt: skip
            logger = keras.callbacks.CSVLogger(f"{folder}/log.csv", separator, append)

            class Add(keras.callbacks.Callback):
                def on_epoch_end(self, epoch, logs=None):
                    logs.update(pair=[1, 2.5], word="a,b;c")

            model = fresh(keras)
            model.fit(x, y, epochs=2, verbose=0, shuffle=False, callbacks=[Add(), logger], **more)
            model.fit(x, y, epochs=4, verbose=0, initial_epoch=2, callbacks=[logger], shuffle=False)
            with open(f"{folder}/log.csv", newline="") as file:
                found.append(rounded(file.read()))
    return found


def model_checkpoint(keras):
    """Which files are written, and what is printed; the folder stands for itself."""
    found = []
    for options in (
        {"filepath": "a/b/{epoch:02d}-{val_loss:.2f}.keras", "verbose": 1},
        {"filepath": "best.keras", "save_best_only": True, "verbose": 1},
        {"filepath": "{epoch}.weights.h5", "save_weights_only": True, "save_best_only": True},
        {"filepath": "max-{epoch}.keras", "save_best_only": True, "mode": "max", "verbose": 1},
        {"filepath": "low-{epoch}.keras", "save_best_only": True, "initial_value_threshold": 3.55,
         "verbose": 1},
        {"filepath": "{epoch}-{batch}.keras", "save_freq": 2, "verbose": 1},
    ):  # fmt: skip
        with inside_a_folder():
            watched(keras, lambda c, o=options: c.ModelCheckpoint(**o), FALLING[:5], batch_size=2)
            found.append(sorted(str(path) for path in Path().rglob("*.*")))
    return found


def model_checkpoint_every_other_epoch_or_never(keras):
    found = []
    for curve in (GAPS, [None, None]):
        with inside_a_folder():
            options = {"save_best_only": True, "verbose": 1}
            watched(keras, lambda c, o=options: c.ModelCheckpoint("{epoch}.keras", **o), curve)
            found.append(sorted(str(path) for path in Path().rglob("*.*")))
    return found


def lines_of_callbacks_and_of_fit(keras):
    """What callbacks print stands above the epoch's line; times differ."""
    x, y = data()
    with inside_a_folder():
        listed = [
            keras.callbacks.ModelCheckpoint("m.keras", verbose=1),
            keras.callbacks.LearningRateScheduler(lambda epoch: 0.5, verbose=1),
        ]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            fresh(keras).fit(x, y, epochs=2, verbose=2, shuffle=False, callbacks=listed)
    return re.sub(r"1/1 - .*", "1/1", printed.getvalue())


def odd_ranks(keras):
    """ReLU of inputs of one to six axes, Flatten of single numbers; forwards and trained."""
    found = []
    for shape in ((3,), (3, 4), (2, 3, 4), (2, 3, 4, 2), (2, 2, 2, 2, 2), (2, 1, 3, 1, 2, 1)):
        x = np.linspace(-1, 9, int(np.prod(shape)), dtype="float32").reshape(shape)
        for options in ({}, {"max_value": 6.0, "negative_slope": 0.1, "threshold": 1.0}):
            relu = keras.layers.ReLU(**options)
            found.append(numbers(relu(x) + 0.0))
        found.append(list(keras.layers.Flatten()(x).shape))
        model = keras.Sequential(
            [keras.layers.Input(shape[1:]), keras.layers.ReLU(), keras.layers.Flatten(),
             keras.layers.Dense(2, "softmax")]
        )  # fmt: skip
        inner = int(np.prod(shape[1:]))
        model.set_weights([np.linspace(-0.1, 0.1, 2 * inner).reshape(inner, 2), np.zeros(2)])
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        history = model.fit(x, np.arange(len(x)) % 2, epochs=3, verbose=0)
        found.append([list(model.output_shape), plain(history.history)])
    return found


def numbers(array):
    return np.asarray(array).astype(float).round(4).tolist()


def weights_as_objects(keras):
    """Names, shapes and order of weights, before and after a layer is frozen and one assigned."""
    shapes = [keras.layers.Input((4, 4, 1)), keras.layers.Conv2D(2, 3)]
    rest = [keras.layers.BatchNormalization(), keras.layers.Flatten(), keras.layers.Dense(3)]
    model = keras.Sequential([*shapes, *rest])
    found = []
    for frozen in (False, True):
        model.layers[0].trainable = not frozen
        for owner in (*model.layers, model):
            for kind in ("weights", "trainable_weights", "non_trainable_weights",
                         "trainable_variables", "non_trainable_variables"):  # fmt: skip
                found.append([[w.name, list(w.shape), str(w.dtype)] for w in getattr(owner, kind)])
    bias = model.layers[-1].weights[1]
    bias.assign([1.0, 2.0, 3.0])
    bias.assign_add(np.ones(3, "float32"))
    bias.assign_sub(np.full(3, 0.5, "float32"))
    return [found, [w.path.split("/")[-2:] for w in model.weights][:1], bias.numpy().tolist(),
            numbers(model.get_weights()[-1]), np.asarray(bias).shape == bias.shape]  # fmt: skip


def small_helpers(keras):
    """What programs take from `backend`, `config`, `utils` and `models` besides."""
    keras.backend.clear_session()
    rows = np.arange(6.0, dtype="float32").reshape(2, 3)
    with warnings.catch_warnings():  # Keras 3 takes it and asks for an Input
        warnings.simplefilter("ignore")
        first = keras.layers.Dense(2, input_dim=3, name="a")
    model = keras.Sequential([first, keras.layers.Dense(1, name="b")])
    clone = keras.models.clone_model(model)
    again = type(model).from_config(model.get_config())
    facts = [
        [[layer.name for layer in m.layers], m.input_shape, m.output_shape, m.built]
        for m in (model, clone, again)
    ]
    keras.config.set_image_data_format("channels_last")
    keras.backend.set_floatx("float32")
    keras.backend.set_epsilon(1e-7)
    return [
        json.loads(json.dumps(facts)), keras.backend.epsilon(), keras.config.image_data_format(),
        keras.backend.floatx(), numbers(keras.utils.normalize(rows)),
        numbers(keras.utils.normalize(rows, order=1)),
        all((a == b).all() for a, b in zip(model.get_weights(), clone.get_weights(), strict=True)),
    ]  # fmt: skip


def compile_settings(keras):
    """Settings that change nothing of the numbers."""
    curves = []
    for settings in (
        {}, {"run_eagerly": True}, {"jit_compile": False}, {"steps_per_execution": 1},
        {"auto_scale_loss": False}, {"loss_weights": None, "weighted_metrics": None},
    ):  # fmt: skip
        model = fresh(keras)
        loss = "sparse_categorical_crossentropy"
        model.compile(keras.optimizers.SGD(0.5), loss, metrics=["accuracy"], **settings)
        history = model.fit(*data(), batch_size=2, epochs=2, verbose=0, shuffle=False).history
        curves.append({name: numbers(curve) for name, curve in sorted(history.items())})
    return curves


def spellings_and_configs(keras):
    """Names in capitals, and configs with None where a layer writes 'linear'."""
    layers = keras.layers
    found = [
        layers.Conv2D(2, 3, padding="SAME").get_config()["padding"],
    ]
    for layer in (layers.Dense(2, activation="relu"), layers.Conv2D(2, 3, activation="relu")):
        config = {**layer.get_config(), "activation": None}
        found.append(type(layer).from_config(config).get_config()["activation"])
    model = keras.Sequential([layers.Input((3,)), layers.Dense(2, activation="relu")])
    config = json.loads(model.to_json())
    config["config"]["layers"][-1]["config"]["activation"] = None
    back = keras.models.model_from_json(json.dumps(config))
    return [*found, back.layers[-1].get_config()["activation"]]


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
    for n in (9, 30, 4):
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
    weights = [np.linspace(0, 2, n).astype("float32") for n in (9, 30, 4)]
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


PROGRAMS = [
    hooks_of_fit, hooks_of_evaluate, hooks_of_predict, params, stop_within_an_epoch,
    stop_evaluating_and_predicting, first_steps, what_a_callback_adds_to_the_logs,
    lambda_callbacks, ones_own_history, early_stopping, early_stopping_every_other_epoch_or_never,
    unknown_modes, reduce_lr_on_plateau, reduce_lr_every_other_epoch_or_never,
    learning_rate_in_the_history, terminate_on_nan, csv_logger, model_checkpoint,
    model_checkpoint_every_other_epoch_or_never, lines_of_callbacks_and_of_fit,
    odd_ranks, weights_as_objects, small_helpers, compile_settings,
    spellings_and_configs, metric_classes, metrics_of_a_run, *keras_steps.PROGRAMS,
    *own_classes.PROGRAMS,
]  # fmt: skip


def result(program, package):
    """Return what a program returns and warns of, as JSON carries it; its prints stand first."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        returned = program(package)
    mine = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    return json.loads(json.dumps([rounded(printed.getvalue()), mine, returned]))


if __name__ == "__main__":
    import keras

    json.dump({program.__name__: result(program, keras) for program in PROGRAMS}, sys.stdout)
