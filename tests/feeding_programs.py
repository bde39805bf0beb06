"""Ways to feed a model, run under Keras and under npcnn; see feeding/test_feeding_as_keras.py.

Each takes the package and a list that it notes into what was asked of the data and when. Run as a
program, this file prints as JSON what they return under the real Keras; it knows nothing of npcnn.
"""

import json
import os
import warnings

import numpy as np

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 4)).astype("float32")
Y = (X @ RNG.normal(size=(4, 3))).argmax(axis=1)
W = RNG.uniform(0, 2, 48).astype("float32")
KERNEL = RNG.normal(size=(4, 3)).astype("float32")


def model(keras):
    made = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, "softmax")])
    made.set_weights([KERNEL, np.zeros(3, "float32")])
    loss = "sparse_categorical_crossentropy"
    made.compile(keras.optimizers.SGD(0.5), loss, metrics=["accuracy"])
    return made


def generator(notes, batches=5, endless=False, weights=False):
    """Ten samples a batch; the fifth has eight."""
    k = 0
    while endless or k < batches:
        rows = slice(k % batches * 10, k % batches * 10 + 10)
        notes.append(k % batches)
        yield (X[rows], Y[rows], W[rows]) if weights else (X[rows], Y[rows])
        k += 1


def numbered(keras, notes, weights=False, targets=True, **arguments):
    class Numbered(keras.utils.Sequence):
        def __len__(self):
            return 5

        def __getitem__(self, k):
            notes.append(int(k))
            rows = slice(k * 10, k * 10 + 10)
            return (X[rows], Y[rows], W[rows])[: 1 + targets + weights]

        def on_epoch_begin(self):
            notes.append("begin")

        def on_epoch_end(self):
            notes.append("end")

    return Numbered(**arguments)


def fit(keras, notes, *args, **named):
    class Noting(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            # Keras has looked at a batch or two to see their shape; npcnn where it has to.
            del notes[: -1 if notes[-1:] == ["end"] else None]
            notes.append(["steps", self.params["steps"]])

        def on_train_batch_begin(self, batch, logs=None):
            notes.append(["batch", batch])

        def on_epoch_end(self, epoch, logs=None):
            notes.append(["epoch", epoch])

    named = {"verbose": 0, "callbacks": [Noting()], "shuffle": False, **named}
    return model(keras).fit(*args, **named).history


PROGRAMS = {
    "arrays": lambda k, n: fit(k, n, X, Y, epochs=2),
    "arrays, steps": lambda k, n: fit(k, n, X, Y, 10, 4, steps_per_epoch=3),
    "arrays, steps, no size": lambda k, n: fit(k, n, X, Y, epochs=3, steps_per_epoch=3),
    "arrays, too many steps": lambda k, n: fit(k, n, X, Y, 10, 3, steps_per_epoch=7),
    "a generator that ends": lambda k, n: fit(k, n, generator(n)),
    "a generator that ends early": lambda k, n: fit(
        k, n, generator(n), epochs=4, steps_per_epoch=3
    ),
    "an endless generator": lambda k, n: fit(
        k, n, generator(n, endless=True), epochs=3, steps_per_epoch=3
    ),
    "initial epoch": lambda k, n: fit(
        k, n, generator(n, endless=True), epochs=5, steps_per_epoch=3, initial_epoch=2
    ),
    "weights": lambda k, n: fit(k, n, generator(n, weights=True)),
    "numbered": lambda k, n: fit(k, n, numbered(k, n), epochs=3),
    "numbered, weights": lambda k, n: fit(k, n, numbered(k, n, weights=True), epochs=2),
    "numbered, steps": lambda k, n: fit(k, n, numbered(k, n), epochs=4, steps_per_epoch=3),
    "numbered, too many steps": lambda k, n: fit(k, n, numbered(k, n), epochs=2, steps_per_epoch=7),
    "class weights": lambda k, n: fit(
        k, n, numbered(k, n), epochs=2, class_weight={0: 0.5, 2: 3.0}
    ),
    "validated by a generator": lambda k, n: fit(
        k, n, X, Y, epochs=3, validation_data=generator([], endless=True), validation_steps=4
    ),
    "validated by a generator that ends": lambda k, n: fit(
        k, n, X, Y, epochs=1, validation_data=generator([])
    ),
    "validated by numbers": lambda k, n: fit(
        k, n, X, Y, epochs=4, validation_data=numbered(k, []), validation_steps=2,
        validation_freq=2,
    ),
    "validated by few arrays": lambda k, n: fit(
        k, n, X, Y, epochs=2, validation_data=(X, Y, W), validation_steps=2,
        validation_batch_size=7,
    ),
    "evaluate": lambda k, n: model(k).evaluate(generator(n), verbose=0),
    "evaluate, weights": lambda k, n: model(k).evaluate(numbered(k, [], weights=True), verbose=0),
    "evaluate, steps": lambda k, n: model(k).evaluate(generator(n), steps=2, verbose=0),
    "evaluate arrays, steps": lambda k, n: model(k).evaluate(X, Y, 10, steps=2, verbose=0),
    "predict": lambda k, n: model(k).predict(numbered(k, [], targets=False), verbose=0).tolist(),
    "predict, targets passed over": lambda k, n: (
        model(k).predict(generator(n), verbose=0).tolist()
    ),
    "predict, steps": lambda k, n: model(k).predict(
        generator(n, endless=True), steps=7, verbose=0
    ).tolist(),
    "predict arrays, steps": lambda k, n: model(k).predict(X, steps=3, verbose=0).tolist(),
}  # fmt: skip


def result(name, keras):
    notes = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        returned = PROGRAMS[name](keras, notes)
    return json.loads(json.dumps([notes, returned], default=float))


if __name__ == "__main__":
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import keras

    print(json.dumps({name: result(name, keras) for name in PROGRAMS}))
