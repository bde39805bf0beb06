"""LeNet-5 reads MNIST: tanh and average pooling, as in 1998."""

import argparse

import npcnn as keras  # or: import keras

layers = keras.layers

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--samples", type=int, help="only the first so many pictures")
parser.add_argument("--epochs", type=int, default=10)
args = parser.parse_args()

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train = x_train[: args.samples].reshape(-1, 28, 28, 1).astype("float32") / 255
x_test = x_test[: args.samples].reshape(-1, 28, 28, 1).astype("float32") / 255
y_train = keras.utils.to_categorical(y_train[: args.samples], 10)
y_test = keras.utils.to_categorical(y_test[: args.samples], 10)
print("pictures to learn from:", x_train.shape, "and to be tested on:", x_test.shape)

model = keras.Sequential(name="lenet5")
model.add(layers.Input(shape=(28, 28, 1)))
model.add(layers.Conv2D(6, kernel_size=(5, 5), padding="same", activation="tanh"))
model.add(layers.AveragePooling2D(pool_size=(2, 2), strides=(2, 2)))
model.add(layers.Conv2D(16, kernel_size=(5, 5), activation="tanh"))
model.add(layers.AveragePooling2D(pool_size=(2, 2), strides=(2, 2)))
model.add(layers.Conv2D(120, kernel_size=(5, 5), activation="tanh"))
model.add(layers.Flatten())
model.add(layers.Dense(84, activation="tanh"))
model.add(layers.Dense(10, activation="softmax"))
model.summary()

model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=0.05, momentum=0.9),
    loss=keras.losses.categorical_crossentropy,
    metrics=["accuracy"],
)
model.fit(
    x_train, y_train, batch_size=64, epochs=args.epochs, verbose=2,
    validation_data=(x_test, y_test),
)  # fmt: skip
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"test loss: {loss:.4f}")
print(f"test accuracy: {accuracy:.4f}")
