"""What it gains to sum up the last layers' gradients while the others' are still being found.

    python benchmarks/overlap.py

Two ranks of one thread each on this machine, with MPICH's messages over TCP, through a loopback
device of their own (`unshare`, `tc`: Linux, and root) that lets 1 Gbit/s pass each way; and over
shared memory, as ranks on one machine have it. Small VGG has 2.2 million parameters, nearly all of
them in the first dense layer. With and without overlap in alternation, and the same bits.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from typing import Any

from common import HERE, machine, others, save, spread
from distributed import ask

NETWORK = "small-vgg"
LIMIT = "2gbit"  # of both ways together
TCP = {
    "MPIR_CVAR_CH4_NETMOD": "ofi", "FI_PROVIDER": "tcp", "MPIR_CVAR_NOLOCAL": "1",
}  # fmt: skip
# Wire, form of the gradients, samples of a batch, shards.
CASES = [
    ("1 Gbit/s", None, 64, 2), ("1 Gbit/s", None, 64, 8), ("1 Gbit/s", None, 256, 2),
    ("1 Gbit/s", None, 256, 8), ("1 Gbit/s", "bfloat16", 256, 2), ("shared memory", None, 256, 2),
]  # fmt: skip


def main() -> None:
    import npcnn

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="processes of each contender")
    parser.add_argument("--steps", type=int, default=12, help="timed steps of a process")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside:
        again()
    cases = [race(*case, arguments) for case in CASES]
    versions = {"npcnn": npcnn.__version__, "mpi4py": version("mpi4py"), "mpich": version("mpich")}
    result = {"machine": machine(1), "versions": versions, "cases": cases}
    save("overlap", result, others(parser, arguments, "repeats", "steps", "inside"))


def again() -> None:
    """Start this anew where there is no network but a loopback device, and that is slow."""
    if shutil.which("unshare") is None or shutil.which("tc") is None:
        raise SystemExit("no slow network: that takes Linux, root, unshare and tc")
    slow = f"ip link set lo up && tc qdisc add dev lo root tbf rate {LIMIT} burst 256k latency 50ms"
    script = f'{slow} && exec "$@"'
    own = [sys.executable, str(HERE / "overlap.py"), "--inside", *sys.argv[1:]]
    raise SystemExit(subprocess.call(["unshare", "-n", "sh", "-c", script, "sh", *own]))


def race(wire: str, form: str | None, batch: int, shards: int, arguments: Any) -> dict[str, Any]:
    """Return seconds, waiting and bytes of a step with and without overlap."""
    found: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    for _ in range(arguments.repeats):
        for overlap, answers in found.items():
            answers.append(
                ask(
                    2, TCP if wire != "shared memory" else {}, threads=1, network=NETWORK,
                    batch=batch, shards=shards, gradients=form, overlap=overlap,
                    steps=arguments.steps,
                )
            )  # fmt: skip
    bits = {answer["bits"] for answers in found.values() for answer in answers}
    row = {"wire": wire, "gradients": form, "batch": batch, "shards": shards,
           "same_bits": len(bits) == 1, "parameters": found[True][0]["parameters"]}  # fmt: skip
    for overlap, answers in found.items():
        values = {key: spread([a[key] for a in answers]) for key in ("seconds", "waited", "bytes")}
        row["with" if overlap else "without"] = values
    print(json.dumps(row), flush=True)
    return row


if __name__ == "__main__":
    main()
