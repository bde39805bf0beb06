"""Dense layers held small by l2, stopped in time, and the best of them read back from a file."""

import argparse

import numpy as np

import npcnn as keras  # or: import keras

layers, callbacks, regularizers = keras.layers, keras.callbacks, keras.regularizers

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--samples", type=int, help="only the first so many pictures")
parser.add_argument("--epochs", type=int, default=40)
args = parser.parse_args()

(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
x_train = x_train[: args.samples].reshape((-1, 784)).astype("float32") / 255
x_test = x_test[: args.samples].reshape((-1, 784)).astype("float32") / 255
y_train, y_test = y_train[: args.samples], y_test[: args.samples]
held = len(x_train) // 5
x_val, y_val, x_train, y_train = x_train[:held], y_train[:held], x_train[held:], y_train[held:]

model = keras.Sequential(
    [
        keras.Input(shape=(784,)),
        layers.Dense(
            128, activation="relu", kernel_regularizer=regularizers.l2(1e-4),
            kernel_constraint=keras.constraints.MaxNorm(3),
        ),
        layers.Dense(64, activation="selu", kernel_regularizer=regularizers.L1L2(1e-6, 1e-4)),
        layers.Dense(10, activation="softmax", bias_regularizer="l2"),
    ]
)  # fmt: skip
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=1e-3, clipnorm=1.0),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(
    x_train, y_train, batch_size=32, epochs=args.epochs, validation_data=(x_val, y_val), verbose=2,
    callbacks=[
        callbacks.EarlyStopping(monitor="val_loss", patience=4, restore_best_weights=True),
        callbacks.ModelCheckpoint(filepath="best.keras", monitor="val_loss", save_best_only=True),
    ],
)  # fmt: skip
print("epochs done:", len(history.epoch), "least val_loss:", min(history.history["val_loss"]))

best = keras.models.load_model("best.keras")
np.testing.assert_allclose(best.predict(x_test, verbose=0), model.predict(x_test, verbose=0), 1e-4)
loss, accuracy = best.evaluate(x_test, y_test, verbose=0)
print(f"the best one on the test's pictures: loss {loss:.4f}, accuracy {accuracy:.4f}")

model.save_weights("best.weights.h5")
again = keras.models.clone_model(model)
again.load_weights("best.weights.h5")
print("weights read back:", all(map(np.array_equal, again.get_weights(), model.get_weights())))
