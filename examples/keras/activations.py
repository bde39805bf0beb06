"""What a trained network's layers see in one digit: a picture of every channel."""

import argparse

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

import npcnn as keras  # or: import keras

layers = keras.layers
matplotlib.use("Agg")

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--samples", type=int, help="only the first so many pictures")
parser.add_argument("--epochs", type=int, default=3)
args = parser.parse_args()

COLUMNS = 8

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train = x_train[: args.samples, ..., np.newaxis].astype("float32") / 255
x_test = x_test[: args.samples, ..., np.newaxis].astype("float32") / 255

model = keras.Sequential(
    [
        keras.Input(shape=(28, 28, 1)),
        layers.Conv2D(8, 3, activation="relu", name="first_convolution"),
        layers.MaxPooling2D(name="first_pooling"),
        layers.Conv2D(16, 3, activation="relu", name="second_convolution"),
        layers.MaxPooling2D(name="second_pooling"),
        layers.Flatten(),
        layers.Dense(10, activation="softmax", name="answer"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train[: args.samples], epochs=args.epochs, batch_size=64, verbose=2)

shown = [layer for layer in model.layers if "convolution" in layer.name or "pooling" in layer.name]
viewer = keras.Model(inputs=model.inputs, outputs=[layer.output for layer in shown])
found = viewer.predict(x_test[:1], verbose=0)

for layer, channels in zip(shown, found, strict=True):
    print(f"{layer.name:<20} {channels.shape}, mean {channels.mean():.4f}")
    rows = channels.shape[-1] // COLUMNS
    sheet = channels[0].transpose(2, 0, 1).reshape(rows, COLUMNS, *channels.shape[1:3])
    sheet = sheet.transpose(0, 2, 1, 3).reshape(rows * channels.shape[1], -1)
    figure = plt.figure(figsize=(COLUMNS, rows))
    plt.title(layer.name)
    plt.axis("off")
    plt.imshow(sheet, cmap="viridis", aspect="auto")
    plt.savefig(f"{layer.name}.png")
    plt.close(figure)

kernel, bias = model.get_layer("first_convolution").get_weights()
print("first filters:", kernel.shape, "biases:", bias.shape)
probabilities = model.predict(x_test[:1], verbose=0)[0]
print("answer:", np.argmax(probabilities), "true:", y_test[0])
