"""A run that ranks may share: python distributed_program.py OPTIONS as JSON."""

import hashlib
import json
import os
import signal
import sys
import threading
import time

import numpy as np

import npcnn
from npcnn import layers
from npcnn.callbacks import Callback, CSVLogger, ModelCheckpoint
from npcnn.distribution import DataParallel
from npcnn.distribution.ranks import Ranks
from npcnn.preprocessing.picture_dataset import PictureDataset

OPTIONS = {
    "epochs": 2, "batch": 24, "seed": 3, "checkpoint": None, "resume": False, "die": None,
    "stop": None, "other": None, "shards": 8, "timeout": 25.0, "distributed": True, "csv": False,
    "synchronized": False, "raise": None, "gradients": None,
    "kinds": [0, 1, 2, 3], "folder": False, "overlap": None,
}  # fmt: skip
# The last batch has 2 samples: of 3 ranks one has none.
TOGETHER = {"synchronized": True, "gradients": "bfloat16", "batch": 26}
FILES = {"folder": True, "epochs": 1, "overlap": True}
EARLY = {"gradients": "bfloat16", "batch": 26, "overlap": True}


class At(Callback):
    """In one rank, at the end of a step (rank, step): dies, stops for ever, or raises."""

    def __init__(self, place, rank, act):
        self.place, self.rank, self.act, self.steps = place, rank, act, 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.place == [self.rank, self.steps]:
            self.act()


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def lose_patience():
    """From now on wait for a second; a slow start is over, and the other rank stays as it is."""
    Ranks.timeout = property(lambda ranks: 1.0)


def fail():
    raise ValueError("a callback's own")


def network(synchronized, classes=4):
    """Return a network with all that could differ from shard to shard.

    Args:
        synchronized: whether nothing does; then a layer is called twice, too.
        classes: how many outputs.
    """
    normalise = layers.BatchNormalization(synchronized=synchronized)
    x = seen = layers.Input((8, 8, 1))
    for layer in (
        layers.RandomFlip("horizontal"), layers.RandomCrop(7, 7),
        layers.RandomBrightness(0.1, (-5, 5)),
        layers.Conv2D(3, 3, activation="relu", kernel_regularizer="l2"), normalise,
        *([layers.ReLU(activity_regularizer="l2"), normalise] if synchronized else []),
        layers.GaussianNoise(0.1), layers.SpatialDropout2D(0.1), layers.Dropout(0.3),
        layers.Flatten(), layers.Dense(classes, activation="softmax"),
    ):  # fmt: skip
        x = layer(x)
    model = npcnn.Model(seen, x)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def data():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(107, 8, 8, 1)).astype("float32"), rng.integers(0, 4, 107)
    return x, y


def train(options, strategy):
    """Return a hash of all that came of it."""
    rank = 0 if strategy is None else strategy.rank
    x, y = data()
    if options["other"] == ["data", rank]:
        x[0] += 1
    seed = options["seed"] + (options["other"] == ["seed", rank])
    npcnn.set_random_seed(seed)
    if options["other"] == ["version", rank]:
        npcnn.__version__ = "0"
    model = network(options["synchronized"], 5 if options["other"] == ["network", rank] else 4)
    if options["other"] == ["weights", rank]:
        model.layers[-1].bias[0] = 1
    callbacks = [
        At(options[name], rank, act)
        for name, act in (("die", die), ("stop", lambda: time.sleep(600)), ("raise", fail))
    ]
    if options["stop"]:
        callbacks.append(At([0, options["stop"][1] - 1], rank, lose_patience))
    if options["checkpoint"]:
        callbacks.append(ModelCheckpoint(options["checkpoint"], save_freq=2))
    if options["csv"]:
        callbacks.append(CSVLogger("log.csv"))
    if options["folder"]:
        return learn_from_files(model, x, y, strategy)
    found = options["resume"] and os.path.exists(options["checkpoint"] or "")
    history = model.fit(
        x[:80], y[:80], batch_size=options["batch"], epochs=options["epochs"], verbose=2,
        validation_data=(x[80:], y[80:]), callbacks=callbacks, distribution=strategy,
        augmenter=npcnn.datasets.Augmenter(shift=1.0),
        resume_from=options["checkpoint"] if found else None,
    )  # fmt: skip
    scores = model.evaluate(x, y, verbose=0, distribution=strategy)
    outputs = model.predict(x, verbose=0, distribution=strategy)
    return hashed(model, history.history, scores, outputs), history.history, model


def learn_from_files(model, x, y, strategy):
    """Return a hash of what came of samples that are read one by one, of each rank's own."""
    reads = []

    def read(path):
        reads.append(path)
        return x[int(path)]

    files = PictureDataset(list(map(str, range(len(x)))), y, 26, read, seed=1)
    fit = {"verbose": 2, "validation_data": files.take(2), "distribution": strategy}
    history = model.fit(files.map(lambda x, y: (x, y)).take(1), epochs=1, **fit).history
    assert len(reads) >= 26  # what a function makes of batches hangs on all of them
    reads.clear()
    history |= model.fit(files, epochs=1, **fit).history
    scores = model.evaluate(files, verbose=0, distribution=strategy)
    outputs = model.predict(files, verbose=0, distribution=strategy)
    assert len(reads) <= (3 * 107 + 2 * 26) / strategy.size + 60  # first batches, and rounding
    return hashed(model, history, scores, outputs), history, model


def hashed(model, *found):
    whole = hashlib.sha256(repr(found[:-1]).encode())
    for array in [*model.get_weights(), found[-1]]:
        whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()


def all_of(options):
    """Return what a run with each shard's own statistics found, one with the batch's, one that
    reads files, and one whose last layer's gradients go early.
    """
    found = []
    for kind in options["kinds"]:
        chosen = options | [{}, TOGETHER, FILES, EARLY][kind]
        names = ("shards", "timeout", "gradients", "overlap")
        strategy = DataParallel(**{name: chosen[name] for name in names})
        found.append(train(chosen, strategy)[0])
    return f"rank {strategy.rank} of {strategy.size}: {' '.join(found)}"


def begun_early():
    """Let the rest of a step that is played wait for an early sum to have begun; return a list.

    It gets an entry whenever that has happened. For a process of its own.
    """
    from npcnn.kernels.run.notes import Notes

    found = []
    play, exchange, sending = Notes.play, Ranks.exchange, threading.Event()

    def whole(ranks, *about, **more):
        if ranks.tag:
            sending.set()
        exchange(ranks, *about, **more)

    def part(notes, first=0, last=None):
        if first:
            assert sending.wait(500), "the rest is about to be played, and nothing is sent"
            found.append(first)
            sending.clear()
        play(notes, first, last)

    Ranks.exchange, Notes.play = whole, part
    return found


if __name__ == "__main__":
    begun = begun_early() if npcnn.get_backend() == "numba" else []
    print(all_of(OPTIONS | json.loads(sys.argv[1])))
    print(f"early: {len(begun)}")
