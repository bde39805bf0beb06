"""Race this code against another state of it, in one run: an epoch, and steps of four networks.

    git worktree add ../before COMMIT && python benchmarks/against.py ../before

Each state answers with its own benchmarks/contenders.py, the two in alternation, each time in a
process of its own. Prints how many times as fast this code is, by medians; writes
benchmarks/results/against.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from common import HERE, machine, save, spread
from steps import BATCHES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, help="a checkout of the other state")
    parser.add_argument("--networks", nargs="+", default=list(BATCHES), choices=BATCHES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--budget", type=float, default=0.3, help="seconds a figure")
    arguments = parser.parse_args()
    rows = []
    for network in arguments.networks:
        questions: list[list[Any]] = [
            [kind, batch, arguments.budget]
            for batch in BATCHES[network]
            for kind in ("train", "infer")
        ]
        if network == "document":
            questions.insert(0, ["epoch", 60_000, 60])
        times: dict[str, dict[str, list[float]]] = {}
        for number in range(arguments.repeats):
            both = [("here", HERE.parent), ("before", arguments.other)]
            for name, tree in both if number % 2 else both[::-1]:
                answer = ask(tree, network, questions, arguments.threads)
                for question in questions:
                    key = json.dumps(question[:2])
                    times.setdefault(key, {}).setdefault(name, []).append(
                        answer[json.dumps(question)]
                    )
        for key, by_name in times.items():
            seconds = {name: spread(values) for name, values in by_name.items()}
            ratio = seconds["before"]["median"] / seconds["here"]["median"]
            rows.append({"network": network, "question": key, "seconds": seconds, "ratio": ratio})
            print(line(rows[-1]), flush=True)
    save("against", {"machine": machine(arguments.threads), "rows": rows})


def ask(tree: Path, network: str, questions: list[list[Any]], threads: int) -> dict[str, Any]:
    """Return the answers of npcnn as it is in a checkout."""
    task = {"contender": "npcnn", "network": network, "questions": questions, "threads": threads}
    done = subprocess.run(
        [sys.executable, str(tree / "benchmarks" / "contenders.py"), json.dumps(task)],
        env={**os.environ, "PYTHONPATH": str(tree.resolve())}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{tree} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def line(row: dict[str, Any]) -> str:
    """Return one row as a line of text."""
    here, before = row["seconds"]["here"], row["seconds"]["before"]
    figures = f"{before['median'] * 1e3:10.3f} → {here['median'] * 1e3:10.3f} ms"
    widths = f"({before['min'] * 1e3:.3f}–{before['max'] * 1e3:.3f} → "
    widths += f"{here['min'] * 1e3:.3f}–{here['max'] * 1e3:.3f})"
    return f"{row['network']:<14} {row['question']:<18} {figures}  {row['ratio']:.3f} × {widths}"


if __name__ == "__main__":
    main()
