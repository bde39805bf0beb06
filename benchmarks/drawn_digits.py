"""How well does the document's network read real digits when it has only seen drawn ones?

Trains it on ``draw_digits(n, seed)`` with the document's settings (raw 0-255 pixels, batch 60,
Adam, dropout 0.5) and prints its accuracy on MNIST's test images after every epoch. The result
goes to ``benchmarks/results/drawn_digits.json``.

    python benchmarks/drawn_digits.py --n 20000 --epochs 25
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

import npcnn
from npcnn import Sequential, layers
from npcnn.datasets import draw_digits, load_mnist

RESULT = Path(__file__).parent / "results" / "drawn_digits.json"


def document_network() -> Sequential:
    model = Sequential()
    model.add(layers.Conv2D(5, (3, 3), activation="relu", input_shape=(28, 28, 1), padding="same"))
    model.add(layers.Conv2D(5, (3, 3), activation="relu", padding="same"))
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.Conv2D(10, (3, 3), activation="relu", padding="same"))
    model.add(layers.Conv2D(10, (3, 3), activation="relu", padding="same"))
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10, activation="softmax"))
    return model


def drawing_rate(n: int, seed: int) -> float:
    draw_digits(100, seed)  # the table of strokes is made by the first call
    start = time.perf_counter()
    draw_digits(n, seed)
    return n / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=20_000, help="drawn digits to train on")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", default=None, help="folder with MNIST's four files")
    options = parser.parse_args()

    rate = drawing_rate(min(options.n, 5000), options.seed)
    print(f"{rate:,.0f} digits drawn a second")
    x_train, y_train = draw_digits(options.n, options.seed)
    _, (x_test, y_test) = load_mnist(options.data)
    npcnn.set_random_seed(options.seed)
    model = document_network()
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x_train[..., None],
        np.eye(10, dtype=np.float32)[y_train],
        batch_size=60,
        epochs=options.epochs,
        verbose=2,
        validation_data=(x_test[..., None], np.eye(10, dtype=np.float32)[y_test]),
    )
    wrong = model.predict(x_test[..., None], verbose=0).argmax(axis=1) != y_test
    accuracy = round(float(1 - wrong.mean()), 4)
    result = {
        "drawn digits": options.n,
        "seed": options.seed,
        "epochs": options.epochs,
        "digits drawn a second": round(rate),
        "accuracy on MNIST's test images": accuracy,
        "accuracy after each epoch": [round(float(v), 4) for v in history.history["val_accuracy"]],
        "accuracy on each digit": [
            round(float(1 - wrong[y_test == digit].mean()), 4) for digit in range(10)
        ],
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(f"{accuracy:.2%} of MNIST's test images read; see {RESULT}")


if __name__ == "__main__":
    main()
