"""Users' classes write into what is their own, and are right wherever they stand in a graph.

Branches, models within models, layers called twice, several inputs, merging layers; on both
backends, and on Numba whether a step is played from notes or not.
"""

import numpy as np
import pytest
from strange_graphs import (
    PLACES,
    Joined,
    Mine,
    X,
    Y,
    branched,
    halved,
    joining,
    made,
    on_both,
    shared,
    trained,
)

from npcnn import Model, activations, layers, losses, metrics
from npcnn.backend import ops, using

# What they write into ---------------------------------------------------------------------------


def halved_in_place(array):
    array *= np.float32(0.5)
    return array


def wiped_behind(array):
    result = array * np.float32(0.5)
    array[...] = 7
    return result


WRITERS = {"in place": halved_in_place, "wiped": wiped_behind}


@pytest.mark.parametrize("how", WRITERS)
@pytest.mark.parametrize("place", PLACES)
def test_what_a_layer_writes_into_is_its_own(place, how):
    """Neither another branch, nor what the layer before has kept, nor the caller sees it."""
    writes = WRITERS[how]
    make = PLACES[place]
    on_both(lambda: made(make, Mine(writes, writes)), lambda: made(make, Mine(halved, halved)))


def joined_in_place(x):
    x[0] += x[1]
    x[0] += x[2]
    x[0] /= 3
    first = x[0]
    x.clear()
    return first


def test_what_a_merging_layer_writes_into_is_its_own():
    def back(grad_y):
        grad_y /= 3
        return [grad_y] * 3

    on_both(lambda: made(joining, Joined(joined_in_place, back)), lambda: made(joining, Joined()))


class Buffered(layers.Layer):
    """x / 2 in an array that it gives again and again."""

    def forward(self, x, training=False, step=0, keep=True):
        old = getattr(self, "buffer", None)
        if old is None or (old.shape, old.dtype) != (x.shape, x.dtype):
            self.buffer = np.empty_like(x)
        return np.multiply(x, np.float32(0.5), out=self.buffer)

    def backward(self, grad_y, need_grad_x=True):
        return np.multiply(grad_y, np.float32(0.5), out=np.empty_like(grad_y))


@pytest.mark.parametrize("place", PLACES)
def test_a_layer_may_give_the_same_memory_again(place):
    make = PLACES[place]
    on_both(lambda: made(make, Buffered()), lambda: made(make, Mine(halved, halved)))


class Squared(layers.Layer):
    """x², which keeps x in an attribute, or where a test says."""

    def __init__(self, where="attribute", **kwargs):
        super().__init__(**kwargs)
        self.where, self.stack = where, []

    def forward(self, x, training=False, step=0, keep=True):
        if self.where == "inner":
            return self.inner.forward(x, training, step, keep)
        if self.where == "stack":
            self.stack.append(x)
        elif self.where == "attribute":
            self.x = x
        else:
            self._saved = x
        return x * x

    def backward(self, grad_y, need_grad_x=True):
        if self.where == "inner":
            return self.inner.backward(grad_y, need_grad_x)
        if self.where == "stack":
            return grad_y * 2 * self.stack.pop()
        return grad_y * 2 * (self.x if self.where == "attribute" else self.saved())


class Square(activations.ActivationFunction):
    def forward(self, x):
        x *= x
        return x

    def backward(self, grad_y, x, y):
        grad_y *= 2 * x
        return grad_y


@pytest.mark.parametrize("where", ["attribute", "inner", "saved"])
def test_a_layer_called_twice_may_keep_what_it_needs_where_it_likes(where):
    """Only that of the last call was there when the other calls were gone back through."""
    square = layers.Multiply()

    def by_own(y):
        return square([y, y])

    def make():
        mine = Squared(where)
        mine.inner = layers.Activation(Square("square"))
        return made(shared, mine)

    on_both(make, lambda: made(shared, by_own))


def test_an_activation_that_computes_in_place():
    """Within a layer of npcnn's, which keeps what the activation was given."""

    def ends(activation):
        x = layers.Input((5, 5, 2))
        y = layers.Conv2D(2, 3, padding="same", activation=activation)(x)
        y = layers.Activation(activation)(layers.Add()([y, x]))
        return Model(x, layers.Dense(3, "softmax")(layers.Flatten()(y)))

    class Cleanly(Square):
        def forward(self, x):
            return x * x

        def backward(self, grad_y, x, y):
            return grad_y * 2 * x

    on_both(lambda: made(ends, Square("square")), lambda: made(ends, Cleanly("square")))


class Wiping(losses.Loss):
    """Σ (y − t)², which writes into what it is given."""

    def values(self, targets, outputs):
        outputs -= targets
        targets[...] = 9
        return (outputs**2).sum(axis=-1)

    def gradient(self, targets, outputs):
        outputs -= targets
        targets[...] = 9
        outputs *= 2
        return outputs


class Clean(losses.Loss):
    def values(self, targets, outputs):
        return ((outputs - targets) ** 2).sum(axis=-1)

    def gradient(self, targets, outputs):
        return 2 * (outputs - targets)


class Spoiling(metrics.Metric):
    """Counts rows, and spoils what it is given."""

    def values(self, y_true, y_pred):
        y_true[...] = y_pred[...] = np.nan
        return np.ones(len(y_pred))


def test_losses_and_metrics_write_into_what_is_their_own():
    """A metric behind another one, a loss before the last layer's backward pass."""

    def make(loss, *more):
        return made(branched, Mine(), loss(), metrics=[*more, "mae"])

    on_both(lambda: make(Wiping), lambda: make(Clean))
    found = []
    for more in ((), (Spoiling(),)):
        model = make(Clean, *more)
        history = model.fit(X, Y, epochs=2, verbose=0, shuffle=False).history
        found.append([history["mae"], model.evaluate(X, Y, verbose=0, return_dict=True)["mae"]])
    assert found[0] == found[1]


# Memory -----------------------------------------------------------------------------------------

STRANGE = {
    "broadcast": lambda a: np.broadcast_to(a[:1], a.shape),
    "reversed": lambda a: a[::-1, ::-1],
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "unaligned": lambda a: _unaligned(a),
    "Fortran": np.asfortranarray,
    "every other": lambda a: np.repeat(a, 2, axis=0)[::2],
}


def _unaligned(array):
    room = np.empty(array.nbytes + 1, np.uint8)
    found = room[1:].view(array.dtype).reshape(array.shape)
    found[...] = array
    return found


@pytest.mark.parametrize("how", STRANGE)
@pytest.mark.parametrize("place", PLACES)
def test_arrays_may_lie_in_memory_as_they_like(place, how):
    def copied(array):
        return STRANGE[how](array).copy()

    make, strange = PLACES[place], STRANGE[how]
    on_both(lambda: made(make, Mine(strange, strange)), lambda: made(make, Mine(copied, copied)))


class Halves(layers.Layer):
    """Calls an op, and so is played from notes."""

    def forward(self, x, training=False, step=0, keep=True):
        return ops.rescale(x, 0.5, 0.0, x.dtype)

    def backward(self, grad_y, need_grad_x=True):
        return ops.rescale(grad_y, 0.5, 0.0, grad_y.dtype)


@pytest.mark.parametrize("place", PLACES)
def test_layers_of_ops_alone_are_still_played(place, jit):
    with using("numba"):
        model = made(PLACES[place], Halves())
        trained(model)
        model.train_on_batch(X, Y)
        assert model.program.last.played, str(model.program)
