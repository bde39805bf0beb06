"""Names that a program's layers and models keep things under, where npcnn has one like it."""

import numpy as np
import pytest

import npcnn
from npcnn import layers

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = np.ones((8, 2), "float32")


class Plain(layers.Layer):
    """A layer with a `forward`; what it keeps under some names is its own."""

    def __init__(self, seed=7, position=3, **kwargs):
        super().__init__(**kwargs)
        self.seed, self.position = seed, position

    def forward(self, x, training=False, step=0, keep=True):
        return x * 2

    def backward(self, grad_y, need_grad_x=True):
        return grad_y * 2


class OwnDense(layers.Dense):
    def __init__(self, units, seed=7, position=3, **kwargs):
        super().__init__(units, **kwargs)
        self.seed, self.position = seed, position


class Called(layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1],), initializer="ones", name="w")

    def call(self, x):
        return x * self.w


def trained(*own):
    model = npcnn.Sequential([layers.Input((3,)), *own, layers.Dense(2), layers.Dropout(0.5)])
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=4, verbose=0)
    return model


@pytest.mark.parametrize("make", [Plain, lambda: OwnDense(3)], ids=["forward", "dense"])
def test_seed_and_position_are_what_a_layer_keeps_there(backend, make, tmp_path):
    layer = make()
    model = trained(layer)
    npcnn.trace(model, X[:2], Y[:2])
    list(npcnn.step_through(model, X[:2], Y[:2]))
    assert (layer.seed, layer.position) == (7, 3)
    model.save(tmp_path / "m.keras")
    known = {"Plain": Plain, "OwnDense": OwnDense}
    again = npcnn.load_model(tmp_path / "m.keras", custom_objects=known).layers[0]
    assert (again.seed, again.position) == (7, 3)


def test_seed_of_a_layer_that_draws_is_its_argument():
    drawing = [layers.Dropout(0.5, seed=3), layers.Dropout(0.5), layers.GaussianNoise(0.1, seed=4)]
    assert [layer.seed for layer in drawing] == [3, None, 4]
    trained(*drawing)
    assert [layer.seed for layer in drawing] == [3, None, 4]
    assert [layer.get_config()["seed"] for layer in drawing] == [3, None, 4]
    with pytest.raises(npcnn.NpcnnError, match=r"Dropout.seed: expected an integer or None, got"):
        drawing[0].seed = "seven"


@pytest.mark.parametrize("kind", ["seed", "position", "description", "_saved"])
@pytest.mark.parametrize("value", [5, "hi", [1, 2], None, {"a": 1}], ids=str)
def test_names_that_a_layer_with_a_call_has_free(kind, value):
    layer = Called()
    setattr(layer, kind, value)
    model = trained(layer)
    steps = list(npcnn.step_through(model, X[:2], Y[:2]))
    assert len(steps) > 3
    assert npcnn.trace(model, X[:2], Y[:2]).check().passed
    assert getattr(layer, kind) == value


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: layers.Dense(3), "inner finish renew inner_shape"),
        (lambda: layers.Conv2D(3, 3), "inner finish renew"),
        (lambda: layers.SeparableConv2D(3, 3), "inner finish"),
        (lambda: layers.Dropout(0.5), "key"),
        (layers.RandomFlip, "key ranges warps fill_mode interpolation"),
        (lambda: layers.MaxPooling2D(2), "compute_output_shape"),
    ],
)
def test_what_a_layer_of_npcnns_has_is_refused(make, names):
    for name in names.split():
        layer = make()
        with pytest.raises(npcnn.NpcnnError) as caught:
            setattr(layer, name, 5)
        assert str(caught.value).startswith(f"{type(layer).__name__}.{name}: expected a ")
        assert "got 5; the base class uses that name" in str(caught.value)
        with pytest.raises(npcnn.NpcnnError, match=f"class Own, its {name}: expected a "):
            type("Own", (type(layer),), {name: 5})


OWN = ("_form", "_given", "_added", "_active", "_kept", "_handles", "_sample_shape", "_stream")
UNSEEN = ("_arguments", "_model_seed", "_inbound_nodes", "_trainable")


@pytest.mark.parametrize("name", [*OWN, *UNSEEN])
@pytest.mark.parametrize("value", [5, [1, 2], {}, None, np.ones(3)], ids=str)
def test_private_state_of_npcnns_is_refused(name, value):
    for layer in (Called(), Plain(), layers.Dense(3)):
        with pytest.raises(npcnn.NpcnnError) as caught:
            setattr(layer, name, value)
        start = f"{type(layer).__name__}.{name}: expected nothing, for it is npcnn's own, got "
        assert str(caught.value).startswith(start)


@pytest.mark.parametrize("name", OWN)
def test_private_names_of_npcnns_are_refused_in_a_class(name):
    for value in (5, lambda self: 5, property(lambda self: 5)):
        with pytest.raises(npcnn.NpcnnError, match=f"class Own, its {name}: expected nothing"):
            type("Own", (layers.Layer,), {name: value})


def test_told_takes_names_alone():
    with pytest.raises(npcnn.NpcnnError, match=r"Called._told: expected names by names, got 5"):
        Called()._told = 5


def test_a_models_program_is_npcnns(backend):
    model = trained(Plain())
    functional = npcnn.Model(model.inputs, model.outputs)
    for one in (model, functional):
        with pytest.raises(npcnn.NpcnnError, match="program: expected nothing, for it is worked"):
            one.program = 5
    assert str(model.program)
