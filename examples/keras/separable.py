"""A small network of depthwise convolutions, with the picture's random changes as its layers."""

import argparse
import csv

import npcnn as keras  # or: import keras

layers = keras.layers

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--samples", type=int, help="only the first so many pictures")
parser.add_argument("--epochs", type=int, default=40)
args = parser.parse_args()

BATCH = 64

(x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
x_train, y_train = x_train[: args.samples], y_train[: args.samples]
x_test, y_test = x_test[: args.samples], y_test[: args.samples]

augmentation = keras.Sequential(
    [layers.RandomFlip("horizontal"), layers.RandomRotation(0.05), layers.RandomZoom(0.1)],
    name="augmentation",
)
inputs = keras.Input(shape=(32, 32, 3))
x = augmentation(inputs)
x = layers.Rescaling(1.0 / 127.5, offset=-1)(x)
x = layers.Conv2D(32, 3, padding="same", use_bias=False)(x)
for filters in (64, 128):
    shortcut = layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU(max_value=6.0)(x)
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU(max_value=6.0)(x)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.add([x, shortcut])
x = layers.SpatialDropout2D(0.1)(x)
x = layers.GlobalAveragePooling2D()(x)
outputs = layers.Dense(10, activation="softmax")(x)
model = keras.Model(inputs, outputs)
model.summary()

steps = args.epochs * -(-len(x_train) // BATCH)
model.compile(
    optimizer=keras.optimizers.AdamW(
        learning_rate=keras.optimizers.schedules.CosineDecay(0.002, decay_steps=steps),
        weight_decay=0.004,
    ),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(
    x_train, y_train, batch_size=BATCH, epochs=args.epochs, validation_data=(x_test, y_test),
    callbacks=[
        keras.callbacks.CSVLogger("log.csv"),
        keras.callbacks.TensorBoard(log_dir="logs"),
    ],
    verbose=2,
)  # fmt: skip
with open("log.csv", encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
print("in the log:", ", ".join(rows[0]), "for", len(rows), "epochs")
print("test:", model.evaluate(x_test, y_test, batch_size=BATCH, verbose=0))
