"""A sweep in a process of its own: python sweep_program.py BACKEND N_JOBS FOLDER [DIE_AFTER]."""

import os
import signal
import sys

import numpy as np

import npcnn
from npcnn import layers
from npcnn.sweeping.kept import Kept

SETTINGS = [{"units": 2}, {"units": 3, "rate": 0.5}, {"units": 3, "batch_size": 20, "epochs": 2}]
SEEDS = [0, 1, 2, 3]


class Threads(npcnn.callbacks.Callback):
    """Adds the number of threads to what an epoch reports."""

    def on_epoch_end(self, epoch, logs=None):
        logs["threads"] = npcnn.get_num_threads()


def build(units, rate=0.0):
    model = npcnn.Sequential([npcnn.Input((4,)), layers.Dense(units, "relu")])
    model.add(layers.Dropout(rate))
    model.add(layers.Dense(3, "softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def data():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 4)).astype("float32"), rng.integers(0, 3, 80)
    return (x[:60], y[:60]), (x[60:], y[60:])


def swept(**more):
    return npcnn.sweep(build, data(), SETTINGS, SEEDS, epochs=3, callbacks=[Threads()], **more)


def die_after(count):
    """Let the process be killed as the disk has taken so many runs."""
    whole, kept = Kept.keep, []

    def keep(self, key, run):
        whole(self, key, run)
        kept.append(key)
        if len(kept) == count:
            os.kill(os.getpid(), signal.SIGKILL)

    Kept.keep = keep


if __name__ == "__main__":
    backend, jobs, folder, *count = sys.argv[1:]
    npcnn.set_num_threads(2)
    if count:
        die_after(int(count[0]))
    client = None
    if backend == "dask":
        from distributed import Client

        # Any port: asked for none, Dask takes 8787, and warns where another cluster has it.
        client = Client(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0")
    table = swept(backend=backend, n_jobs=int(jobs), folder=folder, verbose=2)
    print(table)
    print({count for run in table.runs for count in run.history["threads"]})
    print([[run.history["loss"], run.history["val_accuracy"]] for run in table.runs])
    if client is not None:
        client.close()
