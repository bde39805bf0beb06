"""Layers, a loss, an optimizer and a metric of a user's, right but in unusual shapes."""

import abc
import collections
import dataclasses
import enum
import functools

import numpy as np

import npcnn
from npcnn import layers, losses, metrics, ops, optimizers

own = npcnn.utils.register_keras_serializable("odd")


@own
class Stack(layers.Layer):
    """Layers in a list."""

    def __init__(self, widths=(4, 3), **kwargs):
        super().__init__(**kwargs)
        self.widths = list(widths)
        self.steps = [layers.Dense(width, activation="tanh") for width in widths]

    def call(self, x):
        for step in self.steps:
            x = step(x)
        return x


@own
class InDicts(layers.Layer):
    """Layers in dicts of dicts, and in a named tuple."""

    Pair = collections.namedtuple("Pair", "one other")

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.by_name = {"a": layers.Dense(units), "b": {"c": layers.Dense(units, use_bias=False)}}
        self.pair = self.Pair(layers.Dense(2), layers.Dense(2))

    def call(self, x):
        y = self.by_name["a"](x) + self.by_name["b"]["c"](x)
        return self.pair.one(y) * self.pair.other(y)


@own
class Twice(layers.Layer):
    """One layer, made when the shapes are known and called twice."""

    def build(self, shape):
        self.inner = layers.Dense(shape[-1], activation="relu")
        self.inner.build(shape)

    def call(self, x):
        return self.inner(self.inner(x))


@own
@dataclasses.dataclass
class Data(layers.Layer):
    """A dataclass: its `__init__` is made when the class is there, and it cannot be hashed."""

    units: int = 3
    gain: float = 1.0

    def __post_init__(self):
        super().__init__()

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], self.units), name="w")

    def call(self, x):
        return ops.matmul(x, self.w) * self.gain


@own
class Slots(layers.Layer):
    __slots__ = ("units", "w")

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], self.units), name="w")

    def call(self, x):
        return x @ self.w


class Base(layers.Layer, abc.ABC):
    def __init__(self, units=3, *, gain=1.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.gain = units, gain

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], self.units), name="w")

    @property
    def doubled(self):
        return self.w * 2.0

    @abc.abstractmethod
    def bend(self, y): ...

    def call(self, x):
        return self.bend(ops.matmul(x, self.doubled))


class Middle(Base):
    def bend(self, y):
        return self.gain * y


@own
class Leaf(Middle):
    """Three deep, its weight behind a property."""

    def bend(self, y):
        return ops.sigmoid(super().bend(y))


@own
class Noise(layers.Layer):
    """Draws numbers of its own while it learns."""

    def __init__(self, seed=3, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = npcnn.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training:
            return x
        return x + 0.1 * npcnn.random.normal(ops.shape(x), seed=self.generator)


@own
class State(layers.Layer):
    """A running mean, and a count."""

    def build(self, shape):
        self.mean = self.add_weight(shape=(shape[-1],), initializer="zeros", trainable=False)
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x, training=False):
        if training:
            self.mean.assign(0.9 * self.mean + 0.1 * ops.mean(x, axis=(0, 1, 2)))
            self.seen.assign_add(1.0)
        return x - self.mean


@own
class Functions(layers.Layer):
    """Partials, lambdas, reductions."""

    def __init__(self, power=2, **kwargs):
        super().__init__(**kwargs)
        self.power = power

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x):
        raised = functools.partial(ops.power, x2=self.power)
        bent = lambda t: ops.where(t > 0, t, 0.5 * t)  # noqa: E731
        return bent(functools.reduce(ops.add, [raised(x) * self.w, x, -0.5 * x]))


@own
class Numpy(layers.Layer):
    """NumPy's functions on whatever comes."""

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x):
        return np.tanh(x) * self.w + np.maximum(x, 0)


@own
class Attention(layers.Layer):
    def build(self, shape):
        make = functools.partial(self.add_weight, shape=(shape[-1], 4))
        self.q, self.k, self.v = make(name="q"), make(name="k"), make(name="v")

    def call(self, x):
        rows = ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))
        q, k, v = rows @ self.q, rows @ self.k, rows @ self.v
        shares = ops.softmax(ops.einsum("bid,bjd->bij", q, k) / 2.0, axis=-1)
        return ops.einsum("bij,bjd->bid", shares, v)


@own
class Recurrent(layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], shape[-1]))

    def call(self, x):
        state = ops.zeros_like(x[:, 0])
        for t in range(x.shape[1]):
            state = ops.tanh(x[:, t] + state @ self.w)
        return state


@own
class Masked(layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x):
        mask = ops.cast(ops.mean(x, axis=-1, keepdims=True) > 0.1, x.dtype)
        return x * self.w * mask / ops.maximum(ops.mean(mask), 0.1)


class Kind(enum.Enum):
    PLAIN = "plain"
    BENT = "bent"


@own
class Choice(layers.Layer):
    """Holds what no file can, and says what a file can have instead."""

    def __init__(self, kind="plain", **kwargs):
        super().__init__(**kwargs)
        self.kind = Kind(kind)

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1],), regularizer="l2", constraint="non_neg")

    def call(self, x):
        self.add_loss(0.01 * ops.sum(ops.square(self.w)))
        match self.kind:
            case Kind.PLAIN:
                return x * self.w
            case _:
                return ops.tanh(x * self.w)

    def get_config(self):
        return {**super().get_config(), "kind": self.kind.value}


@own
@dataclasses.dataclass
class Quantile(losses.Loss):
    share: float = 0.5

    def __post_init__(self):
        super().__init__()

    def call(self, y_true, y_pred):
        off = y_true - y_pred
        return ops.mean(ops.where(off > 0, self.share * off, (self.share - 1) * off), axis=-1)


@own
@dataclasses.dataclass
class Down(optimizers.Optimizer):
    lr: float = 0.05  # Keras's name of old

    def __post_init__(self):
        super().__init__(self.lr)

    def update(self, parameters, gradients):
        parameters -= self.learning_rate * gradients


@own
class Shrinking(optimizers.schedules.LearningRateSchedule):
    def __init__(self, first=0.05):
        self.first = first

    def __call__(self, step):
        return self.first / (1 + 0.1 * ops.cast(step, "float32"))

    def get_config(self):
        return {"first": self.first}


@own
class Off(metrics.Metric):
    """Numbers of Python's own; before the first batch there is nothing to divide by."""

    def __init__(self, name="off", **kwargs):
        super().__init__(name=name, **kwargs)
        self.reset_state()

    def reset_state(self):
        self.total, self.count = 0.0, 0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total += float(np.abs(np.asarray(y_true) - np.asarray(y_pred)).sum())
        self.count += len(y_pred)

    def result(self):
        return self.total / self.count
