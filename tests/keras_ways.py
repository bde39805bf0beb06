"""Small programs that run under Keras and under npcnn; what they return must be the same.

Each takes the package, `keras` or `npcnn`. Run as a program, this file prints as JSON what they
return under the real Keras; it knows nothing of npcnn then.
"""

import contextlib
import io
import json
import sys
import warnings

import numpy as np

HOOKS = [
    "on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end",
    "on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end",
    "on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end",
    "on_predict_begin", "on_predict_end", "on_predict_batch_begin", "on_predict_batch_end",
]  # fmt: skip


def data(n=5):
    x = np.random.default_rng(3).random((n, 3)).astype("float32")
    return x, np.arange(n) % 2


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


PROGRAMS = [
    hooks_of_fit, hooks_of_evaluate, hooks_of_predict, params, stop_within_an_epoch,
    stop_evaluating_and_predicting, first_steps, what_a_callback_adds_to_the_logs,
    lambda_callbacks, ones_own_history,
]  # fmt: skip


def result(program, package):
    """Return what a program returns and warns of, as JSON carries it; its prints stand first."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        returned = program(package)
    mine = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    return json.loads(json.dumps([printed.getvalue(), mine, returned]))


if __name__ == "__main__":
    import keras

    json.dump({program.__name__: result(program, keras) for program in PROGRAMS}, sys.stdout)
