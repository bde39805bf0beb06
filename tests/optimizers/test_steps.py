"""Each optimizer's op and steps, beside an oracle in plain loops."""

import math

import numpy as np
import oracles
import pytest

import npcnn
from npcnn import layers, optimizers
from npcnn.backend import ops
from npcnn.checks import ArgumentError

GRADIENTS = [0.5, -2.0, 0.25, 0.0, 1.0]


def adagrad(p, learning_rate=0.001, start=0.1, epsilon=1e-7):
    for g in GRADIENTS:
        start += g * g
        p -= learning_rate * g / math.sqrt(start + epsilon)
    return p


def adadelta(p, learning_rate=0.001, rho=0.95, epsilon=1e-7):
    square = moved = 0.0
    for g in GRADIENTS:
        square = rho * square + (1 - rho) * g * g
        move = g * math.sqrt(moved + epsilon) / math.sqrt(square + epsilon)
        moved = rho * moved + (1 - rho) * move * move
        p -= learning_rate * move
    return p


def adamax(p, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m = u = 0.0
    for step, g in enumerate(GRADIENTS, start=1):
        m += (g - m) * (1 - beta_1)
        u = max(beta_2 * u, abs(g))
        p -= learning_rate * m / ((1 - beta_1**step) * (u + epsilon))
    return p


def adamw(p, learning_rate, decay, beta_1, beta_2, epsilon, amsgrad=False):
    m = v = peak = 0.0
    for step, g in enumerate(GRADIENTS, start=1):
        p -= learning_rate * decay * p
        m += (g - m) * (1 - beta_1)
        v += (g * g - v) * (1 - beta_2)
        peak = max(peak, v) if amsgrad else v
        alpha = learning_rate * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        p -= alpha * m / (math.sqrt(peak) + epsilon)
    return p


def adam(p, *arguments):
    if arguments[4:] == (True,):
        return adamw(p, arguments[0], 0, *arguments[1:])
    return oracles.adam(p, GRADIENTS, *arguments)


def nadam(p, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m = v = 0.0
    product = 1.0
    for step, g in enumerate(GRADIENTS, start=1):
        now, ahead = (beta_1 * (1 - 0.5 * 0.96**t) for t in (step, step + 1))
        product *= now
        m += (g - m) * (1 - beta_1)
        v += (g * g - v) * (1 - beta_2)
        mean = ahead * m / (1 - product * ahead) + (1 - now) * g / (1 - product)
        p -= learning_rate * mean / (math.sqrt(v / (1 - beta_2**step)) + epsilon)
    return p


def rmsprop(p, learning_rate, rho, momentum, epsilon, centered):
    velocity = mean = moved = 0.0
    for g in GRADIENTS:
        velocity = rho * velocity + (1 - rho) * g * g
        mean = rho * mean + (1 - rho) * g
        spread = velocity - mean * mean if centered else velocity
        moved = momentum * moved + learning_rate * g / math.sqrt(spread + epsilon)
        p -= moved
    return p


def lion(p, learning_rate=0.001, beta_1=0.9, beta_2=0.99):
    m = 0.0
    for g in GRADIENTS:
        way = m * beta_1 + g * (1 - beta_1)
        p -= learning_rate * ((way > 0) - (way < 0))
        m = m * beta_2 + g * (1 - beta_2)
    return p


def ftrl(p, rate=0.001, power=-0.5, n=0.1, l1=0.0, l2=0.0, shrinkage=0.0, beta=0.0):
    z = 0.0
    for g in GRADIENTS:
        old, n = n, n + g * g
        z += g + 2 * shrinkage * p - (n**-power - old**-power) / rate * p
        if abs(z) <= l1:
            p = 0.0
        else:
            p = (math.copysign(l1, z) - z) / ((n**-power + beta) / rate + 2 * l2)
    return p


def sgd(p, *arguments):
    return oracles.sgd(p, GRADIENTS, *arguments)


# Optimizer → oracle, arguments to try, and which of them are refused below 0.
TABLE = {
    "SGD": (sgd, [(0.1, 0.0, False), (0.1, 0.9, False), (0.01, 0.5, True)], "momentum nesterov"),
    "Adam": (
        adam,
        [
            (0.001, 0.9, 0.999, 1e-7), (0.1, 0.5, 0.9, 1e-3), (0.1, 0.0, 0.0, 1e-8),
            (0.1, 0.5, 0.5, 1e-7, True),
        ],
        "beta_1 beta_2 epsilon amsgrad",
    ),
    "AdamW": (
        adamw,
        [
            (0.001, 0.004, 0.9, 0.999, 1e-7), (0.1, 0.5, 0.5, 0.9, 1e-3), (0.1, 0, 0, 0, 1),
            (0.1, 0.5, 0.5, 0.5, 1e-7, True),
        ],
        "beta_1 beta_2 epsilon weight_decay",
    ),
    "Adagrad": (adagrad, [(), (1.0, 0.5, 1e-3), (1.0, 0, 1)], "initial_accumulator_value epsilon"),
    "Adadelta": (adadelta, [(), (1.0, 0.5, 1e-3), (1.0, 0, 1)], "rho epsilon"),
    "Adamax": (
        adamax, [(), (0.1, 0.5, 0.2, 1e-3), (0.1, 0, 0, 1)], "beta_1 beta_2 epsilon"
    ),
    "Nadam": (nadam, [(), (0.1, 0.5, 0.2, 1e-3), (0.1, 0, 0, 1)], "beta_1 beta_2 epsilon"),
    "RMSprop": (
        rmsprop,
        [
            (0.001, 0.9, 0.0, 1e-7, False), (0.1, 0.5, 0.7, 1e-3, False),
            (0.1, 0.8, 0.0, 1.0, True), (0.01, 0.9, 0.9, 1e-7, True), (0.1, 0, 1, 1, False),
        ],
        "rho momentum epsilon centered",
    ),
    "Ftrl": (
        ftrl, [(), (0.1, -0.7, 0.2, 0.1, 0.3, 0.2, 0.5), (0.1, -0.5, 0.1, 30.0), (0.5, 0.0, 0.01)],
        "initial_accumulator_value l1_regularization_strength l2_regularization_strength beta",
    ),
    "Lion": (lion, [(), (0.1, 0.5, 0.9), (0.1, 1, 0)], "beta_1 beta_2"),
}  # fmt: skip
STEPS = [(name, arguments) for name, (_, every, _) in TABLE.items() for arguments in every]
REFUSED = [
    (name, one)
    for name, (*_, refused) in TABLE.items()
    for one in ["learning_rate", *refused.split()]
]
# Op → how many slots it has, and what comes behind them.
OPS = {
    "sgd": (1, (0.1, 0.9, False)), "adam": (2, (0.1, 0.9, 0.999, 1e-7)),
    "adamw": (2, (np.array([0.1, 9.0, 0.5])[::2], 0.9, 0.999, 1e-7)),
    "amsgrad": (3, (np.array([0.1]), 0.9, 0.999, 1e-7)),
    "adagrad": (1, (np.array([0.1]), 1e-7)), "adadelta": (2, (np.array([0.1]), 0.95, 1e-7)),
    "adamax": (2, (np.array([0.1]), 0.9, 0.999, 1e-7)),
    "nadam": (2, (np.array([0.1, 0.2, 1.5]), 0.9, 0.999, 1e-7)),
    "rmsprop": (3, (np.array([0.1]), 0.9, 0.5, 1e-7)), "lion": (1, (np.array([0.1]), 0.9, 0.99)),
    "ftrl": (2, (np.array([0.1]), -0.5, 0.1, 0.2, 0.3, 0.4)),
}  # fmt: skip


def test_no_optimizer_is_left_out():
    assert {name.lower() for name in TABLE} == {name.lower() for name in optimizers.known()}


@pytest.mark.parametrize(("name", "arguments"), STEPS)
def test_steps_by_the_oracle(backend, name, arguments):
    optimizer = getattr(optimizers, name)(*arguments)
    parameter, gradient = np.array([2.0]), np.zeros(1)
    optimizer.lay_out(1, np.dtype("float64"))
    for value in GRADIENTS:
        gradient[0] = value
        optimizer.apply([(slice(0, 1), parameter, gradient)])
    assert parameter[0] == pytest.approx(TABLE[name][0](2.0, *arguments), rel=1e-12)


@pytest.mark.parametrize("name", OPS)
def test_strided_arrays_are_read_as_they_lie(backend, name):
    slots, rest = OPS[name]
    whole = [a.copy() if isinstance(a, np.ndarray) else a for a in rest]
    gradients = np.arange(8.0)[::2]
    found, wanted = (list(np.ones((1 + slots, 4))) for _ in range(2))
    getattr(ops, name)(found[0], gradients, *found[1:], *rest)
    getattr(ops, name)(wanted[0], gradients.copy(), *wanted[1:], *whole)
    np.testing.assert_array_equal(found, wanted)
    assert (found[0][1:] != 1).all()


@pytest.mark.parametrize("name", OPS)
def test_not_a_number_stays_one(backend, name):
    slots, rest = OPS[name]
    arrays = [np.ones(3) for _ in range(slots + 2)]
    arrays[1][1] = np.nan
    getattr(ops, name)(*arrays, *rest)
    assert np.isnan(arrays[0]).tolist() == [False, True, False]


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_by_name_in_files_and_while_the_rate_changes(tmp_path, backend, name, ending):
    """Two parameters of one shape: only the order tells their slots apart."""
    for arguments in TABLE[name][1]:
        npcnn.set_random_seed(1)
        stack = [layers.Dense(3, use_bias=False, name=layer) for layer in "ab"]
        model = npcnn.Sequential([layers.Input((3,)), *stack])
        kind = getattr(optimizers, name)
        model.compile(kind(*arguments) if arguments else name.lower(), "mse")
        assert type(model.optimizer) is kind
        x, y = np.random.default_rng(0).normal(size=(2, 8, 3)).astype("float32")
        for steps in (0, 5):
            for _ in range(steps):
                model.train_on_batch(x, y)
            model.save(tmp_path / f"m{ending}")
            again = npcnn.load_model(tmp_path / f"m{ending}")
            assert again.optimizer.get_config() == model.optimizer.get_config()
            for one in (model, again):
                one.optimizer.learning_rate = 0.5
                one.optimizer.weight_decay = 0.25
                one.train_on_batch(x, y)
            for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("name", "argument"), REFUSED)
@pytest.mark.parametrize("value", [-1, math.nan, "0.1"])
def test_what_is_no_option(name, argument, value):
    with pytest.raises(ArgumentError, match=rf"^{name}\({argument}\): expected") as caught:
        getattr(optimizers, name)(**{argument: value})
    assert "\n" not in str(caught.value)


def test_adamw_decays():
    with pytest.raises(ArgumentError, match=r"^AdamW\(weight_decay\): expected a number"):
        optimizers.AdamW(weight_decay=None)


def test_without_decay_adamw_is_adam(backend):
    arrays = [np.abs(np.random.default_rng(k).normal(size=(4, 999))) for k in (1, 1)]
    ops.adam(*arrays[0], 0.1, 0.9, 0.999, 1e-7)
    ops.adamw(*arrays[1], np.array([0.1, 0.0]), 0.9, 0.999, 1e-7)
    np.testing.assert_array_equal(*arrays)


def test_rmsprops_state_is_what_the_options_need():
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
    optimizer.lay_out(3, np.dtype("float32"))
    optimizer.momentum, optimizer.centered = 0.0, True
    optimizer.lay_out(3, np.dtype("float32"))
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
    optimizer.lay_out(500, np.dtype("float32"))
    below = False
    for _ in range(300):
        optimizer.apply([(slice(0, 500), parameters, gradients)])
        velocity, mean = optimizer.slots["velocity"], optimizer.slots["average_gradient"]
        below = below or (velocity - mean * mean < -1e-7).any()
    assert below
    assert np.isfinite(parameters).all()


def test_compile_takes_rmsprop_unless_told_otherwise():
    model = npcnn.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile(loss="mse")
    assert type(model.optimizer) is optimizers.RMSprop
    assert model.optimizer.get_config() == {
        "name": "rm_sprop", "learning_rate": 0.001, "weight_decay": None, "clipnorm": None,
        "global_clipnorm": None, "clipvalue": None, "use_ema": False, "ema_momentum": 0.99,
        "ema_overwrite_frequency": None, "loss_scale_factor": None,
        "gradient_accumulation_steps": None, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7,
        "centered": False,
    }  # fmt: skip
