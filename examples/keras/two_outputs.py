"""Two digits and a hint go in, their sum and which one is larger come out: losses by name."""

import argparse

import numpy as np

import npcnn as keras  # or: import keras

layers = keras.layers

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--samples", type=int, help="only the first so many pictures")
parser.add_argument("--epochs", type=int, default=8)
args = parser.parse_args()


def pairs(images, labels):
    """Return pairs of pictures with a hint (is the left one even?), and what is asked of them."""
    images = images[: args.samples, ..., np.newaxis].astype("float32") / 255
    labels = labels[: args.samples].astype("int64")
    right, other = images[::-1], labels[::-1]
    hint = (labels % 2 == 0).astype("float32")[:, np.newaxis]
    given = {"left": images, "right": right, "hint": hint}
    larger = (labels > other).astype("float32")[:, np.newaxis]
    return given, {"total": labels + other, "larger": larger}


def branch(x):
    """Convolutions of one picture's own."""
    x = layers.Conv2D(16, 3, strides=2, activation="relu")(x)
    x = layers.Conv2D(32, 3, strides=2, activation="relu")(x)
    return layers.Flatten()(x)


left = keras.Input((28, 28, 1), name="left")
right = keras.Input((28, 28, 1), name="right")
hint = keras.Input((1,), name="hint")
x = layers.concatenate([branch(left), branch(right), hint])
x = layers.Dense(64, activation="relu")(x)
total = layers.Dense(19, activation="softmax", name="total")(x)
larger = layers.Dense(1, activation="sigmoid", name="larger")(x)
model = keras.Model(inputs=[left, right, hint], outputs=[total, larger])

model.compile(
    optimizer=keras.optimizers.Adam(0.001),
    loss={"total": "sparse_categorical_crossentropy", "larger": "binary_crossentropy"},
    loss_weights={"total": 1.0, "larger": 0.5},
    metrics={"total": ["accuracy"], "larger": ["accuracy"]},
)
(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
asked, wanted = pairs(x_train, y_train)
asked_test, wanted_test = pairs(x_test, y_test)
history = model.fit(
    asked, wanted, batch_size=64, epochs=args.epochs, verbose=2,
    validation_data=(asked_test, wanted_test),
)  # fmt: skip
print("curves:", sorted(history.history))
scores = model.evaluate(asked_test, wanted_test, verbose=0, return_dict=True)
for name, value in sorted(scores.items()):
    print(f"{name}: {value:.4f}")
totals, largers = model.predict([asked_test[name] for name in ("left", "right", "hint")], verbose=0)
print("sums:", totals[:5].argmax(axis=1), "true:", wanted_test["total"][:5])
print("left is larger:", largers[:5, 0] > 0.5, "true:", wanted_test["larger"][:5, 0] > 0.5)
