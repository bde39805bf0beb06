"""Each loss beside the real Keras's: values, gradients, and what a network learns by it."""

import numpy as np
import pytest
from in_keras import ask, needs_keras

import npcnn
from npcnn import layers, losses

pytestmark = needs_keras


def probabilities(rng, shape):
    p = rng.random(shape) + 0.05
    return p / p.sum(axis=-1, keepdims=True)


def one_hot(rng, shape):
    return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]


def labels(rng, shape):
    return rng.integers(0, shape[-1], shape[:-1])


def signs(rng, shape):
    return rng.choice([-1.0, 1.0], shape)


def bits(rng, shape):
    return rng.integers(0, 2, shape).astype(float)


def normal(rng, shape):
    return rng.normal(size=shape)


def lengths_of_one(rng, shape):
    p = rng.normal(size=shape)
    return p / np.linalg.norm(p, axis=-1, keepdims=True)


def uniform(rng, shape):
    return rng.uniform(0.02, 0.98, shape)


# (class, arguments, how targets are drawn, how outputs are, the last activation of a network)
CASES = [
    ("MeanSquaredError", {}, normal, normal, None),
    ("MeanAbsoluteError", {}, normal, normal, "tanh"),
    ("MeanAbsolutePercentageError", {}, normal, normal, None),
    ("MeanSquaredLogarithmicError", {}, uniform, normal, "sigmoid"),
    ("Huber", {}, normal, normal, None),
    ("Huber", {"delta": 0.3}, normal, normal, "tanh"),
    ("LogCosh", {}, normal, normal, "tanh"),
    ("Poisson", {}, uniform, uniform, "sigmoid"),
    ("CosineSimilarity", {}, normal, normal, "tanh"),
    ("Hinge", {}, signs, normal, "tanh"),
    ("Hinge", {}, bits, normal, None),
    ("SquaredHinge", {}, bits, normal, "tanh"),
    ("CategoricalHinge", {}, one_hot, normal, "softmax"),
    ("KLDivergence", {}, probabilities, probabilities, "softmax"),
    ("BinaryCrossentropy", {}, bits, uniform, "sigmoid"),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, uniform, uniform, "sigmoid"),
    ("BinaryCrossentropy", {"from_logits": True}, bits, normal, None),
    ("BinaryFocalCrossentropy", {}, bits, uniform, "sigmoid"),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5},
     uniform, uniform, "sigmoid"),
    ("BinaryFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, bits, normal, None),
    ("CategoricalCrossentropy", {}, one_hot, probabilities, "softmax"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, one_hot, uniform, "softmax"),
    ("CategoricalCrossentropy", {"from_logits": True}, probabilities, normal, None),
    ("CategoricalFocalCrossentropy", {}, one_hot, uniform, "softmax"),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "gamma": 1.0, "label_smoothing": 0.1},
     one_hot, normal, None),
    ("Dice", {}, bits, uniform, "sigmoid"), ("Dice", {"axis": -1}, bits, uniform, "sigmoid"),
    ("Tversky", {"alpha": 0.3, "beta": 0.9}, bits, uniform, "sigmoid"),
    ("Tversky", {"axis": [-1], "beta": 0.2}, uniform, uniform, "sigmoid"),
    ("Circle", {"gamma": 3.0}, labels, lengths_of_one, "tanh"),
    ("Circle", {"margin": 0.2, "gamma": 9.0, "remove_diagonal": False}, labels, lengths_of_one,
     "tanh"),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.7}, labels, probabilities, "softmax"),
    ("SparseCategoricalCrossentropy", {}, labels, probabilities, "softmax"),
    ("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 1}, labels, normal,
     None),
    ("SparseCategoricalCrossentropy", {"ignore_class": 0}, labels, uniform, "softmax"),
]  # fmt: skip
NAMES = [f"{k} {case[0]}" for k, case in enumerate(CASES)]
SHAPES = [(6, 4), (3, 5, 2, 4), (7, 1)]
REDUCTIONS = ["sum_over_batch_size", "sum", None, "mean_with_sample_weight"]


OF_A_BATCH = ("Dice", "Tversky")  # one number, which Keras adds up as often as there are weights


def problem(case, shape, dtype="float32"):
    """Return (targets, outputs, weights a sample), the same at each call."""
    rng = np.random.default_rng(len(case[0]) + shape[0])
    y, p = (draw(rng, shape) for draw in case[2:4])
    return y if case[2] is labels else y.astype(dtype), p.astype(dtype), rng.random(shape[0])


def fits(case, shape):
    if case[0] == "Circle" and len(shape) > 2:
        return False
    return shape[-1] > 1 or case[2] not in (one_hot, labels, probabilities)


def of_values():
    """Yield (name, case, shape, reduction, whether weighted) of each question about values."""
    for name, case in zip(NAMES, CASES, strict=True):
        for k, shape in enumerate(SHAPES):
            if fits(case, shape):
                own = [
                    r
                    for r in REDUCTIONS
                    if "axis" in case[1] or case[0] not in OF_A_BATCH or r != "sum"
                ]
                for reduction in own if k == 0 else REDUCTIONS[:1]:
                    yield f"{name} {shape} {reduction}", case, shape, reduction, k < 2


def network(case):
    """Return (layers, x, y, weights) of a network that a loss is to teach."""
    images = case[0] in ("MeanSquaredError", "MeanAbsoluteError", "BinaryCrossentropy", *OF_A_BATCH)
    width = 1 if images else 4
    last = ("Activation", {"activation": case[4] or "linear"})
    conv = ("Conv2D", {"filters": 3, "kernel_size": 3, "padding": "same", "activation": "tanh"})
    rows = [("Dense", {"units": 5, "activation": "tanh"}), ("Dense", {"units": 4}), last]
    if images:  # an autoencoder's targets
        rows = [conv, ("Conv2D", {"filters": 1, "kernel_size": 1}), last]
    if case[4] in ("softmax", "sigmoid", "tanh"):  # fused: the loss may start from the logits
        rows[-2:] = [(rows[-2][0], {**rows[-2][1], "activation": case[4]})]
    rng = np.random.default_rng(5)
    x = rng.uniform(-1, 1, (20, 6, 5, 2) if images else (20, 6)).astype("float32")
    y = case[2](rng, (20, 6, 5, width) if images else (20, width))
    own = build(rows, x)
    weights = [rng.normal(size=w.shape).astype("float32") / 2 for w in own.get_weights()]
    return rows, x, y if case[2] is labels else y.astype("float32"), weights


def build(rows, x):
    made = [getattr(layers, name)(**arguments) for name, arguments in rows]
    return npcnn.Sequential([layers.Input(x.shape[1:]), *made])


@pytest.fixture(scope="module")
def keras_numbers(tmp_path_factory):
    tasks = {}
    for name, case, shape, reduction, weighted in of_values():
        y, p, weights = problem(case, shape)
        weights = weights.reshape(-1, *[1] * (len(shape) - 2)) * np.ones(shape[:-1])
        task = {"do": "loss", "make": (case[0], {**case[1], "reduction": reduction})}
        own = {"weights": weights.astype("float32")} if weighted else {}
        tasks[name] = task, {"y": y, "p": p, **own}
    for name, case in zip(NAMES, CASES, strict=True):
        rows, x, y, weights = network(case)
        task = {"do": "train", "make": case[:2], "layers": rows, "optimizer": ("SGD", {})}
        tasks[name] = task, {"x": x, "y": y, **{f"weight{k}": w for k, w in enumerate(weights)}}
    return ask(tmp_path_factory.mktemp("losses"), tasks)


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients(keras_numbers, backend, name):
    for key, case, shape, reduction, weighted in of_values():
        if not key.startswith(f"{name} "):
            continue
        y, p, weights = problem(case, shape)
        loss = getattr(losses, case[0])(**case[1], reduction=reduction)
        want = keras_numbers[key]
        found = loss(y, p, weights if weighted else None)
        np.testing.assert_allclose(found, want["value"], rtol=3e-5, atol=1e-6, err_msg=key)
        if "gradient" in want and reduction is not None:
            spread = np.ones(shape[:-1]) * weights.reshape(-1, *[1] * (len(shape) - 2))
            rows = (spread if weighted else np.ones(shape[:-1])).astype(p.dtype)
            targets = loss.targets(loss.check_targets(y, shape, "y"), shape, p.dtype)
            rows = loss.reduced(y, rows)
            gradient = loss.losses_and_gradient(targets, p, None, rows)[1]
            scale = max(np.abs(want["gradient"]).max(), 0.01)
            np.testing.assert_allclose(
                gradient, want["gradient"], rtol=1e-4, atol=1e-5 * scale, err_msg=key
            )
        elif not weighted:
            function = getattr(losses, loss.default_name)
            np.testing.assert_allclose(function(y, p, **case[1]), found, rtol=1e-6, err_msg=key)


def test_circle_beside_other_embeddings(tmp_path):
    rng = np.random.default_rng(0)
    y, others = rng.integers(0, 3, 6), rng.integers(0, 3, 9)
    p, q = (lengths_of_one(rng, (n, 4)).astype("float32") for n in (6, 9))
    how = {"remove_diagonal": False, "gamma": 5.0}
    task = {"do": "function", "module": "losses", "make": ("circle", how)}
    found = ask(tmp_path, {"circle": (task, {"y": y, "p": p, "others": others, "q": q})})
    own = losses.circle(y, p, others, q, **how)
    np.testing.assert_allclose(own, found["circle"]["value"], rtol=2e-5, atol=1e-6)
    with pytest.raises(npcnn.checks.ArgumentError, match=r"circle\(y_pred\): expected embeddings"):
        losses.circle(y, p, others, q[:, :3])


@pytest.mark.parametrize("name", NAMES)
def test_training(keras_numbers, backend, name):
    """Three epochs: the loss of each, validation's, the weights in the end."""
    case = CASES[NAMES.index(name)]
    rows, x, y, weights = network(case)
    model = build(rows, x)
    model.set_weights(weights)
    model.compile("sgd", getattr(losses, case[0])(**case[1]))
    fit = {"batch_size": 7, "epochs": 3, "shuffle": False, "verbose": 0}
    history = model.fit(x, y, validation_data=(x[:9], y[:9]), **fit).history
    want = keras_numbers[name]
    for curve, values in history.items():
        np.testing.assert_allclose(values, want[f"history/{curve}"], rtol=2e-5, err_msg=curve)
    for k, weight in enumerate(model.get_weights()):
        np.testing.assert_allclose(weight, want[f"after{k}"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0), want["evaluated"], rtol=2e-5)
