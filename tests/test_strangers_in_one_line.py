"""Mistakes in classes and functions of a user's: one line, before they do harm or in time."""

import numpy as np
import pytest

import npcnn
from npcnn import NpcnnError, callbacks, layers, optimizers

X = np.ones((8, 3), "float32")
Y = np.ones((8, 2), "float32")


def learn(loss="mse", optimizer="sgd", metrics=(), called=None, data=(X, Y), **dense):
    model = npcnn.Sequential([layers.Input((3,)), layers.Dense(2, **dense)])
    model.compile(optimizer, loss, metrics=[*metrics])
    return model.fit(*data, epochs=2, verbose=0, callbacks=called)


class Returns(optimizers.Optimizer):
    def update(self, parameters, gradients):
        return parameters - self.learning_rate * gradients


class OneArgument(callbacks.Callback):
    def on_epoch_end(self, epoch): ...


class OfLength(npcnn.utils.PyDataset):
    def __init__(self, length):
        super().__init__()
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, number):
        return X, Y


MISTAKES = {
    "a loss of one argument": (
        lambda: {"loss": lambda y_true: y_true},
        "a function as a loss: expected a function of (y_true, y_pred), got one of (y_true)",
    ),
    "a metric of three": (
        lambda: {"metrics": [lambda a, b, c: a]},
        "a function as a metric: expected a function of (y_true, y_pred), got one of (a, b, c)",
    ),
    "a hook without logs": (
        lambda: {"called": [OneArgument()]},
        "OneArgument.on_epoch_end: expected a function of (epoch, logs), got one of (epoch)",
    ),
    "a hook that is a lambda": (
        lambda: {"called": [callbacks.LambdaCallback(on_train_begin=lambda: None)]},
        "LambdaCallback.on_train_begin: expected a function of (logs), got one of ()",
    ),
    "an update that returns": (
        lambda: {"optimizer": Returns(0.1)},
        "Returns.update: expected parameters changed in place, got an array",
    ),
    "an update that returns, with options": (
        lambda: {"optimizer": Returns(0.1, clipnorm=1.0)},
        "Returns.update: expected parameters changed in place, got an array",
    ),
    "a regularizer that does not sum": (
        lambda: {"kernel_regularizer": lambda w: w * w},
        "FunctionRegularizer: expected one number, got an array (3, 2)",
    ),
    "no batches": (lambda: {"data": (OfLength(0),)}, "fit(x): expected at least one batch a pass"),
    "a length below 0": (
        lambda: {"data": (OfLength(-3),)},
        "fit(x): expected at least one batch a pass, got -3; look at its __len__.",
    ),
    "a length that is none": (
        lambda: {"data": (OfLength("a"),)},
        "fit(x): expected at least one batch a pass, got 'a'; look at its __len__.",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_it_is_named_in_one_line(name, backend):
    options, said = MISTAKES[name]
    with pytest.raises(NpcnnError) as caught:
        learn(**options())
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_what_takes_more_is_taken():
    class Any(callbacks.Callback):
        def on_epoch_end(self, *args): ...

        def on_train_begin(self, logs, *, more=3): ...

    history = learn(
        loss=lambda *both: npcnn.ops.mean(npcnn.ops.square(both[0] - both[1]), axis=-1),
        metrics=[lambda a, b, scale=1.0: npcnn.ops.mean(a - b, axis=-1)],
        called=[Any(), callbacks.LambdaCallback(on_epoch_end=print)],
    )
    assert len(history.history["loss"]) == 2
