"""A user's `backward` that does not write a parameter's gradient is named before it does harm."""

import numpy as np
import pytest

import npcnn
from npcnn import layers
from npcnn.backend import ops
from npcnn.checks import ArgumentError
from npcnn.gradient_check import check_layer

X = np.random.default_rng(0).normal(size=(12, 5)).astype("float32")
Y = np.random.default_rng(1).normal(size=(12, 3)).astype("float32")


class Scaled(layers.Layer):
    """y = scale · x + shift; what `backward` does with the two gradients is the subclass's."""

    def create_parameters(self, input_shape):
        self.add_parameter("scale", (input_shape[-1],), "ones")
        self.add_parameter("shift", (input_shape[-1],), "zeros")

    def forward(self, x, training=False, step=0, keep=True):
        self._saved = x
        return x * self.scale + self.shift

    def backward(self, grad_y, need_grad_x=True):
        self.write((grad_y * self.saved()).sum(axis=0), grad_y.sum(axis=0))
        return grad_y * self.scale


class Forgets(Scaled):
    def write(self, scale, shift):
        self.grad_shift[...] = shift


class Adds(Scaled):
    def write(self, scale, shift):
        self.grad_scale[...] = scale
        self.grad_shift += shift


class AddsAt(Scaled):
    def write(self, scale, shift):
        self.grad_shift[...] = shift
        np.add.at(self.grad_scale, [0, 2], scale[:2])


class Clears(Scaled):
    """By a product, from which no NaN comes back to zero."""

    def write(self, scale, shift):
        self.grad_scale[...] = scale
        self.grad_shift *= 0
        self.grad_shift += shift


class InTurns(Scaled):
    """Writes other places each time, and leaves what an earlier step left in the rest."""

    turn = 0

    def write(self, scale, shift):
        self.turn += 1
        self.grad_scale[...] = scale
        self.grad_shift[self.turn % 2 :: 2] = 1.0


class Misses(Scaled):
    """All but the last: it would never be learnt, and nobody would see."""

    def write(self, scale, shift):
        self.grad_scale[:-1] = scale[:-1]
        self.grad_shift[...] = shift


class FewPlaces(Scaled):
    """Right: the others are said to be zero, and never learnt."""

    def write(self, scale, shift):
        self.grad_scale[...] = 0
        self.grad_scale[1:3] = scale[1:3]
        self.grad_shift[...] = 0
        self.grad_shift += shift


class ByFlat(Scaled):
    def write(self, scale, shift):
        self.grad_scale.flat = scale
        self.grad_shift.flat[:] = shift


class Bad(Scaled):
    """Gradients that are no numbers are nobody's marks."""

    def write(self, scale, shift):
        self.grad_scale[...] = scale * np.float32("nan")
        self.grad_shift[...] = shift


class Rebinds(Scaled):
    def write(self, scale, shift):
        self.grad_scale, self.grad_shift = scale, shift


class OnKernels(layers.Layer):
    """Calls ops alone, so that its step is written down and played; has a weight beside them."""

    def create_parameters(self, input_shape):
        self.add_parameter("kernel", (input_shape[-1], 4), "glorot_uniform")
        self.add_parameter("unused", (3,), "zeros")

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 4)

    def forward(self, x, training=False, step=0, keep=True):
        y = ops.dense(x, self.kernel.value, None, "linear")
        self._saved = x, y
        return y

    def backward(self, grad_y, need_grad_x=True):
        x, y = self.saved()
        kernel, gradient = self.kernel.value, self.grad_kernel
        return ops.dense_backward(grad_y, x, y, kernel, gradient, None, "linear", need_grad_x)


class Holds(layers.Layer):
    """A `call` with a weight of its own and a layer that has a `backward`."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def build(self, input_shape):
        self.gain = self.add_weight(shape=(), initializer="ones")
        self.inner.build(input_shape)

    def call(self, x):
        return self.inner(x) * self.gain


class Written(npcnn.Model):
    def __init__(self, layer):
        super().__init__()
        self.inner, self.out = layer, layers.Dense(3)

    def call(self, x):
        return self.out(self.inner(x))


def in_a_row(layer):
    return npcnn.Sequential([layers.Input((5,)), layers.Dense(5), layer, layers.Dense(3)])


def twice(layer):
    x = layers.Input((5,))
    return npcnn.Model(x, layers.Dense(3)(layers.Add()([layer(x), layer(layers.ReLU()(x))])))


PLACES = {
    "sequential": in_a_row, "shared": twice, "subclassed": Written,
    "inside": lambda layer: in_a_row(Holds(layer)),
}  # fmt: skip


def learn(model, how="fit", epochs=3):
    model.compile("sgd", "mse")
    if how == "fit":
        return model.fit(X, Y, 4, epochs=epochs, verbose=0)
    return [model.train_on_batch(X, Y) for _ in range(epochs)]


SAID = {
    Forgets: "expected the gradient by its scale, written anew, got none; set self.grad_scale[...]",
    Adds: "expected the gradient by its shift, written anew, got one made of what was there",
    Misses: "expected the gradient by its scale, written anew, got one with 1 of 5 entries not "
    "written; set self.grad_scale[...]",
    InTurns: "expected the gradient by its shift, written anew, got one with ",
    Clears: "expected the gradient by its shift, written anew, got one made of what was there, by "
    "+= or *=; set self.grad_shift[...], to 0 before adding",
    AddsAt: "expected the gradient by its scale, written anew, got one made of what was there",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", SAID)
def test_it_is_named_in_the_first_step(kind, place, backend):
    model = PLACES[place](kind(name="mine"))
    model.build((None, 5))
    before = model.get_weights()
    with pytest.raises(ArgumentError) as caught:
        learn(model)
    assert str(caught.value).startswith(f"{kind.__name__} 'mine'.backward(): {SAID[kind]}")
    assert all(map(np.array_equal, model.get_weights(), before))


def test_a_layer_of_ops_is_looked_at_before_it_is_played(backend):
    with pytest.raises(ArgumentError, match=r"OnKernels 'on_kernels'.*its unused, .* got none"):
        learn(in_a_row(OnKernels(name="on_kernels")))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", [FewPlaces, ByFlat, Bad, Rebinds])
def test_what_is_right_or_nobody_s_mark_is_let_be(kind, place, backend):
    npcnn.set_random_seed(1)
    model = PLACES[place](kind(name="mine"))
    learn(model, epochs=2)
    found = np.concatenate([w.ravel() for w in model.get_weights()])
    assert np.isnan(found).any() == (kind is Bad)


def test_places_that_are_set_to_zero_are_not_learnt(backend):
    layer = FewPlaces()
    learn(in_a_row(layer))
    assert (layer.scale.numpy() == 1)[[0, 3, 4]].all()
    assert (layer.scale.numpy() != 1)[1:3].all()
    assert (layer.grad_scale[[0, 3, 4]] == 0).all()


def test_frozen_parameters_are_not_asked_for(backend):
    model = in_a_row(Forgets(name="mine", trainable=False))
    assert len(learn(model).history["loss"]) == 3
    model.get_layer("mine").trainable = True
    with pytest.raises(ArgumentError, match="its scale"):
        learn(model)


def test_other_sizes_of_a_batch_are_looked_at_as_well(backend):
    class WholeBatches(Scaled):
        def write(self, scale, shift):
            self.grad_scale[...] = scale
            if len(self.saved()) == 5:
                self.grad_shift[...] = shift

    model = in_a_row(WholeBatches())
    model.compile("sgd", "mse")
    for _ in range(4):
        model.train_on_batch(X[:5], Y[:5])
    with pytest.raises(ArgumentError, match="its shift"):
        model.train_on_batch(X[:2], Y[:2])


@pytest.mark.parametrize("place", ["sequential", "shared", "subclassed"])
@pytest.mark.parametrize("kind", SAID)
def test_a_step_in_slow_motion_says_what_training_does(kind, place):
    model = PLACES[place](kind(name="mine"))
    model.compile("sgd", "mse")
    model.build((None, 5))
    with pytest.raises(ArgumentError) as caught:
        list(npcnn.inspection.step_through(model, X, Y))
    assert str(caught.value).startswith(f"{kind.__name__} 'mine'.backward(): {SAID[kind]}")


@pytest.mark.parametrize("kind", SAID)
def test_the_check_of_a_layer_says_it_of_the_gradient(kind):
    (row,) = check_layer(kind(name="mine"), (4, 5)).failed
    said = f"{row.expected.partition(' (')[0]}, got {row.got}"
    assert f"expected the {said}".replace("by ", "by its ", 1).startswith(SAID[kind].split(";")[0])


def test_a_step_in_slow_motion_takes_what_is_right():
    model = in_a_row(FewPlaces(name="mine"))
    model.compile("sgd", "mse")
    *_, back, _, _ = npcnn.inspection.step_through(model, X, Y)
    assert back.layer == "mine"
    assert (back.after["grad_scale"] != 0).tolist() == [False, True, True, False, False]


def test_tools_say_it_their_own_way(backend):
    model = in_a_row(Forgets(name="mine"))
    model.compile("sgd", "mse")
    assert {row.layer for row in npcnn.trace(model, X[:3], Y[:3]).check().failed} == {"mine"}


def test_tools_ask_frozen_layers_for_no_more_than_training_does(backend):
    class Spares(Scaled):
        def write(self, scale, shift):
            if self.trainable:
                self.grad_scale[...], self.grad_shift[...] = scale, shift

    model = in_a_row(Spares(name="mine", trainable=False))
    learn(model)
    checked = npcnn.trace(model, X[:3], Y[:3]).check()
    assert checked.passed
    assert "scale" not in {row.array for row in checked.rows if row.layer == "mine"}
    (row,) = check_layer(Spares(trainable=False), (4, 5)).rows
    assert row.passed
    model.get_layer("mine").trainable = True
    model.compile("sgd", "mse")
    rows = npcnn.trace(model, X[:3], Y[:3]).check().rows
    assert {"scale", "shift"} <= {row.array for row in rows if row.layer == "mine"}
