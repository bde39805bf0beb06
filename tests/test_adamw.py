"""AdamW: op and optimizer, beside an oracle, PyTorch's published values and Keras."""

import math

import numpy as np
import pytest

import npcnn
from npcnn import layers, optimizers
from npcnn.backend import ops, using
from npcnn.checks import ArgumentError

GRADIENTS = [0.5, -2.0, 0.25, 0.0, 1.0]


@pytest.fixture(params=["numpy", "numba"])
def backend(request):
    with using(request.param):
        yield request.param


def oracle(parameter, learning_rate, decay, beta_1, beta_2, epsilon):
    m = v = 0.0
    for step, g in enumerate(GRADIENTS, start=1):
        parameter -= learning_rate * decay * parameter
        m += (g - m) * (1 - beta_1)
        v += (g * g - v) * (1 - beta_2)
        alpha = learning_rate * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        parameter -= alpha * m / (math.sqrt(v) + epsilon)
    return parameter


@pytest.mark.parametrize(
    "arguments", [(0.001, 0.004, 0.9, 0.999, 1e-7), (0.1, 0.5, 0.5, 0.9, 1e-3), (0.1, 0, 0, 0, 1)]
)
def test_steps_by_the_oracle(backend, arguments):
    optimizer = optimizers.AdamW(*arguments)
    parameter, gradient = np.array([2.0]), np.zeros(1)
    optimizer.build(1, np.dtype("float64"))
    for value in GRADIENTS:
        gradient[0] = value
        optimizer.apply([(slice(0, 1), parameter, gradient)])
    assert parameter[0] == pytest.approx(oracle(2.0, *arguments), rel=1e-13)


def test_without_decay_it_is_adam(backend):
    arrays = [np.abs(np.random.default_rng(k).normal(size=(4, 999))) for k in (1, 1)]
    ops.adam(*arrays[0], 0.1, 0.9, 0.999, 1e-7)
    ops.adamw(*arrays[1], np.array([0.1, 0.0]), 0.9, 0.999, 1e-7)
    np.testing.assert_array_equal(*arrays)


def test_strided_arrays_are_read_as_they_lie(backend):
    gradients, step = np.arange(8.0)[::2], np.array([0.1, 9.0, 0.5])[::2]
    found = [np.ones(4), np.zeros(4), np.zeros(4)]
    wanted = [np.ones(4), np.zeros(4), np.zeros(4)]
    ops.adamw(found[0], gradients, *found[1:], step, 0.9, 0.999, 1e-7)
    ops.adamw(wanted[0], gradients.copy(), *wanted[1:], step.copy(), 0.9, 0.999, 1e-7)
    np.testing.assert_array_equal(found, wanted)


def test_by_name_in_files_and_while_the_rate_changes(tmp_path, backend):
    npcnn.set_random_seed(1)
    model = npcnn.Sequential([layers.Input((3,)), layers.Dense(2, activation="softmax")])
    model.compile("adamw", "sparse_categorical_crossentropy")
    x, y = np.random.default_rng(0).normal(size=(8, 3)).astype("float32"), np.arange(8) % 2
    for _ in range(5):
        model.train_on_batch(x, y)
    model.save(tmp_path / "m.keras")
    again = npcnn.load_model(tmp_path / "m.keras")
    assert type(again.optimizer) is optimizers.AdamW
    for one in (model, again):
        one.optimizer.learning_rate = 0.5
        one.optimizer.weight_decay = 0.25
        one.train_on_batch(x, y)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("decay", [-0.1, math.nan, "0.1", None])
def test_what_is_no_decay(decay):
    with pytest.raises(ArgumentError, match=r"^AdamW\(weight_decay\): expected a number"):
        optimizers.AdamW(weight_decay=decay)
