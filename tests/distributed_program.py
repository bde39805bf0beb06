"""A run that ranks may share: python distributed_program.py OPTIONS as JSON."""

import hashlib
import json
import os
import signal
import sys
import time

import numpy as np

import npcnn
from npcnn import layers
from npcnn.callbacks import Callback, CSVLogger, ModelCheckpoint
from npcnn.distribution import DataParallel

OPTIONS = {
    "epochs": 2, "batch": 24, "seed": 3, "checkpoint": None, "resume": False, "die": None,
    "stop": None, "other": None, "shards": 8, "timeout": 25.0, "distributed": True, "csv": False,
    "plain": False, "raise": None,
}  # fmt: skip


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


def fail():
    raise ValueError("a callback's own")


def network(plain):
    """Return a network with all that differs from shard to shard, or with none of that."""
    model = npcnn.Sequential([layers.Input((8, 8, 1))])
    if not plain:
        model.add(layers.RandomFlip("horizontal"))
    model.add(layers.Conv2D(3, 3, activation="relu", kernel_regularizer="l2"))
    if not plain:
        model.add(layers.BatchNormalization())
        model.add(layers.Dropout(0.3))
    model.add(layers.Flatten())
    model.add(layers.Dense(4, activation="softmax"))
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
    model = network(options["plain"])
    if options["other"] == ["weights", rank]:
        model.layers[-1].bias[0] = 1
    callbacks = [
        At(options[name], rank, act)
        for name, act in (("die", die), ("stop", lambda: time.sleep(600)), ("raise", fail))
    ]
    if options["checkpoint"]:
        callbacks.append(ModelCheckpoint(options["checkpoint"], save_freq=2))
    if options["csv"]:
        callbacks.append(CSVLogger("log.csv"))
    found = options["resume"] and os.path.exists(options["checkpoint"] or "")
    history = model.fit(
        x[:80], y[:80], batch_size=options["batch"], epochs=options["epochs"], verbose=2,
        validation_data=(x[80:], y[80:]), callbacks=callbacks, distribution=strategy,
        augmenter=None if options["plain"] else npcnn.datasets.Augmenter(shift=1.0),
        resume_from=options["checkpoint"] if found else None,
    )  # fmt: skip
    scores = model.evaluate(x, y, verbose=0, distribution=strategy)
    outputs = model.predict(x, verbose=0, distribution=strategy)
    whole = hashlib.sha256(repr((history.history, scores)).encode())
    for array in [*model.get_weights(), outputs]:
        whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest(), history.history, model


if __name__ == "__main__":
    options = OPTIONS | json.loads(sys.argv[1])
    strategy = DataParallel(options["shards"], timeout=options["timeout"])
    print(f"rank {strategy.rank} of {strategy.size}: {train(options, strategy)[0]}")
