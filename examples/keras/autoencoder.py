"""A convolutional autoencoder takes noise off digits; it needs no labels."""

import argparse

import numpy as np

import npcnn as keras  # or: import keras

layers = keras.layers

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--samples", type=int, help="only the first so many pictures")
parser.add_argument("--epochs", type=int, default=10)
args = parser.parse_args()

(x_train, _), (x_test, _) = keras.datasets.mnist.load_data()
x_train = x_train[: args.samples, :, :, None].astype("float32") / 255
x_test = x_test[: args.samples, :, :, None].astype("float32") / 255
rng = np.random.default_rng(0)
noisy_train, noisy_test = (
    np.clip(x + 0.4 * rng.standard_normal(x.shape), 0, 1).astype("float32")
    for x in (x_train, x_test)
)

picture = layers.Input(shape=(28, 28, 1))
x = layers.Conv2D(32, (3, 3), activation="relu", padding="same")(picture)
x = layers.MaxPooling2D((2, 2), padding="same")(x)
x = layers.Conv2D(8, (3, 3), activation="relu", padding="same")(x)
code = layers.MaxPooling2D((2, 2), padding="same", name="code")(x)
x = layers.Conv2DTranspose(8, (3, 3), strides=2, activation="relu", padding="same")(code)
x = layers.Conv2D(32, (3, 3), activation="relu", padding="same")(x)
x = layers.UpSampling2D((2, 2))(x)
cleaned = layers.Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x)

autoencoder = keras.Model(picture, cleaned, name="autoencoder")
encoder = keras.Model(picture, code, name="encoder")
autoencoder.summary()
autoencoder.compile(optimizer="adam", loss="binary_crossentropy")
autoencoder.fit(
    x=noisy_train, y=x_train, epochs=args.epochs, batch_size=128, shuffle=True,
    validation_data=(noisy_test, x_test), verbose=2,
)  # fmt: skip

cleaned = autoencoder.predict(noisy_test, verbose=0)
print("a code has the shape", encoder.predict(noisy_test[:1], verbose=0).shape[1:])
print("mean squared error, noisy:  ", round(float(np.mean((noisy_test - x_test) ** 2)), 4))
print("mean squared error, cleaned:", round(float(np.mean((cleaned - x_test) ** 2)), 4))
