"""The same networks, weights and data in Keras and here: the same numbers must come out.

Keras is no dependency of npcnn; where it is not installed, nothing of this runs.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from npcnn import Sequential, layers, optimizers, utils

TRAINS = [name for name in ("torch", "tensorflow", "jax") if importlib.util.find_spec(name)]
pytestmark = pytest.mark.skipif(
    not TRAINS or not importlib.util.find_spec("keras"),
    reason="needs keras, and torch, tensorflow or jax for it to train with",
)

CLASSES = 4
ADAM = ("Adam", {"learning_rate": 0.01})
PLAIN = ("SGD", {"learning_rate": 0.1})
MOMENTUM = ("SGD", {"learning_rate": 0.05, "momentum": 0.9})
NESTEROV = ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True})
AVERAGED = ("Adam", {"learning_rate": 0.01, "use_ema": True, "ema_momentum": 0.7, "clipnorm": 0.1})
SUMMED = ("SGD", {"learning_rate": 0.1, "gradient_accumulation_steps": 2, "weight_decay": 0.1})
SPARSE, ONE_HOT = "sparse_categorical_crossentropy", "categorical_crossentropy"
# One batch an epoch: the loss of every step is in the history.
STEPS = {"batch_size": 24, "epochs": 5}


def conv(filters, size, **arguments):
    return "Conv2D", {"filters": filters, "kernel_size": size, **arguments}


def dense(units, activation=None, **arguments):
    return "Dense", {"units": units, "activation": activation, **arguments}


FLAT, HEAD = ("Flatten", {}), dense(CLASSES, "softmax")
POOL = ("MaxPooling2D", {})

CASES = {
    "dense": ((7,), [dense(9, "relu"), HEAD], ADAM, SPARSE, STEPS),
    "sgd": ((7,), [dense(9, "tanh"), HEAD], PLAIN, ONE_HOT, STEPS),
    "momentum": ((7,), [dense(9, "sigmoid"), HEAD], MOMENTUM, SPARSE, STEPS),
    "nesterov": ((7,), [dense(9, "relu", use_bias=False), HEAD], NESTEROV, ONE_HOT, STEPS),
    "averaged": ((7,), [dense(9, "tanh"), HEAD], AVERAGED, SPARSE, STEPS),
    "summed": ((7,), [dense(9, "tanh"), HEAD], SUMMED, SPARSE, STEPS),
    "document": (
        (12, 12, 1),
        [
            conv(5, 3, activation="relu", padding="same"),
            conv(5, 3, activation="relu", padding="same"),
            POOL,
            conv(10, 3, activation="relu", padding="same"),
            conv(10, 3, activation="relu", padding="same"),
            POOL,
            FLAT,
            dense(16, "relu"),
            HEAD,
        ],
        ADAM, ONE_HOT, STEPS,
    ),
    "strides_same": (
        (9, 8, 2), [conv(3, 3, strides=2, padding="same"), ("ReLU", {}), FLAT, HEAD],
        ADAM, SPARSE, STEPS,
    ),
    "strides_valid": (
        (9, 10, 2), [conv(3, (2, 4), strides=(2, 3), activation="relu"), FLAT, HEAD],
        NESTEROV, SPARSE, STEPS,
    ),
    "dilation": (
        (9, 9, 2),
        [conv(3, 3, dilation_rate=2, activation="relu"), conv(3, (3, 2), padding="same"), FLAT,
         HEAD],
        MOMENTUM, ONE_HOT, STEPS,
    ),
    "pools": (
        (9, 9, 2),
        [
            ("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}),
            conv(4, 2, activation="tanh"),
            ("MaxPooling2D", {"pool_size": (2, 3), "strides": 1}),
            FLAT, HEAD,
        ],
        ADAM, SPARSE, STEPS,
    ),
    "relu_arguments": (
        (7,),
        [dense(9), ("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}), HEAD],
        ADAM, SPARSE, STEPS,
    ),
    "softmax_layer": ((7,), [dense(CLASSES), ("Softmax", {})], ADAM, SPARSE, STEPS),
    "activation_layer": (
        (7,), [dense(6), ("Activation", {"activation": "sigmoid"}), HEAD], ADAM, SPARSE, STEPS
    ),
    "class_weight": (
        (7,), [dense(9, "relu"), HEAD], ADAM, SPARSE,
        {**STEPS, "class_weight": {"0": 2.0, "1": 0.5, "3": 0.0}},
    ),
    "class_weight_one_hot": (
        (7,), [dense(9, "relu"), HEAD], MOMENTUM, ONE_HOT,
        {**STEPS, "class_weight": {"0": 2.0, "1": 0.5, "2": 1.0, "3": 0.25}},
    ),
    "sample_weight": ((7,), [dense(9, "relu"), HEAD], ADAM, SPARSE, STEPS),
    "batches": (  # short last batches, and validation on the last share
        (6, 6, 1), [conv(3, 3, activation="relu"), FLAT, HEAD], ADAM, SPARSE,
        {"batch_size": 5, "epochs": 3, "validation_split": 0.3},
    ),
}  # fmt: skip


def ours(name):
    """Return (model, x, y, arguments of fit): compiled, with weights drawn for this case."""
    input_shape, rows, optimizer, loss, fit = CASES[name]
    made = [getattr(layers, class_name)(**arguments) for class_name, arguments in rows]
    model = Sequential([layers.Input(input_shape), *made])
    rng = np.random.default_rng(sum(map(ord, name)))
    # Small enough for moderate logits: with torch Keras has no logits to start the loss from, and
    # clips probabilities at 1e-7, as TensorFlow's does not.
    spread = [max(1, w[..., 0].size) ** -0.5 for w in model.get_weights()]
    weights = [rng.normal(0, s, w.shape) for s, w in zip(spread, model.get_weights(), strict=True)]
    model.set_weights([w if w.ndim > 1 else 0.1 * w for w in weights])
    model.compile(getattr(optimizers, optimizer[0])(**optimizer[1]), loss, ["accuracy"])
    x = rng.uniform(-1, 1, (24, *input_shape)).astype("float32")
    y = rng.integers(0, CLASSES, 24)
    fit = dict(fit)
    if "class_weight" in fit:
        fit["class_weight"] = {int(label): w for label, w in fit["class_weight"].items()}
    if name == "sample_weight":
        fit["sample_weight"] = rng.uniform(0, 2, 24)
    return model, x, utils.to_categorical(y, CLASSES) if loss == ONE_HOT else y, fit


@pytest.fixture(scope="module")
def keras_results(tmp_path_factory):
    """Train all cases with Keras, in one process of its own."""
    folder = tmp_path_factory.mktemp("keras")
    described, arrays = {}, {}
    for name, (input_shape, rows, optimizer, loss, fit) in CASES.items():
        model, x, y, own_fit = ours(name)
        described[name] = {
            "input_shape": input_shape, "layers": rows, "optimizer": optimizer, "loss": loss,
            "fit": fit,
        }  # fmt: skip
        arrays |= {f"{name}/x": x, f"{name}/y": y}
        arrays |= {f"{name}/weights/{k}": w for k, w in enumerate(model.get_weights())}
        if "sample_weight" in own_fit:
            arrays[f"{name}/sample_weight"] = own_fit["sample_weight"]
    (folder / "cases.json").write_text(json.dumps(described), "utf-8")
    np.savez(folder / "arrays.npz", **arrays)
    script = Path(__file__).with_name("keras_side.py")
    environment = {**os.environ, "KERAS_BACKEND": TRAINS[0], "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, str(script), str(folder)],
        env=environment, capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return dict(np.load(folder / "results.npz"))


@pytest.mark.parametrize("name", CASES)
def test_predictions(keras_results, backend, name):
    model, x, _, _ = ours(name)
    found = model.predict(x, verbose=0)
    np.testing.assert_allclose(found, keras_results[f"{name}/before"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_training(keras_results, backend, name):
    """The loss and accuracy of every step or epoch, and the weights in the end."""
    model, x, y, fit = ours(name)
    history = model.fit(x, y, shuffle=False, verbose=0, **fit).history
    prefix = f"{name}/history/"
    curves = {k[len(prefix) :] for k in keras_results if k.startswith(prefix)}
    assert curves == set(history)
    for curve, values in history.items():
        want = keras_results[prefix + curve]
        np.testing.assert_allclose(values, want, rtol=1e-4, atol=1e-5, err_msg=curve)
    for k, weight in enumerate(model.get_weights()):
        np.testing.assert_allclose(weight, keras_results[f"{name}/after/{k}"], rtol=1e-3, atol=1e-4)
    evaluated = model.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(evaluated, keras_results[f"{name}/evaluated"], rtol=1e-4, atol=1e-5)
