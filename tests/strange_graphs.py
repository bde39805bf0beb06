"""Models with a user's layer anywhere in their graph, and what holds both backends together."""

import numpy as np

import npcnn
from npcnn import Model, layers
from npcnn.backend import using

RNG = np.random.default_rng(3)
X = RNG.normal(size=(6, 5, 5, 2)).astype("float32")
Y = np.eye(3, dtype="float32")[np.arange(6) % 3]
STEPS = 6


class Mine(layers.Layer):
    """Passes x on, or does what a test wants instead."""

    def __init__(self, forward=None, backward=None, **kwargs):
        super().__init__(**kwargs)
        self.give, self.give_back = forward, backward

    def forward(self, x, training=False, step=0, keep=True):
        return x if self.give is None else self.give(x)

    def backward(self, grad_y, need_grad_x=True):
        return grad_y if self.give_back is None else self.give_back(grad_y)


class Joined(Mine):
    """The mean of its inputs, or what a test wants instead."""

    merges = True

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def forward(self, x, training=False, step=0, keep=True):
        self.count = len(x)
        return sum(x) / np.float32(len(x)) if self.give is None else self.give(x)

    def backward(self, grad_y, need_grad_x=True):
        if self.give_back is not None:
            return self.give_back(grad_y)
        return [grad_y / np.float32(self.count)] * self.count


def branched(mine):
    """The layer beside another that is given the same, both behind a convolution."""
    x = layers.Input((5, 5, 2))
    y = layers.Conv2D(2, 3, padding="same", activation="relu")(x)
    both = layers.Add()([mine(y), layers.Conv2D(2, 1)(y), y])
    return Model(x, layers.Dense(3, "softmax")(layers.Flatten()(both)))


def at_the_input(mine):
    x = layers.Input((5, 5, 2))
    both = layers.Concatenate()([mine(x), layers.Conv2D(2, 1)(x), x])
    return Model(x, layers.Dense(3, "softmax")(layers.Flatten()(both)))


def nested(mine):
    """In a model within a model that is called twice."""
    x = layers.Input((5, 5, 2))
    start = layers.Input((5, 5, 2))
    y = layers.Conv2D(2, 3, padding="same", activation="relu")(start)
    within = Model(start, layers.Add()([mine(y), y]))
    return Model(x, layers.Dense(3, "softmax")(layers.Flatten()(within(within(x)))))


def shared(mine):
    """Called twice, on two branches that come together."""
    x = layers.Input((5, 5, 2))
    ways = [mine(layers.Conv2D(2, 3, padding="same", activation="tanh")(x)) for _ in range(2)]
    return Model(x, layers.Dense(3, "softmax")(layers.Flatten()(layers.Multiply()(ways))))


def at_the_end(mine):
    x = layers.Input((5, 5, 2))
    y = layers.Dense(3)(layers.Flatten()(layers.Conv2D(2, 3, activation="relu")(x)))
    return Model(x, layers.Softmax()(mine(y)))


def joining(mine):
    x = layers.Input((5, 5, 2))
    y = layers.Conv2D(2, 3, padding="same", activation="relu")(x)
    both = layers.Add()([mine([y, x, layers.Conv2D(2, 1)(y)]), y])
    return Model(x, layers.Dense(3, "softmax")(layers.Flatten()(both)))


PLACES = {
    "branched": branched, "at the input": at_the_input, "nested": nested, "shared": shared,
    "at the end": at_the_end,
}  # fmt: skip


def made(place, mine, loss="categorical_crossentropy", optimizer="sgd", **options):
    npcnn.set_random_seed(1)
    model = place(mine)
    model.compile(optimizer, loss, **options)
    return model


def trained(model, steps=STEPS):
    """Return losses, outputs and weights, on data that must stay as they are."""
    x, y = X.copy(), Y.copy()
    found = [model.train_on_batch(x, y) for _ in range(steps)]
    fitted = model.fit(x, y, batch_size=4, epochs=4, verbose=0, shuffle=False).history["loss"]
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)
    outputs = [model(x), model.predict(x, verbose=0, batch_size=2)]
    return [np.array(found), np.array(fitted), *map(np.array, outputs), *model.get_weights()]


def on_both(make, want=None):
    """Hold both backends against each other, and against what other classes come to."""
    for name in ("numpy", "numba"):
        with using(name):
            found = trained(make())
            want = trained(want()) if callable(want) else want or found
        for one, other in zip(found, want, strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-6)


def halved(array):
    return array * np.float32(0.5)
