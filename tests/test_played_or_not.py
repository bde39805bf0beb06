"""What a user's classes do from step to step comes out as on NumPy, or the step is not replayed."""

import numpy as np
import pytest

import npcnn
from npcnn import layers, losses, optimizers
from npcnn.activations import ActivationFunction
from npcnn.backend import ops, using
from npcnn.checks import NpcnnError

X = np.random.default_rng(0).normal(size=(12, 5, 5, 1)).astype("float32")
TARGETS = np.eye(3, dtype="float32")[np.arange(12) % 3]


class Base(layers.Layer):
    def forward(self, x, training=False, step=0, keep=True):
        self.x = x
        return ops.relu(x, self.slope(), None, 0.0)

    def backward(self, grad_y, need_grad_x=True):
        return ops.relu_backward(grad_y, self.x, self.slope(), None, 0.0)


class Halves(layers.Layer):
    """Writes into its input, which is not its own."""

    def forward(self, x, training=False, step=0, keep=True):
        x *= 0.5
        return x

    def backward(self, grad_y, need_grad_x=True):
        return 0.5 * grad_y


class Bag:
    def __init__(self):
        self.slope = 0.1


class InBag(Base):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.bag = Bag()

    def slope(self):
        return self.bag.slope


class InList(Base):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.slopes = [0.1]

    def slope(self):
        return self.slopes[0]


class Within(layers.Layer):
    """A layer that has another."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.ReLU(negative_slope=0.1)

    def forward(self, x, training=False, step=0, keep=True):
        return self.inner.forward(x, training, step, keep)

    def backward(self, grad_y, need_grad_x=True):
        return self.inner.backward(grad_y, need_grad_x)


class Bent(ActivationFunction):
    def forward(self, x):
        return ops.relu(x, self.slope, None, 0.0)

    def backward(self, grad_y, x, y):
        return ops.relu_backward(grad_y, x, self.slope, None, 0.0)


def bent():
    function = Bent("bent")
    function.slope = 0.1
    return layers.Activation(function)


class EveryThird(optimizers.Optimizer):
    """Moves in every third step, by the optimizer's own count."""

    def update(self, parameters, gradients):
        rate = 0.5 if self.iterations % 3 == 0 else 0.0
        ops.sgd(parameters, gradients, np.zeros_like(parameters), rate, 0.0, False)


class OwnCount(optimizers.Optimizer):
    slot_names = ("velocity",)
    t = 0

    def update(self, parameters, gradients, velocity):
        self.t += 1
        ops.sgd(parameters, gradients, velocity, 0.5 if self.t % 5 == 0 else 0.01, 0.0, False)


class Counting(losses.MeanSquaredError):
    """Is of no weight from its seventh step on."""

    calls = 0

    def losses_and_gradient(self, targets, outputs, logits, weights):
        self.calls += 1
        if self.calls > 6:
            weights = ops.rescale(weights, 0.0, 0.0, weights.dtype)
        return super().losses_and_gradient(targets, outputs, logits, weights)


def model_of(layer, optimizer="sgd", loss="categorical_crossentropy"):
    npcnn.set_random_seed(1)
    model = npcnn.Sequential(
        [
            layers.Input((5, 5, 1)), *layer, layers.Conv2D(2, 3), layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )  # fmt: skip
    model.compile(optimizer, loss)
    return model


def both(steps):
    """Return what both backends come to, after they are shown to agree."""
    found = []
    for name in ("numpy", "numba"):
        with using(name):
            found.append(np.array(steps()))
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-6)
    return found[1]


def test_a_layer_that_writes_into_its_input():
    def steps():
        model = model_of([Halves()])
        return [model.train_on_batch(X.copy(), TARGETS) for _ in range(8)]

    both(steps)


@pytest.mark.parametrize("optimizer", [EveryThird, OwnCount])
def test_an_optimizer_that_counts(optimizer):
    def fitted():
        model = model_of([], optimizer())
        return model.fit(X, TARGETS, batch_size=4, epochs=6, verbose=0).history["loss"]

    def stepped():
        model = model_of([], optimizer())
        return [model.train_on_batch(X, TARGETS) for _ in range(14)]

    assert len(set(both(fitted))) > 1
    assert len(set(both(stepped))) > 1


def test_a_loss_that_counts():
    def fitted():
        model = model_of([], loss=Counting())
        return model.fit(X, TARGETS, batch_size=12, epochs=12, verbose=0).history["loss"]

    assert both(fitted)[-1] == 0


def change(layer):
    if isinstance(layer, Within):
        layer.inner.negative_slope = 0.9
    elif isinstance(layer, InBag):
        layer.bag.slope = 0.9
    elif isinstance(layer, InList):
        layer.slopes[0] = 0.9
    else:
        layer.activation.slope = 0.9


@pytest.mark.parametrize("make", [InBag, InList, Within, bent])
def test_settings_one_level_down_are_read_at_each_call(make):
    def called():
        model = model_of([make()])
        outputs = [np.array(model(X)) for _ in range(4)]
        change(model.layers[0])
        outputs += [np.array(model(X)) for _ in range(4)]
        np.testing.assert_allclose(outputs[4], model.predict(X, verbose=0), rtol=1e-6)
        return outputs

    outputs = both(called)
    assert np.abs(outputs[4] - outputs[3]).max() > 1e-4

    def trained():
        model = model_of([make()])
        found = [model.train_on_batch(X, TARGETS) for _ in range(5)]
        change(model.layers[0])
        return found + [model.train_on_batch(X, TARGETS) for _ in range(5)]

    both(trained)


def test_a_class_says_that_it_decides_by_numbers():
    class Either(Base):
        replays = False

        def slope(self):
            return 0.0 if float(self.x[0, 0, 0, 0]) > 2 else 0.5

    def called():
        model = model_of([Either()])
        found = [np.array(model(X + np.float32(offset))) for offset in (0, 0, 0, 0, 0, 4)]
        if npcnn.get_backend() == "numba":
            assert "Either says that it is not to be" in str(model.program)
        return found

    both(called)


class Tied(layers.Layer):
    """y = w · x; its gradient is put where the old one was."""

    given = staticmethod(lambda gradient: gradient)

    def create_parameters(self, input_shape):
        self.add_parameter("w", (input_shape[-1],), "ones")

    def forward(self, x, training=False, step=0, keep=True):
        self.x = x
        return x * self.w

    def backward(self, grad_y, need_grad_x=True):
        self.grad_w = self.given((grad_y * self.x).sum(axis=(0, 1, 2)))
        return grad_y * self.w


def test_a_gradient_put_in_the_olds_place_is_learnt_from():
    def steps():
        model = model_of([Tied()])
        for _ in range(5):
            model.train_on_batch(X, TARGETS)
        return model.layers[0].w

    assert (both(steps) != 1).all()
    assert npcnn.gradient_check.check_layer(Tied(), (2, 3, 3, 2)).passed


@pytest.mark.parametrize("wrong", [None, np.ones(2), "a", np.ones((1, 1))])
@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_what_is_no_gradient_is_refused(name, wrong):
    with using(name):
        layer = Tied()
        layer.given = lambda gradient: wrong
        model = model_of([layer])
        with pytest.raises(NpcnnError, match=r"grad_w = …") as caught:
            model.train_on_batch(X, TARGETS)
        assert "\n" not in str(caught.value)
