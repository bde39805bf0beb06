import math

import numpy as np
import pytest

import npcnn
from npcnn import layers, optimizers
from npcnn.checks import ArgumentError
from npcnn.optimizers import SGD, Adam, Optimizer

GRADIENTS = [0.5, -2.0, 0.25, 0.0, 1.0]


def steps(optimizer, gradients=GRADIENTS, start=1.0):
    """Return one parameter after steps with these gradients."""
    parameter, gradient = np.array([start]), np.zeros(1)
    optimizer.lay_out(1, np.dtype("float64"))
    for value in gradients:
        gradient[0] = value
        optimizer.apply([(slice(0, 1), parameter, gradient)])
    return parameter[0]


def test_adams_first_steps_by_hand():
    """From 1 with gradient 0.5: m = 0.05, v = 0.00025, α = 0.001·√0.001/0.1, ε beside √v."""
    alpha = 0.001 * math.sqrt(0.001) / 0.1
    want = 1 - alpha * 0.05 / (math.sqrt(0.00025) + 1e-7)
    assert steps(Adam(), [0.5]) == pytest.approx(want, rel=1e-14)
    # Then −2: m = 0.05·0.9 − 0.2 = −0.155, v = 0.00025·0.999 + 0.004.
    alpha = 0.001 * math.sqrt(1 - 0.999**2) / (1 - 0.9**2)
    want += alpha * 0.155 / (math.sqrt(0.00424975) + 1e-7)
    assert steps(Adam(), [0.5, -2.0]) == pytest.approx(want, rel=1e-14)


def test_epsilon_stands_beside_the_uncorrected_root():
    """With ε as large as √v the order shows: after the correction, as in PyTorch, it would be
    0.05/0.1 / (√(0.00025/0.001) + 0.5) = 0.5."""
    alpha = math.sqrt(0.001) / 0.1
    want = 1 - alpha * 0.05 / (math.sqrt(0.00025) + 0.5)
    assert steps(Adam(1.0, epsilon=0.5), [0.5]) == pytest.approx(want, rel=1e-14)


def test_sgd_by_hand():
    assert steps(SGD(0.1), [0.5, -2.0]) == pytest.approx(1 - 0.05 + 0.2)
    # u: −0.05, then 0.9·(−0.05) + 0.2 = 0.155
    assert steps(SGD(0.1, 0.9), [0.5, -2.0]) == pytest.approx(1 - 0.05 + 0.155)
    # looking ahead: p += 0.9·u − 0.1·g
    assert steps(SGD(0.1, 0.9, True), [0.5]) == pytest.approx(1 + 0.9 * -0.05 - 0.05)


def test_stretches_keep_their_own_state():
    """Two parameters in two stretches take the same steps as each of them alone."""
    optimizer = Adam(0.1)
    optimizer.lay_out(2, np.dtype("float64"))
    a, b = np.ones(1), np.full(1, 2.0)
    for value in GRADIENTS:
        optimizer.apply(
            [(slice(0, 1), a, np.array([value])), (slice(1, 2), b, np.array([-3 * value]))]
        )
    assert a[0] == steps(Adam(0.1))
    assert b[0] == steps(Adam(0.1), [-3 * value for value in GRADIENTS], 2.0)
    assert optimizer.iterations == len(GRADIENTS)


def test_build_keeps_state_that_fits():
    optimizer = Adam()
    optimizer.lay_out(3, np.dtype("float32"))
    optimizer.slots["m"][:] = 5
    optimizer.lay_out(3, np.dtype("float32"))
    assert (optimizer.slots["m"] == 5).all()
    optimizer.lay_out(4, np.dtype("float32"))
    np.testing.assert_array_equal(optimizer.slots["m"], np.zeros(4))
    optimizer.lay_out(4, np.dtype("float64"))
    assert optimizer.slots["v"].dtype == "float64"


def test_learning_rate_may_change_between_steps():
    optimizer = SGD(0.1)
    assert steps(optimizer, [1.0]) == pytest.approx(0.9)
    optimizer.learning_rate = np.float32(0.5)
    assert steps(optimizer, [1.0]) == pytest.approx(0.5)


@pytest.mark.parametrize("optimizer", [Adam(0.01, 0.8, 0.9, 1e-3, name="a"), SGD(0.5, 0.9, True)])
def test_config_round_trip(optimizer):
    config = optimizer.get_config()
    assert type(optimizer)(**config).get_config() == config


def test_get():
    assert isinstance(optimizers.get("adam"), Adam)
    assert isinstance(optimizers.get("SGD"), SGD)
    optimizer = SGD()
    assert optimizers.get(optimizer) is optimizer
    with pytest.raises(ArgumentError, match=r"compile\(optimizer\): .*perhaps 'adam' was meant"):
        optimizers.get("adamm")
    with pytest.raises(ArgumentError, match=r"compile\(optimizer\): expected one of .*adam, .*sgd"):
        optimizers.get(Adam)


@pytest.mark.parametrize("rate", [-0.1, float("nan"), float("inf"), "0.1", None, True])
@pytest.mark.parametrize("cls", [Adam, SGD])
def test_bad_learning_rates(cls, rate):
    with pytest.raises(ArgumentError, match=rf"{cls.__name__}\(learning_rate\): expected a number"):
        cls(rate)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Adam(beta_1=1), r"Adam\(beta_1\): expected a number from 0 up to"),
        (lambda: Adam(beta_2=-1), r"Adam\(beta_2\): expected a number from 0 up to"),
        (
            lambda: Adam(epsilon=-1),
            r"Adam\(epsilon\): expected a number from 1e-30 to 1e\+30, got -1",
        ),
        (
            lambda: Adam(epsilon=0),
            r"Adam\(epsilon\): expected a number from 1e-30 to 1e\+30, got 0",
        ),
        (
            lambda: SGD(1e300),
            r"SGD\(learning_rate\): expected a number ≥ 0, at most 1e\+30, got 1e",
        ),
        (lambda: SGD(name=3), r"SGD\(name\): expected a text, got 3"),
        (lambda: SGD(nesterov="no"), r"SGD\(nesterov\): expected True or False, got 'no'"),
        (lambda: SGD(momentum=1.5), r"SGD\(momentum\): expected a number from 0 to 1, got 1\.5"),
    ],
)
def test_bad_arguments(make, text):
    with pytest.raises(ArgumentError, match=text):
        make()


def test_the_base_takes_no_step():
    with pytest.raises(NotImplementedError):
        Optimizer(0.1).apply([(slice(0, 1), np.zeros(1), np.zeros(1))])


@pytest.mark.parametrize("frozen", [(), (1,), (0, 2), (1, 3)])
def test_each_parameter_has_its_own_slots_beside_frozen_layers(backend, frozen):
    """Parameter by parameter, Adam's moments and steps, whatever lies frozen between them."""
    dense = [layers.Dense(4), layers.Dense(2), layers.Dense(5), layers.Dense(3, "softmax")]
    model = npcnn.Sequential([layers.Input((3,)), *dense], dtype="float64")
    for number in frozen:
        model.layers[number].trainable = False
    rate, beta_1, beta_2, epsilon = 0.05, 0.8, 0.9, 1e-3
    model.compile(Adam(rate, beta_1, beta_2, epsilon), "sparse_categorical_crossentropy")
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(6, 3)), rng.integers(0, 3, 6)
    want = model.get_weights()
    m, v = [0 * w for w in want], [0 * w for w in want]
    trained = [k for k in range(8) if k // 2 not in frozen]
    for t in range(1, 5):
        model.train_on_batch(x, y)
        gradients = [g for layer in model.layers for _, _, g in layer.parameters()]
        alpha = rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        for k in trained:
            m[k] += (gradients[k] - m[k]) * (1 - beta_1)
            v[k] += (gradients[k] ** 2 - v[k]) * (1 - beta_2)
            want[k] = want[k] - alpha * m[k] / (np.sqrt(v[k]) + epsilon)
    for got, expected in zip(model.get_weights(), want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)
    for name, slot in [("m", m), ("v", v)]:  # in the parameters' order, and none for frozen ones
        expected = np.concatenate([slot[k].ravel() for k in trained])
        np.testing.assert_allclose(model.optimizer.slots[name], expected, rtol=1e-12, atol=1e-14)
