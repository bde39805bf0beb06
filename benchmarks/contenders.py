"""One contender in a process of its own: builds a network, does a task, prints what it took.

Run by the other scripts as ``python benchmarks/contenders.py '{"contender": …}'``; the answer is
one line of JSON on standard output. Data are random bytes shaped like the network's input: how
fast a step is does not depend on what the pictures show.
"""

from __future__ import annotations

import functools
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

CONTENDERS = {
    "npcnn": "npcnn (Numba)",
    "npcnn-numpy": "npcnn (NumPy reference)",
    "torch-fast": "PyTorch eager, channels_last, fused Adam",
    "torch": "PyTorch eager, default",
    "keras": "Keras on TensorFlow",
}


def main() -> None:
    task = json.loads(sys.argv[1])
    start = time.perf_counter()
    contender = make(task["contender"], task["network"], task.get("threads", 2))
    results = {"build": time.perf_counter() - start}
    for question in task["questions"]:
        name, arguments = question[0], question[1:]
        results[json.dumps(question)] = QUESTIONS[name](contender, *arguments)
    results["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    results["versions"] = contender.versions()
    print(json.dumps(results))


def make(name: str, network: str, threads: int) -> Any:
    """Return the contender, its framework imported and held to the given threads."""
    if name.startswith("npcnn"):
        return Npcnn(network, threads, "numpy" if name.endswith("numpy") else "numba")
    if name.startswith("torch"):
        return Torch(network, threads, fast=name == "torch-fast")
    return Keras(network, threads)


class Npcnn:
    """npcnn with one of its two backends."""

    def __init__(self, network: str, threads: int, backend: str) -> None:
        from networks import keras_model

        import npcnn

        npcnn.use_backend(backend)
        if backend == "numba":
            npcnn.set_num_threads(threads)
        npcnn.set_random_seed(0)
        self.backend = backend
        self.model, self.network = keras_model(npcnn, network)

    def train(self, x: np.ndarray, labels: np.ndarray) -> Callable[[], Any]:
        """Return a function that takes one training step on one batch."""
        from npcnn.on_batch import _train
        from npcnn.repeated import Repeated

        model, batch = self.model, x.astype("float32")
        rows = np.eye(self.network.classes, dtype="float32")[labels]
        model.train_on_batch(x, rows)
        weights, scores = np.ones(len(x), "float32"), model.scores()
        repeated = Repeated(model, functools.partial(_train, model), learns=True)

        def step() -> None:
            model.optimizer.prepare()
            losses, outputs = repeated.current()(batch, rows, weights)
            scores.update([losses], [rows], [outputs], [weights])

        return step

    def infer(self, x: np.ndarray) -> Callable[[], Any]:
        """Return a function that predicts one batch."""
        batch = x.astype("float32")
        return lambda: self.model(batch)

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Return the answers."""
        return self.model(x.astype("float32"))

    def epoch(self, x: np.ndarray, labels: np.ndarray, batch_size: int) -> float:
        """Return the seconds of one epoch, after one to warm up."""
        rows = np.eye(self.network.classes, dtype="float32")[labels]
        warm = min(len(x), 20 * batch_size)
        self.model.fit(x[:warm], rows[:warm], batch_size=batch_size, verbose=0)
        return seconds(lambda: self.model.fit(x, rows, batch_size=batch_size, verbose=0))

    def versions(self) -> dict[str, str]:
        """Return what was measured."""
        import numba

        import npcnn

        return {"npcnn": npcnn.__version__, "numpy": np.__version__, "numba": numba.__version__}


class Torch:
    """PyTorch in eager mode: in its fastest form, or as it comes."""

    def __init__(self, network: str, threads: int, fast: bool) -> None:
        import torch
        from networks import torch_model

        torch.set_num_threads(threads)
        torch.manual_seed(0)
        self.torch, self.fast = torch, fast
        self.module, (optimizer, settings), self.network = torch_model(network)
        if fast:
            self.module = self.module.to(memory_format=torch.channels_last)
        make_optimizer = getattr(torch.optim, optimizer)
        self.optimizer = make_optimizer(self.module.parameters(), fused=fast, **settings)
        self.loss = torch.nn.CrossEntropyLoss()

    def images(self, x: np.ndarray) -> Any:
        """Return the images as the float tensor that the module is fastest on."""
        if x.ndim != 4:
            return self.torch.from_numpy(x.astype("float32"))
        tensor = self.torch.from_numpy(x.astype("float32").transpose(0, 3, 1, 2).copy())
        return tensor.contiguous(memory_format=self.torch.channels_last) if self.fast else tensor

    def step(self, x: Any, y: Any) -> None:
        """Take one training step."""
        self.optimizer.zero_grad()
        self.loss(self.module(x), y).backward()
        self.optimizer.step()

    def train(self, x: np.ndarray, labels: np.ndarray) -> Callable[[], Any]:
        """Return a function that takes one training step on one batch."""
        self.module.train()
        batch, y = self.images(x), self.torch.from_numpy(labels.astype("int64"))
        return lambda: self.step(batch, y)

    def infer(self, x: np.ndarray) -> Callable[[], Any]:
        """Return a function that predicts one batch."""
        self.module.eval()
        batch = self.images(x)

        def run() -> None:
            with self.torch.inference_mode():
                self.module(batch)

        return run

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Return the answers."""
        self.module.eval()
        with self.torch.inference_mode():
            return self.torch.softmax(self.module(self.images(x)), dim=-1).numpy()

    def epoch(self, x: np.ndarray, labels: np.ndarray, batch_size: int) -> float:
        """Return the seconds of one epoch over floats already in memory, without metrics."""
        self.module.train()
        images, y = self.images(x), self.torch.from_numpy(labels.astype("int64"))

        def run(n: int) -> None:
            order = self.torch.randperm(n)
            for start in range(0, n, batch_size):
                index = order[start : start + batch_size]
                self.step(images[index], y[index])

        run(min(len(x), 20 * batch_size))
        return seconds(lambda: run(len(x)))

    def versions(self) -> dict[str, str]:
        """Return what was measured."""
        return {"torch": self.torch.__version__}


class Keras:
    """Keras on TensorFlow, through `fit`, `train_on_batch` and a traced call."""

    def __init__(self, network: str, threads: int) -> None:
        os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
        import keras
        from networks import keras_model

        self.tensorflow, self.keras = tensorflow, keras
        keras.utils.set_random_seed(0)
        self.model, self.network = keras_model(keras, network)

    def train(self, x: np.ndarray, labels: np.ndarray) -> Callable[[], Any]:
        """Return a function that takes one training step on one batch."""
        rows = self.keras.utils.to_categorical(labels, self.network.classes)
        batch = x.astype("float32")
        return lambda: self.model.train_on_batch(batch, rows)

    def infer(self, x: np.ndarray) -> Callable[[], Any]:
        """Return a function that predicts one batch, through a compiled graph."""
        traced = self.tensorflow.function(lambda batch: self.model(batch, training=False))
        batch = self.tensorflow.constant(x.astype("float32"))
        return lambda: traced(batch).numpy()

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Return the answers."""
        return self.model(x.astype("float32"), training=False).numpy()

    def epoch(self, x: np.ndarray, labels: np.ndarray, batch_size: int) -> float:
        """Return the seconds of one epoch, after a short one to compile and warm up."""
        rows = self.keras.utils.to_categorical(labels, self.network.classes)
        warm = min(len(x), 20 * batch_size)
        self.model.fit(x[:warm], rows[:warm], batch_size=batch_size, verbose=0)
        return seconds(lambda: self.model.fit(x, rows, batch_size=batch_size, verbose=0))

    def versions(self) -> dict[str, str]:
        """Return what was measured."""
        return {"keras": self.keras.__version__, "tensorflow": self.tensorflow.__version__}


def seconds(run: Callable[[], Any]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def typical(run: Callable[[], Any], budget: float) -> float:
    """Return the median seconds of a call, over as many as fit the budget, after warming up."""
    end = time.perf_counter() + budget / 3
    run()
    while time.perf_counter() < end:
        run()
    times = []
    end = time.perf_counter() + budget
    while time.perf_counter() < end or len(times) < 5:
        times.append(seconds(run))
    return float(np.median(times))


def pictures(contender: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n random pictures of the network's input shape, as bytes, and labels."""
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (n, *contender.network.input_shape), np.uint8)
    return x, random.integers(0, contender.network.classes, n)


def train_question(contender: Any, batch: int, budget: float) -> float:
    """Answer ["train", batch, budget]: median seconds of a training step."""
    return typical(contender.train(*pictures(contender, batch)), budget)


def infer_question(contender: Any, batch: int, budget: float) -> float:
    """Answer ["infer", batch, budget]: median seconds of a forward pass."""
    return typical(contender.infer(pictures(contender, batch)[0]), budget)


def answers_question(contender: Any, samples: int) -> list[list[float]]:
    """Answer ["answers", samples]: the probabilities of each class."""
    return np.asarray(contender.probabilities(pictures(contender, samples)[0])).tolist()


def epoch_question(contender: Any, samples: int, batch: int) -> float:
    """Answer ["epoch", samples, batch]: seconds of one epoch."""
    return contender.epoch(*pictures(contender, samples), batch)


QUESTIONS = {"train": train_question, "infer": infer_question, "epoch": epoch_question,
             "answers": answers_question}  # fmt: skip

if __name__ == "__main__":
    main()
