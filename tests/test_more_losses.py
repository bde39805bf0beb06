"""All losses: ops beside scalar oracles, gradients through any last activation, configs, names."""

import math

import numpy as np
import pytest
from arrays import LAYOUTS, assert_close, in_layout, unchanged

import npcnn
from npcnn import layers, losses, metrics
from npcnn.checks import ArgumentError
from npcnn.rules import LOSS_FORMULAS

E = 1e-7


def clip(p, high=1 - E):
    return min(max(p, E), high)


def binary(y, t):
    return -t * math.log(clip(y)) - (1 - t) * math.log(1 - clip(y))


def dtype_of(value, array):
    return array.dtype.type(value)


def logistic(z):
    return 1 / (1 + math.exp(-z))


# name → (options, f of one output and one target)
ORACLES = {
    "absolute": ((), lambda y, t: abs(y - t)),
    "percentage": ((), lambda y, t: 100 * abs(y - t) / max(abs(t), E)),
    "logarithmic": (
        (), lambda y, t: (math.log(max(y, E) + 1) - math.log(max(t, E) + 1)) ** 2
    ),
    "huber": (
        (0.4,),
        lambda y, t: (y - t) ** 2 / 2 if abs(y - t) <= 0.4 else 0.4 * abs(y - t) - 0.08,
    ),
    "log_cosh": ((), lambda y, t: math.log(math.cosh(y - t))),
    "hinge": ((), lambda y, t: max(1 - t * y, 0)),
    "squared_hinge": ((), lambda y, t: max(1 - t * y, 0) ** 2),
    "poisson": ((), lambda y, t: y - t * math.log(y + E)),
    "kl_divergence": ((), lambda y, t: clip(t, 1) * math.log(clip(t, 1) / clip(y, 1))),
    "binary_crossentropy": ((), binary),
    "binary_crossentropy_from_logits": ((), lambda y, t: binary(logistic(y), t)),
    "binary_focal_crossentropy": (
        (2.0, 0.3),
        lambda y, t: (0.3 * t + 0.7 * (1 - t))
        * (1 - t * y - (1 - t) * (1 - y)) ** 2 * binary(y, t),
    ),
}  # fmt: skip
ANY = ("absolute", "percentage", "huber", "log_cosh", "hinge", "squared_hinge", "logarithmic",
       "binary_crossentropy_from_logits")  # fmt: skip


def test_each_formula_has_an_oracle():
    assert tuple(ORACLES) == LOSS_FORMULAS
    from npcnn.reference.elementwise_losses import FORMULAS

    assert tuple(FORMULAS) == LOSS_FORMULAS


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("formula", ORACLES)
def test_elementwise_losses(ops, rng, formula, dtype):
    options, oracle = ORACLES[formula]
    for shape in ((5, 3), (1, 1), (4, 3, 2), (40, 30)):
        low = -1.5 if formula in ANY else 0.02
        y, t = rng.uniform(low, 0.97, shape), rng.uniform(0.02, 0.97, shape)
        y, t, w = y.astype(dtype), t.astype(dtype), rng.random(shape[:-1]).astype(dtype)
        for average in (True, False):
            with unchanged(y, t, w):
                found, grad = ops.elementwise_loss(y, t, w, formula, options, average)
            each = np.array([oracle(float(a), float(b)) for a, b in zip(y.flat, t.flat)])  # noqa: B905
            each = each.reshape(shape)
            want = w * (each.mean(axis=-1) if average else each.sum(axis=-1))
            scale = max(np.abs(want).max(), 1)
            assert_close(found / dtype_of(scale, found), want / scale, dtype)
            assert grad.dtype == dtype
            if dtype == "float64" and y.size < 30:
                h = 1e-6
                rise = [
                    (oracle(a + h, b) - oracle(a - h, b)) / (2 * h)
                    for a, b in zip(y.flat, t.flat)  # noqa: B905
                ]
                share = (w / w.size / (shape[-1] if average else 1))[..., None]
                want = np.reshape(rise, shape) * share
                np.testing.assert_allclose(grad, want, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout(ops, rng, layout):
    arrays = [rng.random((6, 5, 4)), rng.random((6, 5, 4)), rng.random((6, 5))]
    hows = [("elementwise_loss", (name, ORACLES[name][0])) for name in ORACLES]
    hows += [("categorical_hinge", ()), ("cosine_similarity", ())]
    hows += [("categorical_focal_crossentropy", (0.25, 2.0))]
    for name, rest in hows:
        plain = getattr(ops, name)(*arrays, *rest)
        strided = getattr(ops, name)(*(in_layout(a, layout) for a in arrays), *rest)
        for got, want in zip(strided, plain, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-15)
    labels = in_layout(rng.integers(0, 2, (6, 5, 4)).astype(float), layout)
    np.testing.assert_array_equal(ops.hinge_labels(labels), 2 * labels - 1)


def test_row_losses(ops, rng):
    y, t, w = rng.random((7, 4)) + 0.1, np.eye(4)[rng.integers(0, 4, 7)], rng.random(7)
    hinge, cosine, focal = [], [], []
    for a, b in zip(y, t, strict=True):
        right = sum(p * q for p, q in zip(a, b, strict=True))
        wrong = max((1 - q) * p for p, q in zip(a, b, strict=True))
        hinge.append(max(wrong - right + 1, 0))
        cosine.append(-right / (math.hypot(*a) * math.hypot(*b)))
        shares = [p / sum(a) for p in a]
        focal.append(
            -sum(0.3 * (1 - p) ** 1.5 * q * math.log(p) for p, q in zip(shares, b, strict=True))
        )
    np.testing.assert_allclose(ops.categorical_hinge(y, t, w)[0], w * hinge)
    np.testing.assert_allclose(ops.cosine_similarity(y, t, w)[0], w * cosine)
    found = ops.categorical_focal_crossentropy(y, t, w, 0.3, 1.5)[0]
    np.testing.assert_allclose(found, w * focal)


def test_not_a_number_stays_one(ops):
    """A diverged network's loss is NaN, whatever the formula: no comparison may hide it."""
    y, t, w = np.array([[np.nan, 0.5], [0.5, 0.5]]), np.ones((2, 2)), np.ones(2)
    for formula, (options, _) in ORACLES.items():
        found, _ = ops.elementwise_loss(y, t, w, formula, options)
        assert np.isnan(found).tolist() == [True, False], formula


CLASSES = [getattr(losses, name) for name in losses.__all__ if name[0].isupper()]
CLASSES.remove(losses.Loss)
CLASSES.remove(losses.Distillation)  # none of Keras's; see tests/test_distillation.py
SPECIAL = [
    losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
    losses.BinaryFocalCrossentropy(True, 0.4, 1.5),
    losses.BinaryFocalCrossentropy(from_logits=True),
    losses.CategoricalFocalCrossentropy(0.3, 1.5),
    losses.CategoricalFocalCrossentropy(from_logits=True),
    losses.Huber(0.2),
    losses.SparseCategoricalCrossentropy(ignore_class=1),
    losses.SparseCategoricalCrossentropy(reduction="sum"),
    losses.MeanAbsoluteError(reduction="mean_with_sample_weight"),
]
LOSSES = [*(cls() for cls in CLASSES), *SPECIAL]
IDS = [f"{k} {type(loss).__name__}" for k, loss in enumerate(LOSSES)]


def targets_for(loss, rng, shape):
    if loss.labels:
        return rng.integers(0, shape[-1], shape[:-1])
    if "Categorical" in type(loss).__name__:
        return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
    if "Hinge" in type(loss).__name__:
        return rng.integers(0, 2, shape).astype(float)
    return rng.uniform(0.05, 0.95, shape)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", None, "tanh"])
@pytest.mark.parametrize("loss", LOSSES, ids=IDS)
def test_a_loss_owns_its_gradient(backend, loss, activation):
    """Through any last activation, weighted; probabilities where the loss takes logarithms."""
    bounded = activation in ("softmax", "sigmoid")
    logits = getattr(loss, "from_logits", False)
    name = type(loss).__name__
    if not bounded and not logits and any(w in name for w in ("entropy", "Poisson", "Divergence")):
        activation = "sigmoid"  # outputs below 0 have no logarithm
    if activation == "softmax" and "Logarithmic" in name:
        activation = "sigmoid"
    model = npcnn.Sequential(
        [layers.Input((4,)), layers.Dense(5, activation="tanh"), layers.Dense(3, activation)],
        dtype="float64",
    )
    model.compile("sgd", loss)
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(7, 4)), targets_for(loss, rng, (7, 3))
    table = npcnn.gradient_check.check_model(model, x, y, sample_weight=rng.random(7) + 0.2)
    assert table.passed, table


@pytest.mark.parametrize("loss", LOSSES, ids=IDS)
def test_config_there_and_back(loss):
    config = loss.get_config()
    assert list(config)[:2] == ["name", "reduction"]
    assert type(loss)(**config).get_config() == config
    assert losses.loss_of(loss.default_name, "here").name == type(loss)().name
    for name in (*loss.aliases, type(loss).__name__, getattr(losses, loss.default_name)):
        assert type(losses.loss_of(name, "here")) is type(loss)


@pytest.mark.parametrize("loss", LOSSES, ids=IDS)
def test_steps_are_played(loss):
    """All but what is made by NumPy: losses that look at rows, weights that depend on targets."""
    with npcnn.backend.using("numba"):
        model = npcnn.Sequential(
            [layers.Input((4,)), layers.Dense(6, "relu"), layers.Dense(3, "sigmoid")]
        )
        model.compile("sgd", loss)
        rng = np.random.default_rng(3)
        x, y = rng.normal(size=(32, 4)), targets_for(loss, rng, (32, 3))
        model.fit(x, y, batch_size=8, epochs=3, verbose=0)
        by_numpy = (losses.CategoricalHinge, losses.CosineSimilarity, losses.Dice)
        by_numpy += (losses.Tversky, losses.CategoricalGeneralizedCrossEntropy, losses.Circle)
        numpy_made = isinstance(loss, (*by_numpy, losses.CategoricalFocalCrossentropy))
        numpy_made |= getattr(loss, "ignore_class", None) is not None
        numpy_made |= loss.reduction == "mean_with_sample_weight"
        assert str(model.program).startswith("not replayed") == numpy_made


def test_reductions():
    y, p, w = np.zeros((4, 2)), np.arange(8.0).reshape(4, 2), np.array([1.0, 0, 2, 1])
    rows = p.mean(axis=1)
    for reduction, want in [
        ("sum_over_batch_size", (w * rows).mean()), ("mean", (w * rows).mean()),
        ("sum", (w * rows).sum()), ("mean_with_sample_weight", (w * rows).sum() / 4),
    ]:  # fmt: skip
        assert losses.MeanAbsoluteError(reduction)(y, p, w) == pytest.approx(want)
    for reduction in (None, "none"):
        np.testing.assert_allclose(losses.MeanAbsoluteError(reduction)(y, p, w), w * rows)
    assert losses.MeanAbsoluteError("mean_with_sample_weight")(y, p, 0 * w) == 0
    model = npcnn.Sequential([layers.Input((2,)), layers.Dense(2)])
    model.compile("sgd", losses.MeanAbsoluteError(None))
    with pytest.raises(ArgumentError, match="expected a loss that is one number"):
        model.fit(p, y, verbose=0)
    with pytest.raises(ArgumentError, match=r"Huber\(reduction\): expected one of"):
        losses.Huber(reduction="average")
    with pytest.raises(ArgumentError, match=r"CosineSimilarity\(axis\): expected -1"):
        losses.CosineSimilarity(axis=0)


def test_one_row_and_a_column():
    assert losses.mean_squared_error([1.0, 3.0], [1.0, 1.0]) == 2
    assert losses.mean_squared_error([[1], [3]], [1.0, 1.0]).tolist() == [0, 4]
    assert losses.mean_squared_error([1, 3], [[1.0], [1.0]]).tolist() == [0, 4]
    assert losses.MeanSquaredError()([1.0, 3.0], [1.0, 1.0]) == 2


def test_a_function_as_a_loss_and_as_a_metric(rng):
    x, y = rng.normal(size=(10, 3)), rng.normal(size=(10, 2))
    found = []
    for loss in (losses.mean_absolute_error, "mae", losses.MeanAbsoluteError()):
        npcnn.set_random_seed(0)
        model = npcnn.Sequential([layers.Dense(2)])
        model.compile("sgd", loss, metrics=[metrics.get(losses.mean_absolute_error)])
        found.append(model.fit(x, y, epochs=2, verbose=0).history)
    assert found[0] == found[1] == found[2]
    np.testing.assert_allclose(found[0]["loss"], found[0]["mean_absolute_error"], rtol=1e-6)


def test_class_weights_of_one_output(rng):
    """As sample weights: classes 0 and 1, as textbooks' programs for unbalanced data give them."""
    x, y = rng.normal(size=(12, 3)), rng.integers(0, 2, 12)
    found = []
    for how in (
        {"class_weight": {0: 0.5, 1: 3.0}},
        {"sample_weight": np.where(y == 1, 3.0, 0.5)},
    ):
        for targets in (y, y[:, np.newaxis].astype(float)):
            npcnn.set_random_seed(0)
            model = npcnn.Sequential([layers.Dense(1, activation="sigmoid")])
            model.compile("sgd", "binary_crossentropy")
            found.append(model.fit(x, targets, epochs=2, verbose=0, **how).history["loss"])
    assert found[0] == found[1] == found[2] == found[3]
    with pytest.raises(ArgumentError, match="expected targets 0 and 1, got up to 2"):
        model.fit(x, y + 1, class_weight={0: 0.5, 1: 3.0}, verbose=0)
