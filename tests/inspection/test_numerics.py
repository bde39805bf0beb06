import numpy as np
import pytest
import sample_networks as networks

import npcnn
from npcnn import layers
from npcnn.backend import ops
from npcnn.checks import NumericsError


def state(model):
    slots = [slot.copy() for slot in model.optimizer.slots.values()]
    return [*model.get_weights(), *slots, np.array(model.optimizer.iterations)]


def assert_state(model, before):
    for a, b in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_sound_run_is_the_same_with_and_without(backend):
    x, y = networks.digits(20)
    models = []
    for check in (False, True):
        npcnn.set_random_seed(2)
        model = networks.document_network(dropout=0.5)
        model.fit(x, y, batch_size=8, epochs=2, verbose=0, check_numerics=check)
        models.append(model)
    assert_state(models[0], state(models[1]))


def test_infinity_in_the_forward_pass_is_named():
    model, (x, y) = networks.small_network(), networks.pictures(8)
    model.fit(x, y, batch_size=4, verbose=0)
    model.get_layer("conv2d_1").kernel[0, 0, 0, 0] = np.inf
    before = state(model)
    wanted = (
        r"step 3, forward pass, conv2d_1: expected finite numbers, got inf in kernel \(1 of 48 "
        r"numbers are not finite\); the weights are those from before this step"
    )
    with pytest.raises(NumericsError, match=wanted):
        model.fit(x, y, batch_size=4, verbose=0, check_numerics=True)
    assert_state(model, before)


def test_an_overflow_is_named_where_it_arises():
    model, (x, y) = networks.small_network(), networks.pictures(4)
    model.get_layer("dense_1").kernel[...] = 3e38
    with pytest.raises(NumericsError, match=r"step 1, forward pass, dense_1: .* in pre_activation"):
        model.fit(x, y, batch_size=4, verbose=0, check_numerics=True)


def test_nan_in_the_backward_pass_is_named(monkeypatch):
    model, (x, y) = networks.small_network(), networks.pictures(8)
    model.fit(x, y, batch_size=4, verbose=0)
    right = ops.max_pooling2d_backward

    def wrong(*args):
        grad = right(*args).copy()
        grad[0] = np.nan
        return grad

    monkeypatch.setattr(ops, "max_pooling2d_backward", wrong, raising=False)
    before = state(model)
    wanted = r"step 3, backward pass, max_pooling2d: expected finite numbers, got nan in grad_input"
    with pytest.raises(NumericsError, match=wanted):
        model.fit(x, y, batch_size=4, verbose=0, check_numerics=True)
    assert_state(model, before)


def test_an_update_that_overflows_is_undone():
    model = npcnn.Sequential([layers.Input((2,)), layers.Dense(2, activation="softmax")])
    model.compile(npcnn.optimizers.SGD(1e30, momentum=0.5), "sparse_categorical_crossentropy")
    x, y = np.array([[1e20, -1e20]]), np.array([0])
    model.layers[0].kernel[...] = [[0, 1], [0, -1]]
    model.optimizer.lay_out(6, model.dtype)
    before = state(model)
    with pytest.raises(NumericsError, match=r"step 1, update pass, dense: .* inf in kernel"):
        model.fit(x, y, batch_size=1, verbose=0, check_numerics=True)
    assert_state(model, before)


def test_without_the_check_training_goes_on():
    model, (x, y) = networks.small_network(), networks.pictures(4)
    model.get_layer("dense_1").kernel[...] = np.nan
    model.fit(x, y, batch_size=4, verbose=0)
    assert np.isnan(model.history.history["loss"][0])
