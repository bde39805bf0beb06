"""Start and footprint: import, first training step cold and warm, peak memory, installed size.

    python benchmarks/startup.py --data FOLDER_WITH_MNIST

Every figure is taken from the start of a new process. "cold" means that no compiled kernel is
cached (a new cache folder), "warm" that an earlier process left its kernels there. Python's
bytecode lies on disk in both, as an installation leaves it.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import HERE, installed, machine, others, save, spread

IMPORT = "import time; t = time.perf_counter(); import {0}; print(time.perf_counter() - t)"

FIRST_STEP = """
import sys; sys.path.insert(0, {here!r})
from contenders import make, pictures
contender = make({name!r}, "document", 2)
contender.train(*pictures(contender, 60))()
"""

WHOLE_RUN = """
import resource
import npcnn
from npcnn import layers
import sys; sys.path.insert(0, {here!r})
from networks import NETWORKS, keras_like
(x, y), (x_test, y_test) = npcnn.datasets.load_mnist({data!r})
assert len(x) == 60_000, f"the table is of the whole MNIST, not of {{len(x)}} images"
x, x_test = x.reshape(-1, 28, 28, 1), x_test.reshape(-1, 28, 28, 1)
y, y_test = npcnn.utils.to_categorical(y), npcnn.utils.to_categorical(y_test)
model = keras_like(npcnn, NETWORKS["document"])
for epoch in range({epochs}):
    model.fit(x, y, batch_size=60, epochs=epoch + 1, initial_epoch=epoch, verbose=0,
              validation_data=(x_test, y_test))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""

PACKAGES = {"npcnn": ["npcnn"], "torch": ["torch"], "keras": ["tensorflow", "tensorflow-cpu"]}


def run(code: str, **environment: str) -> tuple[float, str]:
    """Return the seconds from start to end of a process that runs the code, and what it printed."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "2", "PYTHONDONTWRITEBYTECODE": "", **environment},
    )  # fmt: skip
    took = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return took, done.stdout


def first_steps(name: str, repeats: int) -> dict[str, dict[str, float]]:
    """Return the spread of the first step's time, from process start, cold and warm."""
    cold, warm = [], []
    code = FIRST_STEP.format(here=str(HERE), name=name)
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(run(code, NUMBA_CACHE_DIR=cache)[0])
            warm.append(run(code, NUMBA_CACHE_DIR=cache)[0])
    return {"cold": spread(cold), "warm": spread(warm)}


def peak_memory(data: str, epochs: int) -> dict[str, float]:
    """Return a whole run's peak in MB, cold and warm: what compiles stays in memory after it."""
    code = WHOLE_RUN.format(here=str(HERE), data=data, epochs=epochs)
    with tempfile.TemporaryDirectory() as cache:
        return {start: round(float(run(code, NUMBA_CACHE_DIR=cache)[1]), 1)
                for start in ("cold", "warm")}  # fmt: skip


def installed_mb(package: str) -> float | None:
    """Return the megabytes on disk of a package and all that it requires; None if absent."""
    done: set[str] = set()
    todo, total = [package], 0
    while todo:
        name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if name in done:
            continue
        done.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            if name == package:
                return None
            continue
        for file in distribution.files or []:
            path = Path(str(file.locate()))
            if path.suffix != ".pyc" and path.is_file():
                total += path.stat().st_size
        for requirement in distribution.requires or []:
            if "extra ==" not in requirement:
                todo.append(re.split(r"[\s;<>=!~\[(]", requirement)[0])
    return total / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder with MNIST's IDX files")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3, help="of the run whose memory is measured")
    arguments = parser.parse_args()
    other = others(parser, arguments, "data", "repeats")
    contenders = ["npcnn", "torch-fast", "keras"]
    names = installed(contenders)
    if names != contenders:
        other["without"] = [name for name in contenders if name not in names]
    result: dict = {"machine": machine(2), "import": {}, "first_step": {}, "installed_mb": {}}
    modules = {"npcnn": "npcnn", "torch-fast": "torch", "keras": "keras"}
    for name in names:
        run(f"import {modules[name]}", KERAS_BACKEND="tensorflow")  # writes the bytecode
        imports = [float(run(IMPORT.format(modules[name]), KERAS_BACKEND="tensorflow")[1])
                   for _ in range(arguments.repeats)]  # fmt: skip
        result["import"][name] = spread(imports)
        result["first_step"][name] = first_steps(name, arguments.repeats)
        print(name, result["import"][name], result["first_step"][name], flush=True)
    for name, packages in PACKAGES.items():
        sizes = [size for size in map(installed_mb, packages) if size is not None]
        if sizes:
            result["installed_mb"][name] = round(sizes[0], 1)
    print(result["installed_mb"])
    result["peak_mb"] = peak_memory(arguments.data, arguments.epochs)
    print("peak memory, MB:", result["peak_mb"])
    save("startup", result, other)


if __name__ == "__main__":
    main()
