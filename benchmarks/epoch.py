"""One training epoch of the document's network, batch 60: all contenders in alternation.

    python benchmarks/epoch.py --repeats 5

PyTorch gets its pictures as floats already in memory and counts no metrics; npcnn and Keras go
through `fit`, with accuracy. Validation is left out for all.
"""

from __future__ import annotations

import argparse

from common import ask, installed, machine, save, spread
from contenders import CONTENDERS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--batch-size", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5, help="processes of each contender")
    parser.add_argument("--contenders", nargs="+", default=list(CONTENDERS), choices=CONTENDERS)
    arguments = parser.parse_args()

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
    save("epoch", result)


if __name__ == "__main__":
    main()
