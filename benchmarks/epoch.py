"""One training epoch of the document's network, batch 60: all contenders in alternation.

    python benchmarks/epoch.py --repeats 5
    python benchmarks/epoch.py --repeats 3 --busy

With --busy, another program holds one of the cores all the while, and the answer goes into
results/epoch_busy.json. PyTorch gets its pictures as floats already in memory and counts no
metrics; npcnn and Keras go through `fit`, with accuracy. Validation is left out for all.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from common import ask, installed, machine, others, save, spread
from contenders import CONTENDERS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--batch-size", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5, help="processes of each contender")
    parser.add_argument("--contenders", nargs="+", default=list(CONTENDERS), choices=CONTENDERS)
    parser.add_argument("--busy", action="store_true", help="beside a program that holds a core")
    arguments = parser.parse_args()
    other = others(parser, arguments, "threads", "repeats", "busy")
    with busy_core() if arguments.busy else nullcontext():
        result = race(arguments)
    if missing := [name for name in arguments.contenders if name not in result["seconds"]]:
        other["without"] = missing
    save("epoch_busy" if arguments.busy else "epoch", result, other)


@contextmanager
def busy_core() -> Iterator[None]:
    """Let a process turn in a loop on the first core this process may use (Linux)."""
    core = min(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, [{core}])\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def race(arguments: argparse.Namespace) -> dict[str, Any]:
    """Ask all contenders in alternation; print and return what they say."""
    names = installed(arguments.contenders)
    times: dict[str, list[float]] = {name: [] for name in names}
    versions: dict[str, str] = {}
    question = ["epoch", arguments.samples, arguments.batch_size]
    for repeat in range(arguments.repeats):
        for name in names:
            if name == "npcnn-numpy" and repeat:
                continue  # tens of seconds; its spread says nothing new
            answer = ask(name, "document", [question], arguments.threads)
            took = next(v for k, v in answer.items() if k.startswith("["))
            times[name].append(took)
            versions |= answer["versions"]
            print(
                f"{repeat + 1}/{arguments.repeats}  {CONTENDERS[name]:<42} {took:7.2f} s",
                flush=True,
            )
    result = {
        "machine": machine(arguments.threads),
        "versions": versions,
        "samples": arguments.samples,
        "batch_size": arguments.batch_size,
        "seconds": {name: spread(values) for name, values in times.items()},
    }
    if "npcnn" in times:
        own = result["seconds"]["npcnn"]["median"]
        for name, value in result["seconds"].items():
            print(
                f"{CONTENDERS[name]:<42} {value['median']:7.2f} s  {value['median'] / own:6.2f} ×"
            )
    return result


if __name__ == "__main__":
    main()
