"""Programs for keras_ways.py: what npcnn's callbacks and Keras's do as curves rise and fall."""

import contextlib
import io
import re
import tempfile
from pathlib import Path

import numpy as np
from keras_small import data, fresh, inside_a_folder, noting, plain, rounded


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


PROGRAMS = [
    lambda_callbacks, ones_own_history, early_stopping, early_stopping_every_other_epoch_or_never,
    unknown_modes, reduce_lr_on_plateau, reduce_lr_every_other_epoch_or_never,
    learning_rate_in_the_history, terminate_on_nan, csv_logger, model_checkpoint,
    model_checkpoint_every_other_epoch_or_never, lines_of_callbacks_and_of_fit,
]  # fmt: skip
