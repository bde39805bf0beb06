"""Train the document's network on handwritten digits, with pictures, as the document does.

python examples/train_mnist.py                 # 25 epochs on MNIST, everything into out/
python examples/train_mnist.py --epochs 2 --min-accuracy 0.97
python examples/train_mnist.py --checkpoint run.keras --resume   # again after a kill: goes on
mpiexec -n 4 python examples/train_mnist.py --distributed --batch-size 480   # four processes
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from digits import Digits, find_digits
from document_transcript import HISTORY as DOCUMENT

from npcnn import Sequential, layers, plots, set_random_seed
from npcnn.callbacks import Callback, History, ModelCheckpoint
from npcnn.checks import FileError, NpcnnError, message
from npcnn.distribution import DataParallel
from npcnn.utils import to_categorical


def create_model() -> Sequential:
    """Return the document's network: 65,788 parameters."""
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
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


class Clock(Callback):
    """Measures the seconds of every epoch with its validation; keeps the last one's weights."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.weights: list[np.ndarray] | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Start counting, should the run go on in the middle of an epoch."""
        self.start = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Start counting."""
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Keep what the epoch took."""
        self.seconds.append(time.perf_counter() - self.start)
        self.weights = self.model.get_weights()

    def get_state(self) -> dict:
        """Return what a checkpoint keeps."""
        return {"seconds": list(self.seconds)}

    def set_state(self, state: dict) -> None:
        """Go on with the seconds of a checkpoint."""
        self.seconds = list(state["seconds"])


class Output:
    """The folder that everything goes to, and what lies in it so far; one process writes it."""

    def __init__(self, folder: str, writes: bool) -> None:
        self.folder, self.writes = Path(folder).resolve(), writes
        self.names: list[str] = []
        if not writes:
            return
        try:  # now, not after 25 epochs
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.joinpath(".writable").touch()
            self.folder.joinpath(".writable").unlink()
        except OSError as error:
            got = f"{folder} ({error.strerror})"
            fix = "name another folder"
            raise FileError(message("--out", "a folder to write in", got, fix)) from None

    def picture(self, name: str, figure: object) -> None:
        """Save a figure as a PNG file."""
        plots.save_figure(figure, self.folder / name)
        self.names.append(name)

    def model(self, name: str, model: Sequential) -> None:
        """Save a model as Keras's HDF5 file."""
        if not self.writes:
            return
        model.save(self.folder / name)
        self.names.append(name)


def train(model: Sequential, digits: Digits, options: argparse.Namespace, clock: Clock) -> bool:
    """Train with the document's settings: raw pixels 0-255; return whether it was interrupted."""
    callbacks: list[Callback] = [clock]
    if options.checkpoint:
        callbacks.append(ModelCheckpoint(options.checkpoint, save_freq=200))
    found = options.resume and options.checkpoint.exists()
    if options.resume and not found and options.first:
        print(f"No checkpoint {options.checkpoint} yet: the run starts afresh.")
    try:
        model.fit(
            digits.x_train[..., np.newaxis],
            to_categorical(digits.y_train, 10),
            batch_size=options.batch_size,
            epochs=options.epochs,
            verbose=2,
            validation_data=(digits.x_test[..., np.newaxis], to_categorical(digits.y_test, 10)),
            callbacks=callbacks,
            resume_from=options.checkpoint if found else None,
            distribution=options.strategy,
        )
    except KeyboardInterrupt:
        if clock.weights:  # not those from the middle of an epoch: table and model then agree
            model.set_weights(clock.weights)
        print(f"\nInterrupted after {len(clock.seconds)} whole epochs; keeping what there is.")
        return True
    return False


def draw_before(output: Output, digits: Digits, model: Sequential) -> None:
    """Draw the document's figures 1 and 2: the data and the network."""
    count = f"{len(digits.x_train):,} images to train on"
    sheet = plots.sample_sheet(
        digits.x_train, digits.y_train, title=f"{capitalised(digits.name)}: {count}"
    )
    output.picture("samples.png", sheet)
    title = f"The document's network: {model.count_params():,} parameters"
    output.picture("network.png", plots.network_diagram(model, title=title))
    model.summary()


def draw_after(output: Output, digits: Digits, history: History, outputs: np.ndarray) -> None:
    """Draw the document's figures 4 and 5, and what the model confuses."""
    for metric in ("accuracy", "loss") if history.epoch else ():
        figure = plots.history_curves(
            history, metric, DOCUMENT, "this run", "the document", f"Model {metric}, {digits.name}"
        )
        output.picture(f"{metric}.png", figure)
    wrong = int((outputs.argmax(axis=1) != digits.y_test).sum())
    title = f"{capitalised(digits.name)}: {wrong:,} of {len(outputs):,} test images wrong"
    output.picture("confusion.png", plots.confusion_matrix(digits.y_test, outputs, title=title))
    mistakes = plots.confident_mistakes(digits.x_test, digits.y_test, outputs, title=title)
    output.picture("mistakes.png", mistakes)


def table(
    digits: Digits, model: Sequential, history: History, clock: Clock, outputs: np.ndarray
) -> str:
    """Return what the document reports beside what this run reached."""
    run = history.history
    wrong = int((outputs.argmax(axis=1) != digits.y_test).sum())

    def last(curves: dict, name: str) -> str:
        return f"{curves[name][-1]:.4f}" if curves.get(name) else "-"

    def best(curves: dict) -> str:
        scores = curves.get("val_accuracy")
        return f"{max(scores):.4f} (epoch {scores.index(max(scores)) + 1})" if scores else "-"

    document_wrong = f"{round((1 - DOCUMENT['val_accuracy'][-1]) * 10_000)}"  # of its 10,000
    seconds = f"{np.median(clock.seconds):.1f}" if clock.seconds else "-"
    names = {
        "training loss": "loss",
        "training accuracy": "accuracy",
        "test loss": "val_loss",
        "test accuracy": "val_accuracy",
    }
    rows = [
        ("", "document", "this run"),
        ("data", "MNIST", digits.name),
        ("images to train on, to test with", "60,000, 10,000", counts(digits)),
        ("parameters", "65,788", f"{model.count_params():,}"),
        ("epochs", str(len(DOCUMENT["loss"])), str(len(history.epoch))),
        *((label, last(DOCUMENT, name), last(run, name)) for label, name in names.items()),
        ("best test accuracy", best(DOCUMENT), best(run)),
        ("test images wrong at the end", document_wrong, f"{wrong:,}"),
        ("seconds an epoch (median)", f"{np.median(DOCUMENT['seconds']):.0f}", seconds),
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in [lines[0], "-" * len(lines[0]), *lines[1:]])


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def counts(digits: Digits) -> str:
    return f"{len(digits.x_train):,}, {len(digits.x_test):,}"


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--data", help="folder with MNIST's four IDX files (default: found, or fetched once)")
    add("--epochs", type=whole(1), default=25, help="default: 25")
    add("--batch-size", type=whole(1), default=60, help="default: 60")
    add("--seed", type=whole(0), default=0, help="of weights, order and dropout (default: 0)")
    add("--out", default="out", help="folder for pictures and model (default: out)")
    add("--min-accuracy", type=share, default=0.0, help="exit with 1 if the test accuracy is below")
    add("--checkpoint", type=Path, help="a .keras file to save the run to, every 200 steps")
    add("--resume", action="store_true", help="go on from --checkpoint if it is there")
    add("--distributed", action="store_true", help="under mpiexec: all processes train one model")
    options = parser.parse_args(arguments)
    if options.resume and not options.checkpoint:
        parser.error("--resume needs --checkpoint, the file to go on from")
    return options


def whole(least: int):
    def convert(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least} on, got {text}")
        return int(text)

    return convert


def share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text}")
    return value


def run(options: argparse.Namespace) -> int:
    options.strategy = DataParallel() if options.distributed else None
    options.first = options.strategy is None or options.strategy.rank == 0
    output = Output(options.out, options.first)
    digits = find_digits(options.data)
    if options.first:
        print(f"{digits.name}: {counts(digits)} images to train on and to test with")
    set_random_seed(options.seed)
    model, clock = create_model(), Clock()
    if options.first:
        draw_before(output, digits, model)
    interrupted = train(model, digits, options, clock)
    output.model("model.h5", model)
    history = model.history or History()
    outputs = model.predict(
        digits.x_test[..., np.newaxis], batch_size=500, verbose=0, distribution=options.strategy
    )
    if options.first:
        draw_after(output, digits, history, outputs)
        print(f"\n{table(digits, model, history, clock, outputs)}\n")
        print(f"Everything lies in {output.folder}: {', '.join(output.names)}", flush=True)
    accuracy = float((outputs.argmax(axis=1) == digits.y_test).mean())
    if accuracy < options.min_accuracy:
        text = f"test accuracy {accuracy:.4f} is below --min-accuracy {options.min_accuracy}"
        print(f"train_mnist.py: {text}", file=sys.stderr)
        return 1
    return 130 if interrupted else 0


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        return run(options)
    except NpcnnError as error:
        print(f"train_mnist.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"train_mnist.py: interrupted; {options.out} holds what was written", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
