"""A layer in the place of an activation, and what stands there that cannot."""

import copy
import json
import pickle

import numpy as np
import pytest

import npcnn
from npcnn import activations, layers
from npcnn.backend import using
from npcnn.checks import ArgumentError
from npcnn.gradient_check import check_layer

LAYERS = {
    "LeakyReLU": lambda: layers.LeakyReLU(0.1),
    "LeakyReLU as it is": layers.LeakyReLU,
    "ReLU": lambda: layers.ReLU(max_value=1.5, negative_slope=0.2, threshold=0.1),
    "ELU": lambda: layers.ELU(0.7, name="my_own"),
    "Softmax": layers.Softmax,
    "Softmax of an axis": lambda: layers.Softmax(1),
    "Activation": lambda: layers.Activation("mish"),
    "UnitNormalization": layers.UnitNormalization,
    "PReLU": lambda: layers.PReLU("glorot_uniform", "l2", shared_axes=[1]),
    "GroupNormalization": lambda: layers.GroupNormalization(1, gamma_initializer="glorot_uniform"),
    "named like another": lambda: layers.LeakyReLU(0.1, name="softmax"),
}
OUTER = {
    "Dense": (lambda a, **k: layers.Dense(3, activation=a, **k), (4, 3, 5)),
    "Conv2D": (lambda a, **k: layers.Conv2D(2, 2, activation=a, **k), (3, 4, 5, 2)),
    "DepthwiseConv2D": (lambda a, **k: layers.DepthwiseConv2D(2, activation=a, **k), (2, 4, 5, 2)),
    "SeparableConv2D": (
        lambda a, **k: layers.SeparableConv2D(3, 2, activation=a, **k), (2, 4, 5, 2),
    ),
    "Conv2DTranspose": (
        lambda a, **k: layers.Conv2DTranspose(2, 2, activation=a, **k), (2, 3, 3, 2),
    ),
    "Activation": (layers.Activation, (3, 4, 2)),
}  # fmt: skip


@pytest.mark.parametrize("outer", OUTER)
@pytest.mark.parametrize("inner", LAYERS)
def test_it_is_the_layer_behind(backend, outer, inner):
    make, shape = OUTER[outer]
    layer, plain, behind = make(LAYERS[inner]()), make("linear"), LAYERS[inner]()
    x = np.random.default_rng(0).normal(size=shape)
    layer.build((None, *shape[1:]), "float64")
    plain.build((None, *shape[1:]), "float64")
    behind.build(plain.output_shape, "float64")
    weights, own = layer.get_weights(), len(plain.get_weights())
    plain.set_weights(weights[:own])
    behind.set_weights(weights[own:])
    want = behind.forward(plain.forward(x))
    np.testing.assert_allclose(layer.forward(x), want, rtol=1e-12, atol=1e-15)
    grad_y = np.cos(want * 7)
    want = plain.backward(behind.backward(grad_y))
    np.testing.assert_allclose(layer.backward(grad_y), want, rtol=1e-12, atol=1e-15)
    theirs = [*plain.parameters(), *behind.parameters()]
    for (_, _, one), (_, _, other) in zip(layer.parameters(), theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-15)
    assert check_layer(make(LAYERS[inner]()), shape).passed


@pytest.mark.parametrize("inner", LAYERS)
def test_in_configs_and_copies(inner):
    layer = layers.Dense(3, activation=LAYERS[inner](), name="out")
    config = layer.get_config()
    entry = config["activation"]
    assert entry["module"] == "keras.layers"
    assert entry["class_name"] == inner.split()[0] or inner == "named like another"
    mine = LAYERS[inner]().get_config()
    assert entry["config"] == {**mine, "dtype": None, "name": layer.activation.layer.name}
    again = layers.Dense.from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config
    x = np.random.default_rng(0).normal(size=(4, 2, 5))
    y = layer(x)
    for other in (again, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        other.build((None, 2, 5))
        other.set_weights(layer.get_weights())
        np.testing.assert_array_equal(other(x), y)


def test_trains_is_played_and_comes_back_from_files(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(9, 6, 6, 2)).astype("float32"), np.arange(9) % 3
    slope = layers.LeakyReLU(0.25)
    with using("numba"):
        model = npcnn.Sequential([
            layers.Input((6, 6, 2)), layers.Conv2D(3, 3, activation=slope),
            layers.Conv2D(3, 3, activation=layers.ELU(0.5)), layers.Flatten(),
            layers.Dense(4, activation=slope), layers.Dense(4, activation=layers.PReLU()),
            layers.Dense(3, activation=layers.Softmax()),
        ])  # fmt: skip
        model.compile("adam", "sparse_categorical_crossentropy")
        losses = [model.train_on_batch(x, y) for _ in range(8)]
        assert losses[-1] < losses[0]
        assert model.program.last.played, str(model.program)
        alpha = model.layers[4].activation_alpha
        assert np.all(alpha != 0)
        assert np.shares_memory(alpha, model.layers[4].activation.layer.alpha)
        for suffix in (".keras", ".h5"):
            model.save(tmp_path / f"m{suffix}")
            again = npcnn.load_model(tmp_path / f"m{suffix}")
            np.testing.assert_array_equal(again(x), model(x))
            assert again.layers[0].activation.layer.negative_slope == 0.25
    slope.negative_slope = 0.9
    np.testing.assert_array_equal(again(x), model(x))


def test_the_loss_starts_from_the_scores(backend):
    """Probabilities of 0, whose logarithm there is none of, do not stop the learning."""
    x = np.eye(3, dtype="float32") * 1000
    model = npcnn.Sequential([layers.Input((3,)), layers.Dense(3, activation=layers.Softmax())])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.set_weights([-np.eye(3), np.zeros(3)])
    loss = model.train_on_batch(x, np.arange(3))
    assert loss == pytest.approx(1000, rel=1e-3)


WRONG = [
    (layers.LeakyReLU, r"a name, an activation or a layer, .*make one, such as"),
    (layers.Dense(3), "a layer of npcnn's without chance or a kernel, got Dense; put it behind"),
    (layers.Dropout(0.5), "a layer of npcnn's without chance or a kernel, got Dropout"),
    (layers.Add(), "a layer of npcnn's without chance or a kernel, got Add"),
    ({"class_name": "os.system", "config": {}}, "the name of a layer, got 'os.system'"),
    (3, "a name, an activation or a layer, got 3"),
    ("leakyrelu", "one of celu, .*perhaps 'leaky_relu' was meant"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_what_cannot_stand_there_is_one_line(case):
    given, words = WRONG[case]
    for make in (lambda a: layers.Dense(3, activation=a), layers.Activation):
        with pytest.raises(ArgumentError, match=rf"^\w+\(activation\): expected {words}") as caught:
            make(given)
        assert "\n" not in str(caught.value)


def test_a_layer_with_state_is_one_line():
    layer = layers.Dense(2, activation=layers.BatchNormalization())
    with pytest.raises(
        ArgumentError, match=r"^Dense\(activation\): expected a layer without state"
    ):
        layer(np.ones((2, 3)))


def test_a_layer_that_changes_the_shape_is_one_line():
    with pytest.raises(ArgumentError, match=r"^Flatten as an activation: .*keeps shapes, got one"):
        layers.Dense(3, activation=layers.Flatten())(np.ones((2, 4, 5)))


def test_callables_of_the_module():
    layer = layers.Dense(2, activation=activations.relu)
    assert layer.activation is activations.relu
    assert activations.get(layers.LeakyReLU(0.1))(np.array([-1.0, 2.0])).tolist() == [-0.1, 2]


@pytest.mark.parametrize(
    ("call", "layer"),
    [
        (lambda x: activations.relu(x, max_value=6), layers.ReLU(6)),
        (lambda x: activations.relu(x, 0.1, None, 0.5), layers.ReLU(None, 0.1, 0.5)),
        (lambda x: activations.leaky_relu(x, negative_slope=0.1), layers.LeakyReLU(0.1)),
        (lambda x: activations.elu(x, 0.5), layers.ELU(0.5)),
        (lambda x: activations.softmax(x, axis=1), layers.Softmax(1)),
    ],
)
def test_options_on_symbolic_tensors_are_the_layers(call, layer):
    x = np.random.default_rng(0).normal(size=(4, 3, 5)).astype("float32") * 5
    first = layers.Input((3, 5))
    model = npcnn.Model(first, call(first))
    np.testing.assert_array_equal(model(x), layer(x))
    np.testing.assert_allclose(model(x), call(x), rtol=1e-6)
    with pytest.raises(ArgumentError, match=r"^activations.gelu of a symbolic .*: expected no opt"):
        activations.gelu(first, True)
