"""Models of classes of one's own: copies, clones, and runs that go on, whatever they call first."""

import copy

import class_programs
import numpy as np
import pytest
from class_programs import X, Y

import npcnn
from npcnn import callbacks

PROGRAMS = class_programs.programs(npcnn)


def begun(name):
    model = PROGRAMS[name]()
    model(X)
    rng = np.random.default_rng(3)
    model.set_weights([0.5 * rng.random(w.shape) for w in model.get_weights()])
    model.compile(npcnn.optimizers.Adam(0.01, use_ema=True), "mse")
    return model


def same(one, other):
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", PROGRAMS)
def test_copies_have_the_weights_in_the_same_order(name):
    model = begun(name)
    model.fit(X, Y, 4, verbose=0)
    answers = model.predict(X, verbose=0)
    clone = npcnn.models.clone_model(model)
    clone(X)
    clone.set_weights(model.get_weights())
    for other in (copy.deepcopy(model), clone):
        assert same(other, model)
        assert np.array_equal(other.predict(X, verbose=0), answers)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_run_goes_on_to_the_same_bits(name, tmp_path):
    whole = begun(name)
    whole.fit(X, Y, 4, epochs=4, verbose=0)
    kept = callbacks.BackupAndRestore(tmp_path / "kept", delete_checkpoint=False)
    begun(name).fit(X, Y, 4, epochs=2, verbose=0, callbacks=[kept])
    again = begun(name)
    again.fit(X, Y, 4, epochs=4, verbose=0, callbacks=[kept])
    assert same(again, whole)


@pytest.mark.parametrize("name", PROGRAMS)
def test_running_means_are_each_weight_s_own(name):
    model = begun(name)
    model.optimizer = npcnn.optimizers.SGD(0.0, use_ema=True, ema_momentum=0.5)
    before = model.get_weights()
    model.fit(X, Y, 4, epochs=3, verbose=0)
    model.optimizer.finalize_variable_values(model.slot_weights())
    learnt = {id(weight) for weight in model.trainable_weights}
    for weight, was in zip(model.weights, before, strict=True):
        if id(weight) in learnt:
            np.testing.assert_allclose(weight.numpy(), was, rtol=1e-5)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_gradient_is_right(name):
    npcnn.trace(begun(name), X, Y).check(raise_on_error=True)
