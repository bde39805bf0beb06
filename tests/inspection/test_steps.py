import re

import numpy as np
import pytest
import sample_networks as networks

import npcnn
from npcnn import layers
from npcnn.checks import ArgumentError, NpcnnError


def test_it_is_the_step_that_training_takes(backend):
    x, y = networks.digits(5)
    npcnn.set_random_seed(4)
    first = networks.document_network(dropout=0.5)
    npcnn.set_random_seed(4)
    second = networks.document_network(dropout=0.5)
    for _ in range(2):
        first.train_on_batch(x, y)
        events = list(npcnn.step_through(second, x, y))
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for name, slot in first.optimizer.slots.items():
        np.testing.assert_array_equal(slot, second.optimizer.slots[name])
    assert first.optimizer.iterations == second.optimizer.iterations == 2
    update = events[-1]
    np.testing.assert_array_equal(update.after["dense/kernel"], second.get_layer("dense").kernel)
    assert (update.before["dense/kernel"] != update.after["dense/kernel"]).any()


def test_order_and_names_of_the_events():
    model, (x, y) = networks.small_network(), networks.pictures(2)
    events = list(npcnn.step_through(model, x, y))
    names = [layer.name for layer in model.layers]
    assert [e.layer for e in events if e.phase == "forward"] == names
    assert [e.layer for e in events if e.phase == "backward"] == names[::-1]
    phases = list(dict.fromkeys(event.phase for event in events))
    assert phases == ["forward", "loss", "backward", "update"]
    ops = [event.op for event in events]
    assert ops[:3] == ["conv2d + relu", "max_pooling2d", "conv2d + tanh"]
    assert "categorical_crossentropy_from_logits" in ops
    assert ops[-2:] == ["conv2d_backward", "adam"]


def test_arrays_and_sentences_agree():
    model, (x, y) = networks.document_network(), networks.digits(3)
    events = list(npcnn.step_through(model, x, y, update=False))
    trace = npcnn.trace(model, x, y, training=True)
    for event in events:
        if event.phase == "forward":
            np.testing.assert_array_equal(event.before["input"], trace[event.layer].input)
            np.testing.assert_array_equal(event.after["activation"], trace[event.layer].activation)
        if event.phase == "backward":
            np.testing.assert_array_equal(event.after["grad_input"], trace[event.layer].grad_input)
    texts = {(event.phase, event.layer): event.text for event in events}
    assert texts["forward", "conv2d_2"] == (
        "3×14×14×5 → 3×14×14×10: 10 filters of 3×3×5 at 14×14 places, a product of columns "
        "(588 × 45) and kernel (45 × 10), then relu"
    )
    assert texts["forward", "max_pooling2d"].endswith("the largest of each 2×2 window")
    assert texts["loss", ""].startswith("3×10 outputs against targets of 3 → loss ")
    assert texts["backward", "dense"] == (
        "3×128 gradient → gradients by input 3×490, kernel 490×128, bias 128"
    )
    assert str(events[0]).startswith("forward  conv2d ")


def test_nothing_happens_before_the_update():
    model, (x, y) = networks.small_network(), networks.pictures(2)
    before = model.get_weights()
    for event in npcnn.step_through(model, x, y):
        if event.phase == "backward":
            break
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(list(npcnn.step_through(model, x, y, update=False))) == 21
    assert model.optimizer.iterations == 0


def test_errors_come_with_the_first_event():
    model, (x, y) = networks.small_network(), networks.pictures(2)
    with pytest.raises(ArgumentError, match=r"step_through\(x\): expected samples of shape"):
        next(npcnn.step_through(model, x[:, :3], y))


class Doubled(layers.Layer):
    """A layer with weights of its own that holds two others, one of them within a model."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Dense(4)
        self.rest = npcnn.Sequential([layers.BatchNormalization(), layers.Dense(4)])

    def build(self, shape):
        self.w = self.add_weight(shape=(4,), name="w")

    def call(self, x, training=False):
        return self.rest(self.first(x) * self.w, training=training)


def test_layers_within_a_layer_of_ones_own_take_the_step_too(backend):
    x = np.random.default_rng(1).normal(size=(6, 5)).astype("float32")
    y = np.arange(6) % 3

    def made():
        npcnn.set_random_seed(4)
        model = npcnn.Sequential(
            [layers.Input((5,)), Doubled(), layers.Dense(3, activation="softmax")]
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        return model

    one, other = made(), made()
    one.train_on_batch(x, y)
    update = list(npcnn.step_through(other, x, y))[-1]
    for weight, expected in zip(other.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert len([name for name in update.after if "/" in name]) >= 9


class First(layers.Layer):
    """Learns; what it returns for its input, in front of which nobody learns, is `told`."""

    told = staticmethod(lambda grad_y, asked: grad_y)

    def create_parameters(self, input_shape):
        self.add_parameter("shift", input_shape[1:], "zeros")

    def forward(self, x, training=False, step=0, keep=True):
        return x + self.shift

    def backward(self, grad_y, need_grad_x=True):
        self.grad_shift[...] = grad_y.sum(axis=0)
        return self.told(grad_y, need_grad_x)


TOLD = {
    "never": (lambda g, asked: None, "an array, float32 of shape (2, 4), got NoneType"),
    "number": (lambda g, asked: 3, "an array, float32 of shape (2, 4), got int"),
    "dtype": (lambda g, asked: g.astype("float64"), "float32 of shape (2, 4), got float64"),
    "shape": (lambda g, asked: g[:, :2], "float32 of shape (2, 4), got float32 of shape (2, 2)"),
}


def first(told):
    model = npcnn.Sequential([layers.Input((4,)), First(name="it"), layers.Dense(3)])
    model.layers[0].told = told
    model.compile("sgd", "mse")
    return model, np.ones((2, 4)), np.ones((2, 3))


@pytest.mark.parametrize("which", TOLD)
def test_what_a_first_layer_gives_is_looked_at_where_it_is_asked_for(which):
    told, said = TOLD[which]
    model, x, y = first(told)
    model.fit(x, y, epochs=1, verbose=0)  # nobody wants it
    for ask in (npcnn.inspection.step_through, npcnn.trace):
        with pytest.raises(NpcnnError, match=re.escape(f"First 'it'.backward(): expected {said}")):
            list(ask(model, x, y))


def test_a_first_layer_may_leave_it_out_where_it_is_not():
    model, x, y = first(lambda grad_y, asked: grad_y if asked else None)
    model.fit(x, y, epochs=1, verbose=0)
    (event,) = (
        e
        for e in npcnn.inspection.step_through(model, x, y)
        if (e.phase, e.layer) == ("backward", "it")
    )
    assert event.after["grad_input"].shape == (2, 4)
