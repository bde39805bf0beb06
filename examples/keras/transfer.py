"""What was learned on the digits 0 to 4 helps with 5 to 9: frozen first, then fine-tuned."""

import argparse

import numpy as np

import npcnn as keras  # or: import keras

layers = keras.layers

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--samples", type=int, help="only the first so many pictures")
parser.add_argument("--epochs", type=int, default=5)
args = parser.parse_args()

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train, x_test = (x[: args.samples, ..., None].astype("float32") / 255 for x in (x_train, x_test))
y_train, y_test = y_train[: args.samples], y_test[: args.samples]
low, low_test = y_train < 5, y_test < 5

base = keras.Sequential(
    [
        layers.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
    ],
    name="base",
)
first = keras.Sequential([base, layers.Dense(5, activation="softmax")], name="first")
first.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
first.fit(x_train[low], y_train[low], batch_size=64, epochs=args.epochs, verbose=2)
print("0 to 4:", first.evaluate(x_test[low_test], y_test[low_test], verbose=0))

base.trainable = False
inputs = keras.Input((28, 28, 1))
x = base(inputs, training=False)
x = layers.Dropout(0.3)(x)
outputs = layers.Dense(5, activation="softmax")(x)
second = keras.Model(inputs, outputs, name="second")
second.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
trained = sum(int(np.prod(weight.shape)) for weight in second.trainable_weights)
print(f"to be trained, frozen: {trained} of {second.count_params()}")
before = [weight.copy() for weight in base.get_weights()]
second.fit(x_train[~low], y_train[~low] - 5, batch_size=64, epochs=args.epochs, verbose=2)
print("frozen ones stayed:", all(map(np.array_equal, before, base.get_weights())))

base.trainable = True
for layer in base.layers[:2]:
    layer.trainable = False
second.compile(
    optimizer=keras.optimizers.Adam(1e-4),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
second.summary()
second.fit(x_train[~low], y_train[~low] - 5, batch_size=64, epochs=args.epochs, verbose=2)
print("5 to 9:", second.evaluate(x_test[~low_test], y_test[~low_test] - 5, verbose=0))
