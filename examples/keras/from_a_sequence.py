"""Pictures that are made ready batch by batch: a PyDataset to learn from, a generator to test."""

import argparse
import math

import numpy as np

import npcnn as keras  # or: import keras

layers = keras.layers

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--samples", type=int, help="only the first so many pictures")
parser.add_argument("--epochs", type=int, default=5)
args = parser.parse_args()

BATCH = 50


class Digits(keras.utils.PyDataset):
    """Batches of MNIST, each scaled when it is asked for, every other epoch from the end."""

    def __init__(self, images, labels, **kwargs):
        super().__init__(**kwargs)
        self.images, self.labels = images, labels
        self.epochs = 0

    def __len__(self):
        return math.ceil(len(self.images) / BATCH)

    def __getitem__(self, index):
        place = index if self.epochs % 2 == 0 else len(self) - 1 - index
        part = slice(place * BATCH, (place + 1) * BATCH)
        images = self.images[part, :, :, np.newaxis].astype("float32") / 127.5 - 1
        return images, self.labels[part]

    def on_epoch_end(self):
        """Turn the order round."""
        self.epochs += 1


def batches(images, labels):
    """Give batches for ever, as generators for Keras do."""
    while True:
        for start in range(0, len(images), BATCH):
            part = slice(start, start + BATCH)
            yield images[part, :, :, np.newaxis].astype("float32") / 127.5 - 1, labels[part]


(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train, y_train = x_train[: args.samples], y_train[: args.samples].astype("int64")
x_test, y_test = x_test[: args.samples], y_test[: args.samples].astype("int64")

model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(16, 5, strides=2, padding="same"),
        layers.LeakyReLU(negative_slope=0.1),
        layers.Conv2D(32, 5, strides=2, padding="same"),
        layers.LeakyReLU(negative_slope=0.1),
        layers.GlobalMaxPooling2D(),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(
    keras.optimizers.Nadam(learning_rate=0.002),
    keras.losses.SparseCategoricalCrossentropy(),
    metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
)
steps = math.ceil(len(x_test) / BATCH)
model.fit(
    Digits(x_train, y_train),
    epochs=args.epochs,
    validation_data=batches(x_test, y_test),
    validation_steps=steps,
    class_weight={0: 1.0, 1: 1.5, **dict.fromkeys(range(2, 10), 1.0)},
    verbose=2,
)
print("test:", model.evaluate(batches(x_test, y_test), steps=steps, verbose=0))
print("answers:", model.predict(Digits(x_test, y_test), verbose=0).argmax(axis=1)[:10])
print("labels: ", y_test[:10])
