"""ResNet-20 for CIFAR-10, by the functional API: three stages of three residual blocks."""

import argparse

import npcnn as keras  # or: import keras

layers = keras.layers

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--samples", type=int, help="only the first so many pictures")
parser.add_argument("--epochs", type=int, default=30)
args = parser.parse_args()


def convolution(x, filters, kernel_size=3, strides=1, activation="relu"):
    """Convolution without bias, batch normalization, and an activation if there is one."""
    x = layers.Conv2D(
        filters, kernel_size, strides=strides, padding="same", use_bias=False,
        kernel_initializer="he_normal", kernel_regularizer=keras.regularizers.L2(1e-4),
    )(x)  # fmt: skip
    x = layers.BatchNormalization()(x)
    return x if activation is None else layers.Activation(activation)(x)


def block(x, filters, strides):
    """Two convolutions, and what came in added to what comes out."""
    y = convolution(x, filters, strides=strides)
    y = convolution(y, filters, activation=None)
    if strides != 1 or x.shape[-1] != filters:
        x = convolution(x, filters, kernel_size=1, strides=strides, activation=None)
    return layers.Activation("relu")(layers.add([x, y]))


inputs = keras.Input(shape=(32, 32, 3), name="picture")
x = convolution(inputs, 16)
for stage, filters in enumerate((16, 32, 64)):
    for number in range(3):
        x = block(x, filters, strides=2 if stage > 0 and number == 0 else 1)
x = layers.GlobalAveragePooling2D()(x)
outputs = layers.Dense(10, activation="softmax", kernel_initializer="he_normal")(x)
model = keras.Model(inputs=inputs, outputs=outputs, name="resnet20")
print(f"{model.name}: {len(model.layers)} layers, {model.count_params():,} parameters")

(x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
x_train, y_train = x_train[: args.samples] / 255.0, y_train[: args.samples]
x_test, y_test = x_test[: args.samples] / 255.0, y_test[: args.samples]
x_mean = x_train.mean(axis=0)
x_train, x_test = x_train - x_mean, x_test - x_mean

steps = -(-len(x_train) // 64)
rate = keras.optimizers.schedules.PiecewiseConstantDecay(
    [steps * 20, steps * 26], [0.01, 0.001, 0.0001]
)
model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=rate, momentum=0.9, nesterov=True),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=3, name="among_three")],
)
model.fit(
    x_train, y_train, batch_size=64, epochs=args.epochs, validation_data=(x_test, y_test),
    verbose=2,
)  # fmt: skip
scores = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
print({name: round(float(value), 4) for name, value in sorted(scores.items())})
