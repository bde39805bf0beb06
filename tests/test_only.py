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


@pytest.mark.parametrize("name", ["objective", "measures", "dtype", "ends"])
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


def test_such_attributes_are_copied_and_absent_as_others():
    model = made()
    other = copy.deepcopy(model)
    assert other.objective is not model.objective
    assert not hasattr(npcnn.Sequential([layers.Dense(3)]), "objective")
    model.measures = []
    del model.objective
    assert not hasattr(model, "objective")
