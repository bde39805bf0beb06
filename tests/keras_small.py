"""A small model, the same under Keras and npcnn, and how results of programs are written down."""

import contextlib
import os
import re
import tempfile

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


def numbers(array):
    return np.asarray(array).astype(float).round(4).tolist()
