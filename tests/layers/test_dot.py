"""Dot beside a sum in plain loops: values, gradients, files, played steps, errors."""

import json
import math

import in_keras
import numpy as np
import pytest
from arrays import LAYOUTS, assert_close, in_layout

import npcnn
from npcnn import layers
from npcnn.backend import ops, using
from npcnn.checks import ArgumentError
from npcnn.gradient_check import check_layer

# (shapes of the two, axes)
CASES = [
    (((3, 5), (3, 5)), 1), (((3, 5), (3, 5)), -1), (((2, 3, 4), (2, 5, 4)), 2),
    (((2, 4, 3), (2, 5, 4)), (1, 2)), (((2, 3, 4, 5), (2, 4, 2)), (2, 1)),
    (((2, 5), (2, 3, 5)), (-1, -1)), (((2, 3, 5), (2, 5)), (2, 1)), (((40, 1, 30), (40, 30)), -1),
]  # fmt: skip


def oracle(x1, x2, axes, normalize):
    first, second = axes if isinstance(axes, tuple) else (axes, axes)
    first, second = first % x1.ndim, second % x2.ndim
    if normalize:
        x1, x2 = unit(x1, first), unit(x2, second)
    one, other = np.moveaxis(x1, first, -1), np.moveaxis(x2, second, -1)
    y = np.zeros((len(x1), *one.shape[1:-1], *other.shape[1:-1]))
    for place in np.ndindex(y.shape):
        mine = place[1 : one.ndim - 1]
        for k in range(one.shape[-1]):
            y[place] += one[(place[0], *mine, k)] * other[(place[0], *place[one.ndim - 1 :], k)]
    return y[:, None] if y.ndim == 1 else y


def unit(x, axis):
    y = np.moveaxis(x.copy(), axis, -1)
    for place in np.ndindex(y.shape[:-1]):
        y[place] /= math.sqrt(sum(v * v for v in y[place]))
    return np.moveaxis(y, -1, axis)


def pair(shapes, dtype="float64"):
    rng = np.random.default_rng(0)
    return [rng.uniform(-1, 1, shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("case", range(len(CASES)))
def test_values_and_gradients(backend, case, normalize):
    shapes, axes = CASES[case]
    for dtype in ("float32", "float64"):
        layer = layers.Dot(axes, normalize)
        given = pair(shapes, dtype)
        want = oracle(*(x.astype("float64") for x in given), axes, normalize)
        layer.build(tuple((None, *shape[1:]) for shape in shapes), dtype)
        assert layer.output_shape == (None, *want.shape[1:])
        assert_close(layer.forward(given), want, dtype)
    if len(given[0]) < 40:
        assert check_layer(layers.Dot(axes, normalize), list(shapes)).passed


@pytest.mark.parametrize("shape", [(3, 2, 4, 5), (60, 30, 20, 9), (0, 2, 3, 4), (2, 3, 4, 0)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_op(rng, backend, shape, dtype):
    samples, rows, columns, summed = shape
    x1 = rng.normal(size=(samples, rows, summed)).astype(dtype)
    x2 = rng.normal(size=(samples, columns, summed)).astype(dtype)
    want = np.einsum("npk,nqk->npq", x1.astype("float64"), x2.astype("float64"))
    for layout in LAYOUTS:
        assert_close(ops.batch_dot(in_layout(x1, layout), in_layout(x2, layout)), want, dtype)


@pytest.mark.parametrize("normalize", [False, True])
def test_in_a_model(tmp_path, normalize):
    one, other = layers.Input((6,)), layers.Input((4, 6))
    hidden = layers.Dense(6)(one)
    product = layers.dot([hidden, other], axes=(1, 2), normalize=normalize)
    model = npcnn.Model([one, other], layers.Dense(3, activation="softmax")(product))
    x, y = pair([(9, 6), (9, 4, 6)], "float32"), np.arange(9) % 3
    with using("numba"):
        model.compile("adam", "sparse_categorical_crossentropy")
        losses = [model.train_on_batch(x, y) for _ in range(8)]
        assert losses[-1] < losses[0]
        assert model.program.last.played, str(model.program)
        for suffix in (".keras", ".h5"):
            model.save(tmp_path / f"m{suffix}")
            again = npcnn.load_model(tmp_path / f"m{suffix}")
            np.testing.assert_array_equal(again(x), model(x))
    config = layers.Dot((1, 2)).get_config()
    assert layers.Dot.from_config(json.loads(json.dumps(config))).get_config() == config


@in_keras.needs_keras
def test_the_same_numbers_as_keras(tmp_path):
    tasks = {}
    for case, (shapes, axes) in enumerate(CASES):
        for normalize in (False, True):
            x1, x2 = pair(shapes, "float32")
            grad_y = np.cos(np.arange(oracle(x1, x2, axes, False).size), dtype="float32")
            grad_y = grad_y.reshape(oracle(x1, x2, axes, False).shape)
            arguments = {"axes": axes, "normalize": normalize}
            task = {"do": "called", "module": "layers", "name": "Dot", "arguments": arguments}
            tasks[f"{case} {normalize}"] = task, {"x1": x1, "x2": x2, "grad_y": grad_y}
    for name, found in in_keras.ask(tmp_path, tasks).items():
        task, arrays = tasks[name]
        layer = layers.Dot(**task["arguments"])
        np.testing.assert_allclose(layer([arrays["x1"], arrays["x2"]]), found["y"], atol=1e-5)
        for k, grad in enumerate(layer.backward(arrays["grad_y"])):
            np.testing.assert_allclose(grad, found[f"grad{k}"], atol=1e-5)


@pytest.mark.parametrize(
    "shapes", [((2, 3), (2, 4)), ((2, 3),), ((2, 3), (2, 3), (2, 3)), ((2,), (2,))]
)
def test_inputs_that_do_not_fit_are_one_line(shapes):
    with pytest.raises(ArgumentError, match=r"^Dot: expected two inputs, as long .*\.$"):
        layers.Dot(1)([np.ones(shape) for shape in shapes])
