"""Layers that merge: beside NumPy, gradients, configs, steps that are played, wrong inputs."""

import json

import numpy as np
import pytest
from arrays import assert_close

import npcnn
from npcnn import Model, layers
from npcnn.backend import using
from npcnn.checks import ArgumentError
from npcnn.gradient_check import check_layer

ALIKE = [(3, 4, 5, 2)] * 2
SPREAD = [(3, 4, 5, 2), (3, 1, 1, 2), (3, 4, 1, 1)]
FEWER = [(3, 5, 2), (3, 2), (3, 1, 1), (3, 5, 1)]
JOINED = [(3, 4, 5, 2), (3, 4, 5, 1), (3, 4, 5, 3)]


def spread(xs):
    """As Keras does: axes of length 1 behind the batch's for arrays that have fewer."""
    axes = max(x.ndim for x in xs)
    xs = [x.reshape(len(x), *(1,) * (axes - x.ndim), *x.shape[1:]) for x in xs]
    return np.broadcast_arrays(*xs)


def folded(function):
    def merged(xs):
        xs = spread(xs)
        y = xs[0]
        for other in xs[1:]:
            y = function(y, other)
        return y

    return merged


MERGED = {
    "Add": folded(np.add),
    "Subtract": folded(np.subtract),
    "Multiply": folded(np.multiply),
    "Average": lambda xs: np.mean(spread(xs), axis=0),
    "Maximum": folded(np.maximum),
    "Minimum": folded(np.minimum),
}
CASES = [
    (name, {}, shapes, oracle)
    for name, oracle in MERGED.items()
    for shapes in (ALIKE, ALIKE[:1], SPREAD[:2], SPREAD, FEWER[:2], FEWER, ALIKE * 2)
    if len(shapes) == 2 or name != "Subtract"
]
CASES += [
    ("Concatenate", {"axis": axis}, shapes, lambda xs, axis=axis: np.concatenate(xs, axis))
    for axis, shapes in (
        (-1, JOINED), (3, JOINED), (1, [(3, 4, 2), (3, 1, 2)]), (-2, [(3, 4, 2), (3, 1, 2)]),
        (1, [(3, 4)]), (2, [(3, 4, 2, 2), (3, 4, 1, 2), (3, 4, 5, 2), (3, 4, 2, 2)]),
    )
]  # fmt: skip
each = pytest.mark.parametrize(("name", "options", "shapes", "oracle"), CASES)


@each
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values(backend, rng, name, options, shapes, oracle, dtype):
    layer = getattr(layers, name)(dtype=dtype, **options)
    xs = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    before = [x.copy() for x in xs]
    y, want = layer(xs), oracle(xs)
    assert_close(y, want, dtype)
    assert layer.output_shape == (None, *want.shape[1:])
    for x, copy in zip(xs, before, strict=True):
        np.testing.assert_array_equal(x, copy)


@each
def test_gradients(name, options, shapes, oracle):
    table = check_layer(getattr(layers, name)(**options), shapes, raise_on_error=True)
    assert [row.array for row in table.rows] == ["input", "input_2", "input_3", "input_4"][
        : len(shapes)
    ]


@each
def test_in_a_model(rng, name, options, shapes, oracle):
    """It is played, learns, and is written to JSON and files and back."""
    ins = [layers.Input(shape[1:]) for shape in shapes]
    inner = [layers.Dense(shape[-1], "tanh")(x) for x, shape in zip(ins, shapes, strict=True)]
    y = getattr(layers, name)(**options)(inner)
    model = Model(ins, layers.Dense(2, "softmax")(layers.Flatten()(y)))
    model.compile("adam", "sparse_categorical_crossentropy")
    xs = [rng.normal(size=(12, *shape[1:])).astype("float32") for shape in shapes]
    with using("numba"):
        losses = model.fit(xs, np.arange(12) % 2, 6, 6, 0).history["loss"]
        assert model.program.last.played, str(model.program)
    assert losses[-1] < losses[0]
    layer = next(one for one in model.layers if type(one).__name__ == name)
    config = json.loads(json.dumps(layer.get_config()))
    assert type(layer).from_config(config).get_config() == layer.get_config()
    again = npcnn.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(xs), model(xs))


def test_as_functions():
    x, y = layers.Input((3,)), layers.Input((3,))
    for name in [*MERGED, "Concatenate"]:
        tensor = getattr(layers, name.lower())([x, y], name="merged")
        assert type(tensor.node.operation).__name__ == name
        assert (tensor.name, tensor.shape) == ("merged", (None, 6 if name == "Concatenate" else 3))


def test_check_layer_finds_what_a_merging_layer_does_wrong():
    class Wrong(layers.Multiply):
        def pair_backward(self, grad_y, x1, x2):
            return super().pair_backward(grad_y, x2, x1)

    class Short(layers.Add):
        def backward(self, grad_y, need_grad_x=True):
            return super().backward(grad_y)[:1]

    assert not check_layer(Wrong(), ALIKE).passed
    table = check_layer(Short(), ALIKE)
    assert [row.array for row in table.rows if not row.passed] == ["input_2"]
    with pytest.raises(ArgumentError, match="one input for Dense, got 2"):
        check_layer(layers.Dense(2), ALIKE)
    with pytest.raises(ArgumentError, match="inputs of one length"):
        check_layer(layers.Add(), [(2, 3), (4, 3)])
