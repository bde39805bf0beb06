"""A VGG-like network with batch normalization learns CIFAR-10 from pictures moved at random."""

import argparse

import numpy as np

import npcnn as keras  # or: from tensorflow import keras

layers = keras.layers
ImageDataGenerator = keras.preprocessing.image.ImageDataGenerator

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--samples", type=int, help="only the first so many pictures")
parser.add_argument("--epochs", type=int, default=50)
args = parser.parse_args()

BATCH = 64

(x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
x_train, y_train = x_train[: args.samples].astype("float32"), y_train[: args.samples]
x_test, y_test = x_test[: args.samples].astype("float32"), y_test[: args.samples]
mean, std = np.mean(x_train, axis=(0, 1, 2, 3)), np.std(x_train, axis=(0, 1, 2, 3))
x_train, x_test = (x_train - mean) / (std + 1e-7), (x_test - mean) / (std + 1e-7)
y_train, y_test = (keras.utils.to_categorical(y, 10) for y in (y_train, y_test))

model = keras.Sequential()
model.add(keras.Input(shape=x_train.shape[1:]))
for filters, rate in ((32, 0.2), (64, 0.3), (128, 0.4)):
    for _ in range(2):
        model.add(
            layers.Conv2D(
                filters, (3, 3), padding="same", kernel_regularizer=keras.regularizers.l2(1e-4)
            )
        )
        model.add(layers.Activation("elu"))
        model.add(layers.BatchNormalization())
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.Dropout(rate))
model.add(layers.Flatten())
model.add(layers.Dense(10, activation="softmax"))
model.summary()


def learning_rate(epoch, rate):
    """Halve the rate after 20 epochs, and again after 35."""
    return rate * 0.5 if epoch in (20, 35) else rate


augment = ImageDataGenerator(
    rotation_range=15, width_shift_range=0.1, height_shift_range=0.1, horizontal_flip=True
)
augment.fit(x_train)
model.compile(
    loss="categorical_crossentropy",
    optimizer=keras.optimizers.RMSprop(learning_rate=0.0003),
    metrics=["accuracy"],
)
history = model.fit(
    augment.flow(x_train, y_train, batch_size=BATCH),
    steps_per_epoch=len(x_train) // BATCH,
    epochs=args.epochs,
    validation_data=(x_test, y_test),
    callbacks=[
        keras.callbacks.LearningRateScheduler(learning_rate),
        keras.callbacks.ReduceLROnPlateau(
            monitor="val_loss", factor=0.5, patience=5, min_lr=1e-6, verbose=1
        ),
    ],
    verbose=2,
)
print("learning rates:", [f"{float(rate):.2g}" for rate in history.history["learning_rate"]])
scores = model.evaluate(x_test, y_test, batch_size=128, verbose=0)
for name, value in zip(model.metrics_names, scores, strict=True):
    print(f"{name}: {value:.4f}")
