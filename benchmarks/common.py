"""What the benchmark scripts share: processes in alternation, medians, the machine, results."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
NEEDS = {"torch": "torch", "torch-fast": "torch", "keras": "tensorflow"}


def installed(contenders: list[str]) -> list[str]:
    """Return the contenders whose framework is there; name the others."""
    here = []
    for name in contenders:
        if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
            print(f"{name}: left out, {NEEDS[name]} is not installed")
        else:
            here.append(name)
    return here


def ask(contender: str, network: str, questions: list[list[Any]], threads: int = 2) -> dict:
    """Return one contender's answers, from a process of its own."""
    task = {"contender": contender, "network": network, "questions": questions, "threads": threads}
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, str(HERE / "contenders.py"), json.dumps(task)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{contender} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def spread(values: list[float]) -> dict[str, float]:
    """Return median, smallest and largest."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def machine(threads: int) -> dict[str, Any]:
    """Return what a reader must know of the machine."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "threads": threads,
        "system": platform.system(),
        "python": platform.python_version(),
    }


def others(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace, *free: str
) -> dict[str, Any]:
    """Return the arguments, but for the free ones, that make another question of the table's."""
    given = vars(arguments).items()
    return {k: v for k, v in given if k not in free and v != parser.get_default(k)}


def save(name: str, result: dict[str, Any], other: dict[str, Any] | None = None) -> None:
    """Write benchmarks/results/<name>.json, or <name>-other.json for another question's answer."""
    if other:
        asked = ", ".join(f"{key} {value}" for key, value in other.items())
        print(f"another question than the table's ({asked}): the table keeps its answer")
        name, result = f"{name}-other", {**result, "other": other}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
    print(f"written: benchmarks/results/{path.name}")
