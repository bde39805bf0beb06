"""What several processes gain on one network, and what they would gain on more machines.

    python benchmarks/distributed.py

With the mpiexec beside this Python, or on the path: Conv32–Conv64 at batch 256 on two pinned ranks
of one thread each against one process of two threads, in alternation; the same bits on 1 to 8
ranks, and how long a step waits for the others; what a message costs between two ranks; and what a
sample costs. From these the model of `cost.py` says how many ranks pay; what it predicts for ranks
here stands beside what was measured.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from common import HERE, machine, others, save, spread
from cost import COUNTS, predicted

BATCH, SHARDS = 256, 8
RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK")
SIZES = [1 << k for k in range(10, 25, 2)]  # bytes of a message


def main() -> None:
    import npcnn

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="processes of each contender")
    parser.add_argument("--steps", type=int, default=12, help="timed steps of a process")
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    contenders: dict[str, dict[str, Any]] = {
        "one process, 2 threads": {"ranks": 0, "threads": 2, "plain": True},
        "one process, 2 threads, 8 shards": {"ranks": 0, "threads": 2},
        "two ranks, pinned, 1 thread each": {"ranks": 2, "threads": 1},
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for repeat in range(arguments.repeats):
        for name, task in contenders.items():
            times[name].append(ask(steps=arguments.steps, **task)["seconds"])
            print(f"{repeat + 1}/{arguments.repeats}  {name:<34} {times[name][-1] * 1e3:8.1f} ms",
                  flush=True)  # fmt: skip
    race = {name: spread(values) for name, values in times.items()}
    first, last = next(iter(race)), list(race)[-1]
    ratio = race[last]["median"] / race[first]["median"]
    print(f"{last}: {ratio:.3f} times the seconds of {first}")
    result = {
        "machine": machine(2), "batch": BATCH,
        "versions": {"npcnn": npcnn.__version__, "mpi4py": version("mpi4py")},
        "race": race, "ratio": ratio,
        "message": message_cost(), "samples": {n: sample_cost(n, arguments.steps) for n in COUNTS},
    }  # fmt: skip
    result["local"] = local(result, arguments.steps, cores)
    save("distributed", result, others(parser, arguments, "repeats", "steps"))


def local(result: dict[str, Any], steps: int, cores: int) -> list[dict[str, Any]]:
    """Return seconds, bits and bytes of a step on so many ranks here, and what was predicted."""
    rows, bits = [], ask(ranks=0, threads=1, steps=steps)["bits"]
    for ranks in (1, 2, 4, 8):
        found = ask(ranks=ranks, threads=1, steps=steps)
        row = {
            "ranks": ranks, "oversubscribed": ranks > cores, "same_bits": found["bits"] == bits,
            "seconds": found["seconds"], "waited": found["waited"], "bytes": found["bytes"],
            "predicted": predicted(
                result["samples"]["conv32-conv64"], result["message"], BATCH, ranks, SHARDS, cores
            ),
        }  # fmt: skip
        rows.append(row)
        print(row, flush=True)
    return rows


def message_cost() -> dict[str, float]:
    """Return seconds a message, and seconds a byte, fitted to exchanges between two ranks."""
    rows = ask(ranks=2, threads=1, kind="messages")["messages"]
    sizes, seconds = np.array(rows).T
    # Relative errors count, or the smallest messages would say nothing.
    columns = np.stack([1 / seconds, sizes / seconds], axis=1)
    (alpha, beta), *_ = np.linalg.lstsq(columns, np.ones(len(rows)), rcond=None)
    print(f"a message between two ranks: {alpha * 1e6:.0f} µs and {1e-9 / beta:.2f} GB/s")
    return {"alpha": max(float(alpha), 0.0), "beta": max(float(beta), 0.0)}


def sample_cost(network: str, steps: int) -> dict[str, float]:
    """Return what a step costs a thread besides its samples, what a sample does, and parameters."""
    few, many = (
        ask(ranks=0, threads=1, network=network, batch=n, shards=1, steps=steps) for n in (32, 128)
    )
    slope = max((many["seconds"] - few["seconds"]) / 96, 0.0)
    fixed = max(few["seconds"] - 32 * slope, 0.0)
    print(f"{network}: {fixed * 1e3:.2f} ms a step and {slope * 1e3:.3f} ms a sample", flush=True)
    return {"step": fixed, "sample": slope, "parameters": few["parameters"]}


def ask(ranks: int, wire: dict[str, str] | None = None, **task: Any) -> dict[str, Any]:
    """Return what rank 0 answers; ranks = 0 is one process without MPI.

    `wire` is what MPI is told of how to send, in its environment.
    """
    task = {"network": "conv32-conv64", "batch": BATCH, "shards": SHARDS, "plain": False,
            "kind": "steps", "pin": ranks > 1, "gradients": None, "overlap": None,
            **task}  # fmt: skip
    command = [sys.executable, str(HERE / "distributed.py"), "--work", json.dumps(task)]
    if ranks:
        beside = Path(sys.executable).parent / "mpiexec"
        mpiexec = str(beside) if beside.exists() else shutil.which("mpiexec")
        if mpiexec is None:
            raise SystemExit('no mpiexec: python -m pip install -e ".[mpi]" mpich')
        command = [mpiexec, "-n", str(ranks), *command]
    more = {  # Open MPI: more ranks than cores, no pinning of its own, and in a container
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
        "PRTE_MCA_hwloc_default_binding_policy": "none",
        "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }  # fmt: skip
    done = subprocess.run(
        command,
        env={**os.environ, **more, **(wire or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stderr[-2000:]}")
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return json.loads(lines[-1])


def work(task: dict[str, Any]) -> None:
    """Do what `ask` asks for, as one of the ranks; rank 0 prints the answer."""
    if task["pin"]:
        rank = next((int(os.environ[name]) for name in RANKS if name in os.environ), 0)
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, [cores[rank % len(cores)]])
    import npcnn

    npcnn.set_num_threads(task["threads"])
    how = {name: task[name] for name in ("shards", "gradients", "overlap")}
    strategy = npcnn.distribution.DataParallel(timeout=120, **how)
    answer = (messages if task["kind"] == "messages" else steps)(strategy, task)
    if strategy.rank == 0:
        print(json.dumps(answer))


def messages(strategy: Any, task: dict[str, Any]) -> dict[str, Any]:
    """Return (bytes, median seconds) of exchanges between two ranks."""
    rows = []
    for size in SIZES:
        arrays = [[np.zeros(size, np.uint8)] * 2 for _ in range(2)]
        times = []
        for _ in range(30):
            start = time.perf_counter()
            strategy.ranks.exchange(*arrays)
            times.append(time.perf_counter() - start)
        rows.append((size, float(np.median(times))))
    return {"messages": rows}


def steps(strategy: Any, task: dict[str, Any]) -> dict[str, Any]:
    """Return the median seconds of a step, of its waiting, its bytes, and the weights' hash."""
    import npcnn

    model, shape = network(task["network"])
    random, n, warm = np.random.default_rng(0), task["batch"], 6
    count = n * (task.get("steps", 4) + warm)
    x = random.standard_normal((count, *shape)).astype("float32")
    labels = random.integers(0, 10, count)
    counter = Counter()

    class Clock(npcnn.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            counter.begin()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            counter.end()

    model.fit(
        x, labels, batch_size=n, epochs=1, verbose=0, callbacks=[Clock()],
        distribution=None if task["plain"] else strategy,
    )  # fmt: skip
    bits = hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest()
    seconds, waited, sent = (float(v) for v in np.median(counter.rows[warm:], axis=0))
    return {"seconds": seconds, "waited": waited, "bytes": sent, "bits": bits,
            "parameters": model.count_params()}  # fmt: skip


class Counter:
    """Counts a step's seconds, those it waits for others, and the bytes that were sent."""

    def __init__(self) -> None:
        from npcnn.distribution.aside import Aside
        from npcnn.distribution.ranks import Ranks

        self.rows: list[tuple[float, float, int]] = []
        self.waited, self.sent = 0.0, 0
        exchange, end = Ranks.exchange, Aside.end

        def counted(ranks: Any, sent: list[Any], *arguments: Any, **more: Any) -> None:
            start = time.perf_counter()
            exchange(ranks, sent, *arguments, **more)
            if not ranks.tag:  # another thread's is waited for in the end
                self.waited += time.perf_counter() - start
            self.sent += sum(array.nbytes for array in sent) * (ranks.size - 1) // ranks.size

        def ended(aside: Any) -> None:
            start = time.perf_counter()
            end(aside)
            self.waited += time.perf_counter() - start

        Ranks.exchange, Aside.end = counted, ended  # type: ignore[method-assign]

    def begin(self) -> None:
        """Begin a step."""
        self.start, self.waited, self.sent = time.perf_counter(), 0.0, 0

    def end(self) -> None:
        """End it."""
        self.rows.append((time.perf_counter() - self.start, self.waited, self.sent))


def network(name: str) -> tuple[Any, tuple[int, ...]]:
    """Return a compiled network, and what it sees."""
    import npcnn

    npcnn.set_random_seed(0)
    if name == "resnet20":
        from resnet20 import SIZE, resnet20

        return resnet20(), (SIZE, SIZE, 3)
    from networks import keras_model

    model, described = keras_model(npcnn, name)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, described.input_shape


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(json.loads(sys.argv[2]))
    else:
        main()
