"""Activations by name and as functions, beside their formulas."""

import math

import numpy as np
import pytest
from arrays import LAYOUTS, assert_close, in_layout

import npcnn
from npcnn import activations, layers, reference
from npcnn.activations.elu import ALPHA, SCALE
from npcnn.backend import ops, using
from npcnn.checks import ArgumentError, NpcnnError
from npcnn.gradient_check import check_layer

FORMULAS = {
    "elu": lambda v: v if v > 0 else math.exp(v) - 1,
    "selu": lambda v: SCALE * (v if v > 0 else ALPHA * (math.exp(v) - 1)),
    "leaky_relu": lambda v: v if v > 0 else 0.2 * v,
    "silu": lambda v: v / (1 + math.exp(-v)),
    "swish": lambda v: v / (1 + math.exp(-v)),
    "relu6": lambda v: min(max(v, 0), 6),
    "celu": lambda v: v if v > 0 else math.exp(v) - 1,
    "softplus": lambda v: math.log(1 + math.exp(v)),
    "log_sigmoid": lambda v: -math.log(1 + math.exp(-v)),
    "softsign": lambda v: v / (1 + abs(v)),
    "exponential": math.exp,
    "mish": lambda v: v * math.tanh(math.log(1 + math.exp(v))),
    "squareplus": lambda v: (v + math.sqrt(v * v + 4)) / 2,
    "hard_sigmoid": lambda v: min(max(v + 3, 0), 6) / 6,
    "hard_silu": lambda v: v * min(max(v + 3, 0), 6) / 6,
    "hard_swish": lambda v: v * min(max(v + 3, 0), 6) / 6,
    "hard_tanh": lambda v: min(max(v, -1), 1),
    "hard_shrink": lambda v: v if abs(v) > 0.5 else 0,
    "soft_shrink": lambda v: v - 0.5 if v > 0.5 else v + 0.5 if v < -0.5 else 0,
    "tanh_shrink": lambda v: v - math.tanh(v),
    "sparse_plus": lambda v: v if v >= 1 else 0 if v <= -1 else (v + 1) ** 2 / 4,
    "sparse_sigmoid": lambda v: min(max((v + 1) / 2, 0), 1),
}
NAMES = list(FORMULAS)
# (name, arguments, their formula)
CALLS = [
    ("relu", (0.1, 2.0, 0.5), lambda v: 2 if v > 2 else v if v > 0.5 else 0.1 * (v - 0.5)),
    ("relu", (0.0, None, 1.0), lambda v: v if v > 1 else 0),
    ("leaky_relu", (0.3,), lambda v: v if v > 0 else 0.3 * v),
    ("elu", (0.7,), lambda v: v if v > 0 else 0.7 * (math.exp(v) - 1)),
    ("celu", (0.7,), lambda v: v if v > 0 else 0.7 * (math.exp(v / 0.7) - 1)),
    ("squareplus", (1.5,), lambda v: (v + math.sqrt(v * v + 1.5)) / 2),
    ("hard_shrink", (1.5,), lambda v: v if abs(v) > 1.5 else 0),
    ("soft_shrink", (1.5,), lambda v: v - 1.5 if v > 1.5 else v + 1.5 if v < -1.5 else 0),
    ("gelu", (), lambda v: v * (1 + math.erf(v / math.sqrt(2))) / 2),
    ("gelu", (True,), lambda v: 0.5 * v * (
        1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))
    )),
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values(rng, backend, name, dtype):
    x = rng.uniform(-6, 6, (3, 4, 5, 2)).astype(dtype)
    want = np.empty(x.shape)
    for i, v in np.ndenumerate(x.astype("float64")):
        want[i] = FORMULAS[name](v)
    for layout in LAYOUTS:
        assert_close(activations.get(name)(in_layout(x, layout)), want, dtype)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_and_files(backend, name, tmp_path):
    assert check_layer(layers.Activation(name), (2, 5)).passed
    assert check_layer(layers.Dense(4, name), (2, 5)).passed
    assert check_layer(layers.Conv2D(2, 2, activation=name), (2, 5, 4, 3)).passed
    model = npcnn.Sequential([layers.Input((4,)), layers.Dense(3, activation=name)])
    model.save(tmp_path / "m.keras")
    again = npcnn.load_model(tmp_path / "m.keras")
    x = np.eye(4, dtype="float32")
    np.testing.assert_array_equal(model(x), again(x))
    assert again.layers[-1].activation is activations.get(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_with_it_is_replayed(rng, name):
    x, y = rng.normal(size=(6, 5)).astype("float32"), rng.integers(0, 3, 6)
    with using("numba"):
        model = npcnn.Sequential([layers.Input((5,)), layers.Dense(4, name), layers.Dense(3)])
        model.add(layers.Softmax())
        model.compile("adam", "sparse_categorical_crossentropy")
        for _ in range(8):
            model.train_on_batch(x, y)
        assert model.program.last.played, str(model.program)


def test_silu_far_out(backend):
    x = np.array([-1e30, -200.0, 0.0, 200.0, 1e30], "float32")
    np.testing.assert_array_equal(ops.silu(x), [0, 0, 0, 200, np.float32(1e30)])
    np.testing.assert_array_equal(ops.silu_backward(np.ones(5, "float32"), x), [0, 0, 0.5, 1, 1])


def test_the_reference_differentiates_itself():
    """With an imaginary part of 1e-100, out comes the derivative times that."""
    x = np.linspace(-5, 5, 42)
    along = reference.silu(x + 1e-100j).imag / 1e-100
    np.testing.assert_allclose(reference.silu_backward(np.ones(42), x), along, rtol=1e-12)


@pytest.mark.parametrize("case", range(len(CALLS)))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_take_keras_arguments(rng, backend, case, dtype):
    name, arguments, formula = CALLS[case]
    x = rng.uniform(-4, 4, (3, 4, 5, 2)).astype(dtype)
    want = np.empty(x.shape)
    for i, v in np.ndenumerate(x.astype("float64")):
        want[i] = formula(v)
    assert_close(getattr(activations, name)(x, *arguments), want, dtype)


@pytest.mark.parametrize("axis", [-1, 0, 1, -2])
def test_softmax_and_its_logarithm(rng, backend, axis):
    x = rng.normal(size=(3, 4, 5)) * 50
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    want = powers / powers.sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(activations.softmax(x, axis), want, rtol=1e-12)
    logs = activations.log_softmax(x, axis)
    np.testing.assert_allclose(np.exp(logs), want, rtol=1e-12)
    np.testing.assert_allclose(activations.log_softmax(x + 1e6, axis), logs, rtol=1e-8)
    for function in (activations.softmax, activations.log_softmax):
        with pytest.raises(ArgumentError, match=r"^activations.*axis.*: expected an axis of x"):
            function(x, 3)


def sparse(row):
    """The row's numbers less what makes those above 0 add up to 1: by bisection."""
    low, high = min(row) - 1, max(row)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(max(v - middle, 0) for v in row) > 1 else (low, middle)
    return [max(v - low, 0) for v in row]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sparsemax(rng, backend, dtype):
    x = rng.normal(size=(3, 4, 5)).astype(dtype)
    x[0, 0], x[0, 1], x[1, 1, 1:3] = 1, [5, 0, 0, 0, 0], 2
    want = np.array([[sparse(row) for row in rows] for rows in x.astype("float64")])
    for layout in LAYOUTS:
        assert_close(activations.sparsemax(in_layout(x, layout)), want, dtype)
    np.testing.assert_allclose(
        activations.sparsemax(np.moveaxis(x, 2, 0), 0), np.moveaxis(want, 2, 0), atol=1e-5
    )
    assert (want == 0).any()
    assert check_layer(layers.Activation("sparsemax"), (3, 5)).passed
    assert check_layer(layers.Dense(4, "sparsemax"), (2, 3, 5)).passed
    x = np.array([[0.3, 0.2, -4]])
    along = reference.sparsemax(x + 1e-100j * np.array([[1, 0, 0]])).imag / 1e-100
    back = reference.sparsemax_backward(np.eye(3)[:1], reference.sparsemax(x))
    np.testing.assert_allclose(back, along)


@pytest.mark.parametrize("axis", [-1, 1])
def test_glu(rng, backend, axis, tmp_path):
    x = rng.normal(size=(3, 4, 6))
    want = np.empty((3, 4, 3) if axis == -1 else (3, 2, 6))
    for place in np.ndindex(want.shape):
        other = list(place)
        other[axis] += want.shape[axis]
        want[place] = x[place] / (1 + math.exp(-x[tuple(other)]))
    np.testing.assert_allclose(activations.glu(x, axis), want, rtol=1e-12)
    assert check_layer(layers.Activation("glu"), (3, 4)).passed
    first = layers.Input((4, 6))
    model = npcnn.Model(first, layers.Dense(2)(activations.glu(first)))
    assert [layer.output_shape for layer in model.layers[1:]] == [(None, 4, 3), (None, 4, 2)]
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(npcnn.load_model(tmp_path / "m.keras")(x), model(x))
    for layer in (lambda: layers.Dense(6, "glu"), lambda: layers.Conv2D(6, 3, activation="glu")):
        with pytest.raises(ArgumentError, match=r"\(activation\): .*the shape, got 'glu'; put"):
            layer()
    with pytest.raises(ArgumentError, match="expected an even last axis"):
        layers.Activation("glu")(np.ones((2, 3)))


def test_threshold():
    x = np.array([[-1.0, 2.0], [2.5, np.nan]])
    np.testing.assert_array_equal(activations.threshold(x, 2.0, -3.0), [[-3, -3], [2.5, -3]])
    assert activations.threshold([1, 5], 2, 0.5).tolist() == [0.5, 5]
    with pytest.raises(NpcnnError, match=r"threshold\(default_value\): expected"):
        activations.threshold(x, 2, "a")


def test_log_softmax_in_a_layer(backend):
    assert check_layer(layers.Activation("log_softmax"), (3, 5)).passed
    assert check_layer(layers.Dense(4, "log_softmax"), (2, 3, 5)).passed


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("relu", (-1,)), ("relu", (0, "6")), ("relu", (0, None, float("nan"))), ("elu", ("a",)),
     ("celu", (0,)), ("leaky_relu", (None,)), ("squareplus", (0,)), ("hard_shrink", (-1,)),
     ("gelu", ("yes",)), ("softmax", (0.5,)), ("log_softmax", (None,))],
)  # fmt: skip
def test_wrong_arguments_are_one_line(name, arguments):
    with pytest.raises(NpcnnError, match=r"^\w+\(\w+\): expected") as caught:
        getattr(activations, name)(np.ones(3), *arguments)
    assert "\n" not in str(caught.value)


FAR = np.array([-1e30, -200.0, 0.0, 200.0, 1e30], "float32")


@pytest.mark.parametrize(
    ("name", "want", "slopes"),
    [
        ("softplus", [0, 0, math.log(2), 200, 1e30], [0, 0, 0.5, 1, 1]),
        ("log_sigmoid", [-1e30, -200, -math.log(2), 0, 0], [1, 1, 0.5, 0, 0]),
        ("mish", [0, 0, 0, 200, 1e30], [0, 0, 0.6, 1, 1]),
        ("softsign", [-1, -200 / 201, 0, 200 / 201, 1], [0, 1 / 201**2, 1, 1 / 201**2, 0]),
        ("hard_tanh", [-1, -1, 0, 1, 1], [0, 0, 1, 0, 0]),
    ],
)
def test_far_out_and_at_nothing(backend, name, want, slopes):
    function = activations.get(name)
    y = function.forward(FAR)
    np.testing.assert_allclose(y, np.float32(want), rtol=1e-6, atol=1e-30)
    slope = function.backward(np.ones(5, "float32"), FAR, y)
    np.testing.assert_allclose(slope, np.float32(slopes), rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        (reference.softsign, reference.softsign_backward),
        (reference.mish, reference.mish_backward),
        (
            lambda x: reference.squareplus(x, 3.0),
            lambda g, x: reference.squareplus_backward(g, x, 3.0),
        ),
        (reference.softplus, lambda g, x: g * reference.sigmoid(x)),
        (reference.exponential, lambda g, x: g * np.exp(x)),
    ],
)  # fmt: skip
def test_the_curves_differentiate_themselves(forward, backward):
    x = np.linspace(-5, 5, 42)
    along = forward(x + 1e-100j).imag / 1e-100
    np.testing.assert_allclose(backward(np.ones(42), x), along, rtol=1e-12)


def test_nan_stays(backend):
    for name in NAMES:
        y = activations.get(name)(np.array([np.nan, 1.0]))
        assert np.isnan(y[0]), name
        assert np.isfinite(y[1]), name


def test_one_of_the_programs_own_keeps_its_place_beside_one_of_the_same_name(tmp_path):
    class Twice(activations.ActivationFunction):
        """2 · x."""

        def forward(self, x):
            return ops.rescale(x, 2.0, 0.0, x.dtype)

        def backward(self, grad_y, x, y):
            return ops.rescale(grad_y, 2.0, 0.0, x.dtype)

    x = np.eye(3, dtype="float32")
    for own in (Twice("mish"), npcnn.utils.register_keras_serializable("mine")(Twice("mish"))):
        model = npcnn.Sequential([layers.Input((3,)), layers.Activation(own)])
        model.save(tmp_path / "m.keras")
        again = npcnn.load_model(tmp_path / "m.keras", custom_objects={"mish": own})
        np.testing.assert_array_equal(again(x), 2 * x)
    again = npcnn.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again(x), 2 * x)
    assert activations.get("mish") is activations.mish
