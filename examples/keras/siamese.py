"""Do two pictures show the same digit? One network looks at both; what differs is weighed."""

import argparse

import numpy as np

import npcnn as keras  # or: import keras

layers = keras.layers

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--samples", type=int, help="only the first so many pictures")
parser.add_argument("--epochs", type=int, default=10)
args = parser.parse_args()


def make_pairs(images, labels, seed):
    """Return for every picture one of the same digit and one of another, and 1 or 0."""
    rng = np.random.default_rng(seed)
    places = [np.flatnonzero(labels == digit) for digit in range(10)]
    first, second, same = [], [], []
    for place, label in enumerate(labels):
        other = rng.choice([d for d in range(10) if d != label and len(places[d])])
        for digit, answer in ((label, 1.0), (other, 0.0)):
            first.append(images[place])
            second.append(images[rng.choice(places[digit])])
            same.append(answer)
    return [np.stack(first), np.stack(second)], np.array(same, "float32")


(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
count = args.samples or 10_000
x_train, x_test = (x[:count, ..., None].astype("float32") / 255 for x in (x_train, x_test))
train, same_train = make_pairs(x_train, y_train[:count], seed=1)
test, same_test = make_pairs(x_test, y_test[:count], seed=2)

eye = keras.Sequential(
    [
        layers.Input((28, 28, 1)),
        layers.Conv2D(16, 5, activation="tanh"),
        layers.AveragePooling2D(2),
        layers.Conv2D(16, 5, activation="tanh"),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(32, activation="tanh"),
    ],
    name="eye",
)
one, two = layers.Input((28, 28, 1), name="one"), layers.Input((28, 28, 1), name="two")
seen_one, seen_two = eye(one), eye(two)
difference = layers.Subtract()([seen_one, seen_two])
squares = layers.Multiply()([difference, difference])
alike = layers.Multiply()([seen_one, seen_two])
x = layers.Concatenate(axis=-1)([squares, alike])
x = layers.BatchNormalization()(x)
answer = layers.Dense(1, activation="sigmoid", name="same")(x)
model = keras.Model([one, two], answer, name="siamese")
model.summary()

model.compile(
    loss="binary_crossentropy",
    optimizer=keras.optimizers.RMSprop(0.001),
    metrics=["accuracy", keras.metrics.AUC(name="auc"), keras.metrics.Precision(name="precision")],
)
model.fit(
    train, same_train, batch_size=128, epochs=args.epochs, verbose=2,
    validation_data=(test, same_test),
)  # fmt: skip
print("test:", model.evaluate(test, same_test, verbose=0, return_dict=True))
vectors = eye.predict(x_test[:2], verbose=0)
print("distance of two digits:", round(float(np.linalg.norm(vectors[0] - vectors[1])), 3))
