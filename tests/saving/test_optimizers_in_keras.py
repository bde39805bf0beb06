"""Optimizers here and in Keras: the same steps with the same gradients, and with files."""

import inspect

import numpy as np
import pytest

import npcnn
from npcnn import layers, optimizers
from npcnn.optimizers import schedules

SHAPES, NAMES = [(3, 4), (4,), (4, 2), (2,)], ["kernel", "bias", "kernel", "bias"]
SIZE = 26
OWN = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
    "Adam": [{}, {"amsgrad": True, "beta_2": 0.5, "epsilon": 1e-4}],
    "AdamW": [{}, {"amsgrad": True, "beta_2": 0.5, "weight_decay": 0.2}],
    "RMSprop": [
        {}, {"momentum": 0.5}, {"centered": True, "epsilon": 1e-3},
        {"momentum": 0.5, "centered": True, "rho": 0.8, "epsilon": 1e-3},
    ],
    "Adagrad": [{}, {"initial_accumulator_value": 0.3, "epsilon": 1e-4}],
    "Adadelta": [{}, {"rho": 0.8, "epsilon": 1e-4}],
    "Adamax": [{}, {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-5}],
    "Nadam": [{}, {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-5}],
    "Lion": [{}, {"beta_1": 0.8, "beta_2": 0.9}],
    "Ftrl": [
        {}, {"learning_rate_power": -0.7, "l1_regularization_strength": 0.2, "beta": 0.3},
        {"l2_regularization_strength": 0.1, "l2_shrinkage_regularization_strength": 0.2,
         "initial_accumulator_value": 0.5},
    ],
}  # fmt: skip
COMMON = [
    {"clipnorm": 0.7}, {"clipvalue": 0.2}, {"global_clipnorm": 0.9}, {"weight_decay": 0.1},
    {"use_ema": True, "ema_momentum": 0.8},
    {"use_ema": True, "ema_momentum": 0.6, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 3}, {"loss_scale_factor": 4.0},
    {
        "clipnorm": 0.5, "weight_decay": 0.1, "use_ema": True, "ema_overwrite_frequency": 2,
        "gradient_accumulation_steps": 2,
    },
]  # fmt: skip
RATES = [
    schedules.ExponentialDecay(0.1, 3, 0.5), schedules.ExponentialDecay(0.1, 3, 0.5, True),
    schedules.InverseTimeDecay(0.1, 4, 0.7), schedules.InverseTimeDecay(0.1, 4, 0.7, True),
    schedules.PolynomialDecay(0.1, 5), schedules.PolynomialDecay(0.1, 3, 0.01, 2.0, True),
    schedules.PiecewiseConstantDecay([2, 5], [0.1, 0.02, 0.3]),
    schedules.CosineDecay(0.1, 6, 0.1),
    schedules.CosineDecay(0.01, 4, 0.1, warmup_target=0.2, warmup_steps=3),
    schedules.CosineDecayRestarts(0.1, 3), schedules.CosineDecayRestarts(0.1, 2, 1.0, 0.5, 0.1),
    schedules.CosineDecayRestarts(0.1, 2, 1.5, 0.9),
]  # fmt: skip


def compare(keras, optimizer, excluded=None, steps=8):
    """Take steps with gradients that are the same in both; all numbers must be."""
    near = 1e-7 if keras.backend == "torch" else 5e-6  # others: 1 − β₂ᵗ in float32
    if isinstance(optimizer, optimizers.Ftrl):
        near = 5e-6  # its first accumulator is float32's 0.1, and divided by the rate
    rng = np.random.default_rng(5)
    gradients = rng.normal(size=(steps, SIZE))
    start = rng.normal(size=SIZE)
    task = {} if excluded is None else {"excluded": excluded}
    theirs = keras(
        gradients, start, optimizer=optimizers.serialize(optimizer), shapes=SHAPES, names=NAMES,
        **task,
    )  # fmt: skip
    stops = np.cumsum([np.prod(shape) for shape in SHAPES])[:-1]

    def parts(flat):
        return [p.reshape(s) for p, s in zip(np.split(flat, stops), SHAPES, strict=True)]

    moved = [
        optimizers.options.Named(part.copy(), name)
        for part, name in zip(parts(start), NAMES, strict=True)
    ]
    if excluded is not None:
        optimizer.exclude_from_weight_decay(var_names=excluded)
    for row, wanted, rate in zip(
        gradients, theirs["arrays"]["after"], theirs["arrays"]["rates"], strict=True
    ):
        exact = 1e-12 if keras.backend == "torch" else 1e-6  # others keep the rate in float32
        assert optimizer.learning_rate == pytest.approx(rate, rel=exact)
        optimizer.apply(parts(row), moved)
        found = np.concatenate([m.value.ravel() for m in moved])
        np.testing.assert_allclose(found, wanted, rtol=near, atol=near)
    optimizer.finalize_variable_values(moved)
    found = np.concatenate([m.value.ravel() for m in moved])
    np.testing.assert_allclose(found, theirs["arrays"]["final"], rtol=near, atol=near)
    state = [v for k, v in theirs["arrays"].items() if k[0] == "o"]
    assert len(state) == len(optimizer.variables)
    for one, other in zip(optimizer.variables, state, strict=True):
        np.testing.assert_allclose(one.numpy(), other, rtol=near, atol=near)
    assert theirs["steps"] == optimizer.iterations
    assert set(theirs["config"]) == set(optimizer.get_config())
    ours = [p for p in inspect.signature(type(optimizer)).parameters if p != "options"]
    assert theirs["arguments"][: len(ours)] == ours


@pytest.mark.parametrize("name", OWN)
def test_every_optimizer_with_every_option(keras, name):
    """All of them on the first of Keras's backends; on the others, which are slow, together."""
    for own in OWN[name]:
        compare(keras, getattr(optimizers, name)(0.05, **own))
    for common in COMMON if keras.backend == "torch" else COMMON[-1:]:
        compare(keras, getattr(optimizers, name)(0.05, **{**OWN[name][-1], **common}))


@pytest.mark.parametrize("name", OWN)
def test_what_does_not_decay(keras, name):
    if not keras.first:
        pytest.skip("the same on all of Keras's backends")
    compare(keras, getattr(optimizers, name)(0.05, weight_decay=0.5), excluded=["bias"])


@pytest.mark.parametrize("rate", RATES)
def test_every_schedule(keras, rate):
    if not keras.first:
        pytest.skip("the same on all of Keras's backends")
    compare(keras, optimizers.Adam(rate, epsilon=1e-4))


COSINE = schedules.CosineDecay(0.05, 20, warmup_target=0.1, warmup_steps=3)
SUMS = {"gradient_accumulation_steps": 2}
FILES = [
    ("SGD", {}, 0.02), ("SGD", {"momentum": 0.9, "use_ema": True, **SUMS}, COSINE),
    ("Adam", {"amsgrad": True, "use_ema": True, "clipnorm": 1.0, **SUMS}, 0.02),
    ("Adam", {"amsgrad": True}, COSINE), ("AdamW", {"weight_decay": 0.2}, 0.02),
    ("RMSprop", {"momentum": 0.5, "centered": True, "epsilon": 1e-4}, 0.02),
    ("RMSprop", {"momentum": 0.5, "use_ema": True, "weight_decay": 0.1}, 0.02),
    ("RMSprop", {"centered": True, "epsilon": 1e-4}, 0.02), ("Adagrad", {}, 0.1),
    ("Adadelta", {"rho": 0.8, "epsilon": 1e-4}, 1.0), ("Adamax", {}, 0.01),
    ("Nadam", {"use_ema": True, "global_clipnorm": 0.5}, 0.01), ("Lion", {}, 0.001),
    ("Ftrl", {"l1_regularization_strength": 0.01}, 0.1),
]  # fmt: skip


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("steps", [0, 3])
def test_files_there_and_back(keras, tmp_path, ending, steps):
    """Two parameters of one shape: only their order tells their slots apart."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(24, 5)).astype("float32"), rng.integers(0, 3, 24)
    for name, options, rate in FILES if keras.backend == "torch" else FILES[1:3]:
        stack = [layers.Dense(5, "tanh", use_bias=False) for _ in range(2)]
        model = npcnn.Sequential([layers.Input((5,)), *stack, layers.Dense(3, "softmax")])
        optimizer = getattr(optimizers, name)(rate, **options)
        model.compile(optimizer, "sparse_categorical_crossentropy")
        for _ in range(steps):
            model.train_on_batch(x, y)
        ours, back = tmp_path / f"ours{ending}", tmp_path / f"theirs{ending}"
        model.save(ours)
        theirs = keras(x, y, load=ours, train=6, save=[back])
        assert theirs["warnings"] == [] or ending == ".h5"
        for loss in theirs["losses"]:
            np.testing.assert_allclose(model.train_on_batch(x, y), loss, rtol=1e-4)
        for one, other in zip(model.get_weights(), theirs["weights"], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
        again = npcnn.load_model(back)
        assert again.optimizer.get_config() == optimizer.get_config()
        assert int(again.optimizer.clock) == steps + 6
        assert list(again.optimizer.slots) == list(optimizer.slots)
        for slot, array in optimizer.slots.items():
            found = again.optimizer.slots[slot]
            np.testing.assert_allclose(found, array, rtol=1e-3, atol=1e-4, err_msg=name)
