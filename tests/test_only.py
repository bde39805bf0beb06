"""What a program puts in the place of a model's own things is refused when it does so."""

import copy

import numpy as np
import pytest

import npcnn
from npcnn import NpcnnError, layers

X = np.ones((4, 3), "float32")
HOOKS = ("on_train_begin", "on_epoch_begin", "on_train_batch_end", "on_epoch_end")
WRONG = {"None": None, "a text": "x", "a number": 3, "a dict": {}}


def made():
    model = npcnn.Sequential([layers.Input((3,)), layers.Dense(3)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


@pytest.mark.parametrize("name", ["objective", "measures", "dtype", "ends", "structure"])
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_models_own_is_not_replaced_by_another_kind(backend, name, wrong):
    for hook in HOOKS:
        model = made()
        there = getattr(model, name)
        does = {hook: lambda *args, model=model: setattr(model, name, wrong)}
        with pytest.raises(NpcnnError, match=rf"^Sequential\.{name}: expected .*, got ") as caught:
            model.fit(X, X, verbose=0, callbacks=[npcnn.callbacks.LambdaCallback(**does)])
        assert "\n" not in str(caught.value)
        assert getattr(model, name) is there
        model.fit(X, X, verbose=0)


@pytest.mark.parametrize("name", ["vectors", "predict", "call", "stop_training", "trainable"])
@pytest.mark.parametrize("wrong", ["x", 3.5, [], np.ones(2)], ids=["text", "3.5", "[]", "array"])
def test_neither_is_a_method_or_a_truth(name, wrong):
    model = made()
    does = {"on_train_batch_end": lambda *_: setattr(model, name, wrong)}
    what = "True or False" if name in ("stop_training", "trainable") else "a function"
    with pytest.raises(NpcnnError, match=rf"^Sequential\.{name}: expected {what}, got "):
        model.fit(X, X, verbose=0, callbacks=[npcnn.callbacks.LambdaCallback(**does)])
    model.fit(X, X, verbose=0)


def test_a_layer_is_trainable_or_not():
    layer = layers.Dense(3)
    with pytest.raises(NpcnnError, match=r"^Dense\.trainable: expected True or False, got 'False'"):
        layer.trainable = "False"
    layer.trainable = 0
    assert layer.trainable is False


def test_what_may_stand_there_does():
    model = made()
    model.predict = lambda x, **_: x + 1
    assert model.predict(X).tolist() == (X + 1).tolist()
    for truth in (np.bool_(True), False, None):
        model.stop_training = truth
        assert model.stop_training is truth


def test_such_attributes_are_copied_and_absent_as_others():
    model = made()
    other = copy.deepcopy(model)
    assert other.objective is not model.objective
    assert not hasattr(npcnn.Sequential([layers.Dense(3)]), "objective")
    model.measures = []
    del model.objective
    assert not hasattr(model, "objective")
