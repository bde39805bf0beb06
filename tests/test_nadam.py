"""Nadam: op and optimizer, beside an oracle in plain loops."""

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


def oracle(parameter, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m = v = 0.0
    product = 1.0
    for step, g in enumerate(GRADIENTS, start=1):
        now, ahead = (beta_1 * (1 - 0.5 * 0.96**t) for t in (step, step + 1))
        product *= now
        m += (g - m) * (1 - beta_1)
        v += (g * g - v) * (1 - beta_2)
        mean = ahead * m / (1 - product * ahead) + (1 - now) * g / (1 - product)
        parameter -= learning_rate * mean / (math.sqrt(v / (1 - beta_2**step)) + epsilon)
    return parameter


@pytest.mark.parametrize("arguments", [(), (0.1, 0.5, 0.2, 1e-3), (0.1, 0, 0, 1)])
def test_steps_by_the_oracle(backend, arguments):
    optimizer = optimizers.Nadam(*arguments)
    parameter, gradient = np.array([2.0]), np.zeros(1)
    optimizer.build(1, np.dtype("float64"))
    for value in GRADIENTS:
        gradient[0] = value
        optimizer.apply([(slice(0, 1), parameter, gradient)])
    assert parameter[0] == pytest.approx(oracle(2.0, *arguments), rel=1e-12)


def test_strided_arrays_are_read_as_they_lie(backend):
    gradients, step = np.arange(8.0)[::2], np.array([0.1, 0.2, 1.5])
    found, wanted = (list(np.ones((3, 4))) for _ in range(2))
    ops.nadam(found[0], gradients, *found[1:], step, 0.9, 0.999, 1e-7)
    ops.nadam(wanted[0], gradients.copy(), *wanted[1:], step, 0.9, 0.999, 1e-7)
    np.testing.assert_array_equal(found, wanted)


def test_not_a_number_stays_one(backend):
    arrays = [np.ones(3) for _ in range(3 + 1)]
    arrays[1][1] = np.nan
    ops.nadam(*arrays, np.array([0.1, 0.2, 1.5]), 0.9, 0.999, 1e-7)
    assert np.isnan(arrays[0]).tolist() == [False, True, False]


def test_by_name_in_files_and_while_the_rate_changes(tmp_path, backend):
    npcnn.set_random_seed(1)
    model = npcnn.Sequential([layers.Input((3,)), layers.Dense(2, activation="softmax")])
    model.compile("nadam", "sparse_categorical_crossentropy")
    x, y = np.random.default_rng(0).normal(size=(8, 3)).astype("float32"), np.arange(8) % 2
    for steps in (0, 5):
        for _ in range(steps):
            model.train_on_batch(x, y)
        model.save(tmp_path / "m.keras")
        again = npcnn.load_model(tmp_path / "m.keras")
        assert again.optimizer.get_config() == model.optimizer.get_config()
        for one in (model, again):
            one.optimizer.learning_rate = 0.5
            one.train_on_batch(x, y)
        for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("argument", ["beta_1", "beta_2", "epsilon", "learning_rate"])
def test_what_is_no_option(argument):
    with pytest.raises(ArgumentError, match=rf"^Nadam\({argument}\): expected"):
        optimizers.Nadam(**{argument: -1})
