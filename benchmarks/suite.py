"""The whole suite, again and again, beside a program that holds one core.

    python benchmarks/suite.py --passes 20

A test that depends on time or luck fails once in many runs, and sooner on a busy machine. Each pass
adds a line to benchmarks/results/suite.jsonl: what was tested, how long it took, what failed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from common import HERE, RESULTS, machine

BUSY = "while True: pass"
COUNTED = ("passed", "skipped", "failed", "errors")


@contextlib.contextmanager
def beside(programs: int) -> Iterator[None]:
    """Let so many programs hold a core each, for as long as the block lasts."""
    started = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(programs)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def told(printed: str) -> dict[str, Any]:
    """Return pytest's closing counts and the tests that it names as failed."""
    last = [line for line in printed.splitlines() if re.search(r"\d+ (passed|failed|error)", line)]
    counts = dict.fromkeys(COUNTED, 0)
    for number, word in re.findall(r"(\d+) (passed|skipped|failed|errors?)", (last or [""])[-1]):
        counts["errors" if word == "error" else word] = int(number)
    return {**counts, "named": re.findall(r"^(?:FAILED|ERROR) (\S+)", printed, re.MULTILINE)}


def one_pass(options: list[str]) -> dict[str, Any]:
    """Run the README's test command once; what is kept for the next run, pass after pass, is."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=HERE.parent, capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    seconds = round(time.perf_counter() - start)
    load = round(os.getloadavg()[2], 1)  # programs that wanted a core, over the last 15 minutes
    return {"green": done.returncode == 0, "seconds": seconds, "load": load, **told(done.stdout)}


def commit() -> str:
    """Return the commit under test; with a plus if a file of it was changed."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(HERE.parent), *words], capture_output=True, text=True
        )
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", ":!benchmarks/results")
    return git("rev-parse", "--short", "HEAD") + "+" * bool(changed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passes", type=int, default=20)
    parser.add_argument("--busy", type=int, default=1, help="programs that hold a core each")
    parser.add_argument("--at-once", type=int, default=1, help="passes beside each other")
    parser.add_argument("--to", type=Path, default=RESULTS / "suite.jsonl")
    arguments, options = parser.parse_known_args()
    peers = [name for name in ("jax", "torch", "tensorflow") if importlib.util.find_spec(name)]
    green = 0
    with beside(arguments.busy), ThreadPoolExecutor(arguments.at_once) as pool:
        passes = [pool.submit(one_pass, options) for _ in range(arguments.passes)]
        for done in as_completed(passes):
            row = {"commit": commit(), "busy": arguments.busy, "at_once": arguments.at_once,
                   "peers": peers, "options": options, "machine": machine(2)["cpu"],
                   **done.result()}  # fmt: skip
            green += row["green"]
            print(json.dumps(row), flush=True)
            with arguments.to.open("a") as file:
                file.write(json.dumps(row) + "\n")
    print(f"{green} of {arguments.passes} passes without a failure")
    sys.exit(green < arguments.passes)


if __name__ == "__main__":
    main()
