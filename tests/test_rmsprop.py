"""RMSprop: op and optimizer, beside an oracle in plain loops."""

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


def oracle(parameter, learning_rate, rho, momentum, epsilon, centered):
    velocity = mean = moved = 0.0
    for g in GRADIENTS:
        velocity = rho * velocity + (1 - rho) * g * g
        mean = rho * mean + (1 - rho) * g
        spread = velocity - mean * mean if centered else velocity
        moved = momentum * moved + learning_rate * g / math.sqrt(spread + epsilon)
        parameter -= moved
    return parameter


@pytest.mark.parametrize(
    "arguments",
    [
        (0.001, 0.9, 0.0, 1e-7, False), (0.1, 0.5, 0.7, 1e-3, False), (0.1, 0.8, 0.0, 1.0, True),
        (0.01, 0.9, 0.9, 1e-7, True), (0.1, 0, 1, 1, False),
    ],
)  # fmt: skip
def test_steps_by_the_oracle(backend, arguments):
    optimizer = optimizers.RMSprop(*arguments)
    parameter, gradient = np.array([2.0]), np.zeros(1)
    optimizer.build(1, np.dtype("float64"))
    for value in GRADIENTS:
        gradient[0] = value
        optimizer.apply([(slice(0, 1), parameter, gradient)])
    assert parameter[0] == pytest.approx(oracle(2.0, *arguments), rel=1e-13)


def test_state_is_what_the_options_need():
    names = [
        optimizers.RMSprop(momentum=momentum, centered=centered).slot_names
        for momentum, centered in ((0, False), (0.5, False), (0, True), (0.5, True))
    ]
    assert names == [
        ("velocity",), ("velocity", "momentum"), ("velocity", "average_gradient"),
        ("velocity", "momentum", "average_gradient"),
    ]  # fmt: skip


def test_options_set_between_steps_get_their_state(backend):
    optimizer = optimizers.RMSprop(momentum=0.5)
    optimizer.build(3, np.dtype("float32"))
    optimizer.momentum, optimizer.centered = 0.0, True
    optimizer.build(3, np.dtype("float32"))
    parameters = np.ones(3, "float32")
    optimizer.apply([(slice(0, 3), parameters, parameters.copy())])
    assert list(optimizer.slots) == ["velocity", "average_gradient"]
    assert (parameters < 1).all()


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_gradient_that_stays_is_no_negative_variance(backend, momentum):
    """v − a² of a constant gradient is rounding alone, of either sign: its root was NaN."""
    optimizer = optimizers.RMSprop(1e-9, momentum=momentum, centered=True)
    gradients = np.random.default_rng(0).normal(0, 1000, 500).astype("float32")
    parameters = np.zeros(500, "float32")
    optimizer.build(500, np.dtype("float32"))
    below = False
    for _ in range(300):
        optimizer.apply([(slice(0, 500), parameters, gradients)])
        velocity, mean = optimizer.slots["velocity"], optimizer.slots["average_gradient"]
        below = below or (velocity - mean * mean < -1e-7).any()
    assert below
    assert np.isfinite(parameters).all()


def test_not_a_number_stays_one(backend):
    arrays = [np.ones(3) for _ in range(5)]
    arrays[1][1] = np.nan
    ops.rmsprop(*arrays, np.array([0.1]), 0.9, 0.5, 1e-7)
    assert np.isnan(arrays[0]).tolist() == [False, True, False]


def test_strided_arrays_are_read_as_they_lie(backend):
    gradients = np.arange(8.0)[::2]
    found, wanted = ([np.ones(4), *np.zeros((3, 4))] for _ in range(2))
    step = np.array([0.1])
    ops.rmsprop(found[0], gradients, *found[1:], step, 0.9, 0.5, 1e-7)
    ops.rmsprop(wanted[0], gradients.copy(), *wanted[1:], step, 0.9, 0.5, 1e-7)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.5}, {"momentum": 0.5, "centered": True}])
@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_by_files_and_while_the_rate_changes(tmp_path, backend, options, ending):
    """Two parameters of one shape: only the order tells their slots apart."""
    npcnn.set_random_seed(1)
    model = npcnn.Sequential(
        [layers.Input((3,)), *(layers.Dense(3, use_bias=False, name=name) for name in "ab")]
    )
    model.compile(optimizers.RMSprop(**options), "mse")
    x, y = np.random.default_rng(0).normal(size=(2, 8, 3)).astype("float32")
    for _ in range(5):
        model.train_on_batch(x, y)
    model.save(tmp_path / f"m{ending}")
    again = npcnn.load_model(tmp_path / f"m{ending}")
    assert again.optimizer.get_config() == model.optimizer.get_config()
    for one in (model, again):
        one.optimizer.learning_rate = 0.5
        one.train_on_batch(x, y)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_compile_takes_it_unless_told_otherwise():
    model = npcnn.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile(loss="mse")
    assert type(model.optimizer) is optimizers.RMSprop
    assert model.optimizer.get_config() == {
        "name": "rmsprop", "learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7,
        "centered": False,
    }  # fmt: skip


@pytest.mark.parametrize("argument", ["rho", "momentum", "epsilon", "centered"])
def test_what_is_no_option(argument):
    with pytest.raises(ArgumentError, match=rf"^RMSprop\({argument}\): expected"):
        optimizers.RMSprop(**{argument: -1})
