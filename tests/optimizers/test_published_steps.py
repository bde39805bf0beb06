"""Figures that Keras's own tests print, of optimizers and losses, held against npcnn.

Sources: keras-team/keras, keras/src/optimizers/*_test.py (one step, and six on constant gradients)
and keras/src/losses/losses_test.py; figures alone were taken, to the digits printed there.
"""

import numpy as np
import pytest

import npcnn
from npcnn import layers, losses, ops, optimizers


class Slope(layers.Layer):
    """Numbers w whose gradient is whatever the layer is given."""

    def __init__(self, begin, **kwargs):
        super().__init__(**kwargs)
        self.w = npcnn.Variable(np.array(begin, "float32"), name="w")

    def call(self, x):
        self.add_loss(ops.sum(self.w * x))
        return x


def trained(optimizer, begin, gradients):
    """Return what the numbers are after each step."""
    model = npcnn.Sequential([layers.Input((len(begin),)), Slope(begin)])
    model.compile(optimizer, None)
    found = []
    for one in gradients:
        model.train_on_batch(np.array(one, "float32")[None], None)
        found.append(model.get_weights()[0].copy())
    return found


FIRST = {
    "SGD": [0.5, -1.0, -0.5, 3.0],
    "RMSprop": [-0.5811, 0.4189, 1.4189, 2.4189],
    "Adam": [0.5, 1.5, 2.5, 3.5],
    "Nadam": [0.4686, 1.4686, 2.4686, 3.4686],
    "Adagrad": [0.5233, 1.5007, 2.5005, 3.5061],
    "Adamax": [0.5, 1.5, 2.5, 3.5],
    "Adadelta": [0.9993, 1.9993, 2.9993, 3.9993],
    "Ftrl": [0.2218, 1.3954, 2.3651, 2.8814],
    "Lion": [0.5, 1.5, 2.5, 3.5],
}


@pytest.mark.parametrize("name", FIRST)
def test_one_step(name, backend):
    optimizer = getattr(optimizers, name)(learning_rate=0.5)
    (found,) = trained(optimizer, [1.0, 2.0, 3.0, 4.0], [[1.0, 6.0, 7.0, 2.0]])
    assert np.allclose(found, FIRST[name], rtol=1e-4, atol=1e-4)


# Gradients 0.01, then 0.1, …, 1.0: the first and the last of ten numbers after each of five steps.
FTRL = {
    "learning_rate_power": -0.2, "initial_accumulator_value": 0.4, "beta": 0.3,
    "l1_regularization_strength": 0.05, "l2_regularization_strength": 0.15,
    "l2_shrinkage_regularization_strength": 0.01,
}  # fmt: skip
FIVE = {
    "SGD": (
        {"nesterov": True},
        [0.9999, 0.9989, 0.9979, 0.9969, 0.9959],
        [0.9999, 0.9899, 0.9799, 0.9699, 0.9599],
    ),
    "RMSprop": ({"centered": True}, *[[0.9967, 0.9933, 0.9908, 0.9885, 0.9864]] * 2),
    "Adam": ({"amsgrad": True}, *[[0.999, 0.9982, 0.9974, 0.9965, 0.9955]] * 2),
    "Nadam": (
        {"learning_rate": 0.5, "beta_1": 0.5, "beta_2": 0.67, "epsilon": 1e-5},
        [0.4281, -0.1738, -0.7115, -1.2335, -1.7492],
        [0.4281, -0.1717, -0.7084, -1.2299, -1.7454],
    ),
    "Adagrad": (
        {"learning_rate": 0.2, "initial_accumulator_value": 0.3, "epsilon": 1e-6},
        [0.9963, 0.9604, 0.9251, 0.8903, 0.856],
        [0.9963, 0.8209, 0.6891, 0.579, 0.4825],
    ),
    "Adamax": (
        {"learning_rate": 0.2, "beta_1": 0.85, "beta_2": 0.95, "epsilon": 1e-6},
        [0.8, 0.6827, 0.5333, 0.368, 0.1933],
        [0.8, 0.691, 0.5466, 0.3848, 0.2126],
    ),
    "Adadelta": (
        {"learning_rate": 1.0, "rho": 0.8, "epsilon": 1e-6},
        *[[0.9978, 0.9947, 0.9915, 0.9882, 0.9849]] * 2,
    ),
    "Ftrl": (
        {"learning_rate": 0.05, **FTRL},
        [0.0, -0.0034, -0.0078, -0.0121, -0.0164],
        [0.0, -0.0354, -0.0685, -0.0999, -0.1299],
    ),
    "Lion": ({}, *[[0.999, 0.998, 0.997, 0.996, 0.995]] * 2),
}


@pytest.mark.parametrize("name", FIVE)
def test_five_steps(name, backend):
    arguments, first, last = FIVE[name]
    gradients = [np.full(10, 0.01), *[np.arange(0.1, 1.1, 0.1)] * 4]
    found = trained(getattr(optimizers, name)(**arguments), np.ones(10), gradients)
    assert np.allclose([one[0] for one in found], first, rtol=5e-4, atol=5e-4)
    assert np.allclose([one[-1] for one in found], last, rtol=5e-4, atol=5e-4)


@pytest.mark.parametrize("name", [name for name in FIRST if name != "Ftrl"])
def test_three_steps_of_decay(name, backend):
    optimizer = getattr(optimizers, name)(learning_rate=1.0, weight_decay=0.004)
    found = trained(optimizer, [2.0], [[0.0]] * 3)[-1]
    assert float(found[0]) == pytest.approx(1.9760959, abs=1e-6)


T = np.array([[1, 9, 2], [-5, -2, 6]], "float32")
P = np.array([[4, 8, 12], [8, 1, 3]], "float32")
S = np.array([[1.2], [3.4]], "float32")
BY_SUM, BY_WEIGHT = {"reduction": "sum"}, {"reduction": "mean_with_sample_weight"}
FIGURES = [
    ("MeanSquaredError", {}, None, 49.5),
    ("MeanSquaredError", {}, S, 767.8 / 6),
    ("MeanSquaredError", BY_WEIGHT, S, 255.9333 / 4.6),
    ("MeanAbsoluteError", {}, None, 5.5),
    ("MeanAbsoluteError", {}, S, 81.4 / 6),
    ("MeanAbsoluteError", BY_WEIGHT, S, 27.1333 / 4.6),
    ("MeanAbsolutePercentageError", {}, None, 211.8518),
    ("MeanAbsolutePercentageError", {}, S, 422.8888),
    ("MeanAbsolutePercentageError", BY_WEIGHT, S, 183.865),
    ("MeanSquaredLogarithmicError", {}, None, 1.4370),
    ("MeanSquaredLogarithmicError", {}, S, 3.7856),
    ("MeanSquaredLogarithmicError", BY_WEIGHT, S, 1.646),
]


@pytest.mark.parametrize(("name", "arguments", "weights", "wanted"), FIGURES)
def test_losses(name, arguments, weights, wanted):
    found = getattr(losses, name)(**arguments)(T, P, sample_weight=weights)
    assert float(found) == pytest.approx(wanted, rel=3e-4)


@pytest.mark.parametrize(
    ("arguments", "weights", "wanted"),
    [
        ({}, None, 1.3), (BY_SUM, None, 2.6), ({"reduction": None}, None, [1.1, 1.5]),
        ({}, [1, 0], 0.55), (BY_SUM, [1, 0], 1.1), ({"reduction": None}, [1, 0], [1.1, 0.0]),
    ],
)  # fmt: skip
def test_hinge(arguments, weights, wanted):
    t, p = np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([[0.6, 0.4], [0.4, 0.6]])
    found = losses.Hinge(**arguments)(t, p, sample_weight=weights)
    assert np.allclose(found, wanted, atol=1e-3)
