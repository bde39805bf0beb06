"""Training steps and inference of four networks at several batch sizes, npcnn beside PyTorch.

python benchmarks/steps.py --repeats 3
"""

from __future__ import annotations

import argparse
import json

from common import ask, installed, machine, others, save, spread
from contenders import CONTENDERS
from networks import NETWORKS

BATCHES = {"document": (1, 60, 256), "lenet5": (1, 64, 256), "conv32-conv64": (1, 64, 128, 256),
           "small-vgg": (1, 64, 256)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--contenders", nargs="+", default=["npcnn", "torch-fast", "torch"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3, help="processes of each contender")
    parser.add_argument("--budget", type=float, default=0.6, help="seconds a figure")
    arguments = parser.parse_args()

    names = installed(arguments.contenders)
    versions: dict[str, str] = {}
    rows = []
    for network in arguments.networks:
        questions = [
            [kind, batch, arguments.budget]
            for batch in BATCHES[network]
            for kind in ("train", "infer")
        ]
        times: dict[tuple[str, str], list[float]] = {}
        for _ in range(arguments.repeats):
            for name in names:
                answer = ask(name, network, questions, arguments.threads)
                versions |= answer["versions"]
                for question in questions:
                    key = json.dumps(question)
                    times.setdefault((key, name), []).append(answer[key])
        for kind, batch, budget in questions:
            key = json.dumps([kind, batch, budget])
            seconds = {name: spread(times[key, name]) for name in names}
            rows.append({"network": network, "kind": kind, "batch": batch, "seconds": seconds})
            print(line(rows[-1]), flush=True)
    other = others(parser, arguments, "threads", "repeats", "budget")
    if missing := [name for name in arguments.contenders if name not in names]:
        other["without"] = missing
    result = {"machine": machine(arguments.threads), "versions": versions, "rows": rows}
    save("steps", result, other)


def line(row: dict) -> str:
    """Return one row as a line of text: milliseconds, and how many times npcnn is faster."""
    own = row["seconds"].get("npcnn", {}).get("median")
    cells = []
    for name, value in row["seconds"].items():
        ratio = f" ({value['median'] / own:.2f}×)" if own and name != "npcnn" else ""
        cells.append(f"{CONTENDERS[name]} {value['median'] * 1e3:.3f} ms{ratio}")
    return f"{row['network']:<14} {row['kind']:<6} batch {row['batch']:<4} " + "  ".join(cells)


if __name__ == "__main__":
    main()
