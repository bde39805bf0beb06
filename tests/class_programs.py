"""Models of classes of one's own, for `test_classes_in_keras.py`; run as a program, under Keras.

Each takes the package, `keras` or `npcnn`, and returns what makes the model.
"""

import functools
import json
import sys
import warnings

import numpy as np

X = np.random.default_rng(1).normal(size=(8, 3)).astype("float32")
Y = np.random.default_rng(2).normal(size=(8, 2)).astype("float32")


def parts(K, mine):
    """Return a model and a layer of one's own, for others to hold."""
    layers = K.layers

    @mine
    class Turned(K.Model):
        """Its attributes are set in the other order than they are called; it is a graph."""

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.last, self.zero = layers.Dense(3), [layers.Dense(3), layers.Dense(3)]
            self.body = layers.Dense(3, activation="tanh")

        def call(self, x):
            return self.last(self.zero[0](self.zero[1](self.body(x))))

    @mine
    class Within(layers.Layer):
        """A layer that has a model, and a row."""

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.model, self.body = Turned(), K.Sequential([layers.Dense(3)])

        def call(self, x):
            return self.body(self.model(x)) + x

    return Turned, Within


def wholes(K, mine):
    """Return models that hold such."""
    layers, (Turned, Within) = K.layers, parts(K, mine)

    @mine
    class Whole(K.Model):
        """Models, rows and graphs in attributes, lists and dicts; one layer twice."""

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            begin, self.out = layers.Input((3,)), layers.Dense(2)
            self.graph_ = K.Model(begin, layers.Dense(3)(layers.Dense(5)(begin)))
            self.rows = {"b": (K.Sequential([layers.Dense(4), layers.Dense(3)]), [Turned()])}
            self._again = layers.Dense(3)
            self.shared, self.many = self._again, [K.Model(begin, layers.Dense(3)(begin))]

        def call(self, x):
            x = self.rows["b"][1][0](self.rows["b"][0](self.graph_(x)))
            return self.out(self.many[0](self.shared(self._again(x))))

    @mine
    class Computing(K.Model):
        """Its `call` is more than layers, and it has a weight and a model."""

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.scale = self.add_weight(shape=(3,), initializer="ones", name="scale")
            self.inner, self.deep, self.back = Turned(), Within(), layers.Dense(2)

        def call(self, x):
            return self.back(K.ops.tanh(self.deep(x)) * self.scale + self.inner(x))

    def nested():
        begin = layers.Input((3,))
        return K.Model(begin, layers.Dense(2)(K.Sequential([Turned(), Within()])(begin)))

    def within(one):
        return lambda: K.Sequential([layers.Input((3,)), one(), layers.Dense(2)])

    return {
        "turned": within(Turned), "layer": within(Within), "alone": Whole, "computing": Computing,
        "nested": nested,
    }  # fmt: skip


@functools.cache  # or a second call would take the first one's place in the registry
def programs(K):
    layers, mine = K.layers, K.saving.register_keras_serializable("classes")

    @mine
    class Normal(K.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.out, self.normal = layers.Dense(2), layers.BatchNormalization(momentum=0.5)
            self.begin, self.tracker = layers.Dense(4), K.metrics.Mean(name="tracked")

        def call(self, x, training=False):
            return self.out(self.normal(self.begin(x), training=training))

    @mine
    class Graph(K.Model):
        """Made of inputs and outputs by its own arguments."""

        def __init__(self, units=4, **kwargs):
            begin, self_first, last = layers.Input((3,)), layers.Dense(units), layers.Dense(2)
            super().__init__(begin, last(self_first(begin)), **kwargs)
            self.first, self.units = self_first, units

        def get_config(self):
            return {"units": self.units}

    @mine
    class Row(K.Sequential):
        def __init__(self, units=4, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            for one in (layers.Input((3,)), layers.Dense(units), layers.Dense(2)):
                self.add(one)

        def get_config(self):
            return {"units": self.units}

    others = {"normal": Normal, "graph": lambda: Graph(5), "row": lambda: Row(5)}
    return wholes(K, mine) | others


def made(K, make):
    """Return a model that has learnt a little, from weights that hang on their order alone."""
    model = make()
    model(X)
    rng = np.random.default_rng(3)
    model.set_weights([0.5 * rng.random(w.shape) for w in model.get_weights()])
    model.compile(K.optimizers.Adam(0.01), "mse")
    further(model)
    return model


def further(model):
    """Train on; return the losses."""
    return model.fit(X, Y, 4, epochs=2, shuffle=False, verbose=0).history["loss"]


def told(K, folder, name, make, theirs):
    """Write files of a model, and return what it is, and what the files of the others make."""
    model = made(K, make)
    model.save_weights(folder / f"{K.__name__}-{name}.weights.h5")
    model.save(folder / f"{K.__name__}-{name}.keras")
    found = {
        "weights": [[w.name, list(w.shape)] for w in model.weights],
        "moves": [[w.name, list(w.shape)] for w in model.trainable_variables],
        "layers": [type(layer).__name__.replace("Model", "Functional") for layer in model.layers],
        "made": model.predict(X, verbose=0).tolist(),
    }
    found["losses"] = further(model)
    if theirs:
        other = make()
        other(X)
        other.load_weights(folder / f"{theirs}-{name}.weights.h5")
        found["read"] = other.predict(X, verbose=0).tolist()
        whole = K.saving.load_model(folder / f"{theirs}-{name}.keras")
        found["loaded"] = whole.predict(X, verbose=0).tolist()
        found["on"] = further(whole)
    return found


if __name__ == "__main__":
    from pathlib import Path

    import keras

    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    every = programs(keras).items()
    print(json.dumps({name: told(keras, folder, name, make, "npcnn") for name, make in every}))
