"""A convnet with dropout sorts Fashion-MNIST; a tenth of the pictures tells when it overfits."""

import argparse

import numpy as np

import npcnn as keras  # or: import keras

layers = keras.layers

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--samples", type=int, help="only the first so many pictures")
parser.add_argument("--epochs", type=int, default=12)
args = parser.parse_args()

NAMES = [
    "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"
]  # fmt: skip

(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
x_train, y_train = x_train[: args.samples], y_train[: args.samples]
x_test, y_test = x_test[: args.samples], y_test[: args.samples]
x_train = np.expand_dims(x_train, -1) / 255.0
x_test = np.expand_dims(x_test, -1) / 255.0

model = keras.models.Sequential(
    [
        layers.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu", kernel_initializer="he_uniform"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Conv2D(64, 3, activation="relu", kernel_initializer="he_uniform"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(128, activation="relu", kernel_initializer="he_uniform"),
        layers.Dropout(0.5),
        layers.Dense(10),
    ]
)
model.compile(
    optimizer="adam",
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(
    x_train, y_train, batch_size=128, epochs=args.epochs, validation_split=0.1, verbose=2
)
best = int(np.argmin(history.history["val_loss"]))
print("curves:", sorted(history.history), "best epoch:", best + 1)
print("test loss and accuracy:", model.evaluate(x_test, y_test, verbose=0))

probabilities = keras.Sequential([model, layers.Softmax()]).predict(x_test[:5], verbose=0)
for row, label in zip(probabilities, y_test, strict=False):
    print(f"{NAMES[row.argmax()]:>8} ({row.max():.0%}), true: {NAMES[label]}")
