"""Layers, a loss, an optimizer, an activation as somebody else would write them, in a model."""

import copy

import numpy as np

import npcnn
from npcnn import activations, layers, losses, optimizers
from npcnn.backend import ops


def picture_model(layer, **compile_options):
    model = npcnn.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layer,
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    options = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy"} | compile_options
    model.compile(**options)
    return model


def pictures(n=20, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((n, 8, 8, 1)).astype("float32"), rng.integers(0, 3, n)


class Scaled(layers.Layer):
    """y = scale · x, in NumPy; counts nothing, keeps its input."""

    def create_parameters(self, input_shape):
        self.add_parameter("scale", (input_shape[-1],), "ones")

    def forward(self, x, training=False, step=0, keep=True):
        self.x = x
        return x * self.scale

    def backward(self, grad_y, need_grad_x=True):
        self.grad_scale[...] = (grad_y * self.x).reshape(-1, len(self.scale)).sum(axis=0)
        return grad_y * self.scale


class Leaky(layers.Layer):
    """A layer that calls ops, and so is replayed."""

    def __init__(self, slope=0.1, **kwargs):
        super().__init__(**kwargs)
        self.slope = slope

    def forward(self, x, training=False, step=0, keep=True):
        self.x = x
        return ops.relu(x, self.slope, None, 0.0)

    def backward(self, grad_y, need_grad_x=True):
        return ops.relu_backward(grad_y, self.x, self.slope, None, 0.0)

    def get_config(self):
        return {**super().get_config(), "slope": self.slope}


class Centered(layers.Layer):
    """x − running mean, which is state: moved in training by a tenth, not learnt."""

    def create_parameters(self, input_shape):
        self.add_parameter("gain", (input_shape[-1],), "ones")
        self.add_parameter("mean", (input_shape[-1],), "zeros", trainable=False)

    def forward(self, x, training=False, step=0, keep=True):
        self.x = x - self.mean
        if training:
            self.mean += 0.1 * (x.reshape(-1, x.shape[-1]).mean(axis=0) - self.mean)
        return self.x * self.gain

    def backward(self, grad_y, need_grad_x=True):
        self.grad_gain[...] = (grad_y * self.x).reshape(-1, len(self.gain)).sum(axis=0)
        return grad_y * self.gain


class Plain(optimizers.Optimizer):
    """A gradient step in NumPy, ever shorter."""

    slot_names = ("sum",)

    def update(self, parameters, gradients, total):
        total += gradients
        parameters -= self.learning_rate / self.iterations * gradients


class Cubed(losses.Loss):
    """Σ |y − t|³."""

    def values(self, targets, outputs):
        return (np.abs(outputs - targets) ** 3).sum(axis=-1)

    def gradient(self, targets, outputs):
        return 3 * np.abs(outputs - targets) * (outputs - targets)


class Swish(activations.ActivationFunction):
    """x · sigmoid(x)."""

    def forward(self, x):
        return x * ops.sigmoid(x)

    def backward(self, grad_y, x, y):
        s = ops.sigmoid(x)
        return grad_y * (s + y * (1 - s))


STRANGERS = {
    "numpy": (lambda: Scaled(name="mine"), {}),
    "ops": (lambda: Leaky(0.2, name="mine"), {}),
    "state": (lambda: Centered(name="mine"), {}),
    "optimizer": (lambda: Leaky(), {"optimizer": Plain(0.05)}),
    "loss": (lambda: Leaky(), {"loss": Cubed()}),
    "activation": (lambda: layers.Activation(Swish("own_swish")), {}),
}
CUSTOM = {"Scaled": Scaled, "Leaky": Leaky, "Centered": Centered, "Plain": Plain, "Cubed": Cubed,
          "own_swish": Swish("own_swish")}  # fmt: skip


def stranger(kind):
    npcnn.set_random_seed(5)
    make, options = STRANGERS[kind]
    return picture_model(make(), **copy.deepcopy(options))


def targets(kind, y):
    return np.eye(3)[y] if kind == "loss" else y
