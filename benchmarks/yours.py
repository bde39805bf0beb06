"""Your own model, npcnn beside PyTorch and Keras: a training step and inference.

    python benchmarks/yours.py model.keras
    python benchmarks/yours.py model.h5 --batches 1 32 --repeats 5

All load the same file, and their answers are compared before they race. They train with the file's
optimizer and cross-entropy over the classes of the last axis, on random bytes for pictures. Nothing
is written.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np
from common import ask, installed, spread
from contenders import CONTENDERS

import npcnn

SAMPLES = 8  # whose answers are compared
CLOSE = 1e-3  # float32, some layers deep


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="a model in a .keras or .h5 file, npcnn's or Keras's")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 60])
    four = ["npcnn", "torch-fast", "torch", "keras"]
    parser.add_argument("--contenders", nargs="+", default=four, choices=CONTENDERS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3, help="processes of each contender")
    parser.add_argument("--budget", type=float, default=0.6, help="seconds a figure")
    arguments = parser.parse_args()
    try:
        model = npcnn.load_model(arguments.file)
    except npcnn.NpcnnError as error:
        sys.exit(f"yours.py: {error}")
    if len(model.output_shape) != 2:
        sys.exit(f"yours.py: expected answers (samples, classes), got {model.output_shape}")
    names = racers(model, arguments.contenders)
    answers = race(arguments, names)
    print("\n".join(table(arguments.batches, names, answers)))
    if not agree(names, answers):
        sys.exit("yours.py: the answers differ: what was timed is not the same")


def racers(model: npcnn.Sequential, wanted: list[str]) -> list[str]:
    """Return who can race; name the others."""
    names = installed(wanted)
    if any(name.startswith("torch") for name in names):
        import yours_torch

        if lacking := yours_torch.lacking(model):
            print(f"torch: left out, nothing like {', '.join(lacking)} in yours_torch.py")
            names = [name for name in names if not name.startswith("torch")]
    return names


def race(arguments: argparse.Namespace, names: list[str]) -> dict[str, dict[str, list[Any]]]:
    """Ask all in alternation; return who → question → what each process said."""
    timed = [[kind, n, arguments.budget] for n in arguments.batches for kind in ("train", "infer")]
    said: dict[str, dict[str, list[Any]]] = {name: {} for name in names}
    for repeat in range(arguments.repeats):
        for name in names:
            questions = [["answers", SAMPLES], *timed]
            answer = ask(name, arguments.file, questions, arguments.threads)
            for key in map(json.dumps, questions):
                said[name].setdefault(key.rpartition(",")[0], []).append(answer[key])
            print(f"{repeat + 1}/{arguments.repeats}  {CONTENDERS[name]}", flush=True)
    return said


def table(batches: list[int], names: list[str], said: dict[str, Any]) -> list[str]:
    """Return the lines of the table: milliseconds, and how often npcnn's go into another's."""
    lines = []
    for batch in batches:
        for kind in ("train", "infer"):
            key = json.dumps([kind, batch])[:-1]
            lines.append(f"\n{kind}, batch {batch}")
            medians = {name: spread(said[name][key])["median"] for name in names}
            for name in names:
                value = spread(said[name][key])
                text = f"  {CONTENDERS[name]:<42}{value['median'] * 1e3:10.3f} ms"
                text += f"  ({value['min'] * 1e3:.3f} – {value['max'] * 1e3:.3f})"
                if name != "npcnn" and "npcnn" in medians:
                    text += f"  {medians[name] / medians['npcnn']:.2f} ×"
                lines.append(text)
    return lines


def agree(names: list[str], said: dict[str, Any]) -> bool:
    """Say how far the answers lie from the first one's; return whether that is close enough."""
    key = json.dumps(["answers", SAMPLES]).rpartition(",")[0]
    first = np.array(said[names[0]][key][0])
    far = [float(np.abs(first - np.array(said[name][key][0])).max()) for name in names]
    print(f"\nlargest difference of the answers: {max(far):.1e}")
    return max(far) < CLOSE


if __name__ == "__main__":
    main()
