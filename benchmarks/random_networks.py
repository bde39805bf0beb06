"""Do random networks come out as in the real Keras, trained, and in files both ways?

    python benchmarks/random_networks.py                       # 200 networks
    python benchmarks/random_networks.py --first 200 --count 400 --keras tensorflow
    python benchmarks/random_networks.py --first 17 --count 1 --show

Sequential ones, and graphs with branches, shared layers, nested models, several inputs and
outputs; all layers, activations, losses, regularizers and constraints, and optimizers with options
and schedules (random_descriptions.py). Each is built on both sides from one description, with the
same weights and data (random_sides.py). Outputs must agree within 1e-5; losses, metrics, weights
and optimizers' state after three epochs within 1e-4 (all by max(1, |value|)). Each side then reads
the other's .keras and .h5: weights and state must be the same bits, names and architecture the
same, outputs within 1e-5, and one more epoch must end as on the side that wrote within 1e-4.
"""

from __future__ import annotations

import argparse
import collections
import importlib.util
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from common import HERE, machine, others, save
from random_descriptions import KINDS, arrays, describe
from random_sides import Side

import npcnn
from npcnn.saving.variables import optimizer_variables

OUTPUTS, TRAINED, SCALAR = 1e-5, 1e-4, 1e-7
ABOUT = {"before": OUTPUTS, "history": TRAINED, "after": TRAINED, "evaluated": TRAINED,
         "state": TRAINED, "outputs": TRAINED, "weights": TRAINED}  # fmt: skip
EXACT = {"weights": 0.0, "state": 0.0, "outputs": OUTPUTS, "history": TRAINED, "after": TRAINED}


class Keras:
    """The real Keras behind pipes: a process a backend.

    Args:
        backends: by preference. What Keras cannot do on one it is asked for on the next: PyTorch's
            convolution, for one, refuses some gradients of its own ("must be contiguous").
    """

    def __init__(self, *backends: str) -> None:
        self.backends = [name for name in backends if importlib.util.find_spec(name)]
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.failed: dict[str, str] = {}

    def _process(self, backend: str) -> subprocess.Popen[str]:
        if backend not in self.processes:
            quiet = {
                "TF_CPP_MIN_LOG_LEVEL": "3",
                "CUDA_VISIBLE_DEVICES": "",
                "OMP_NUM_THREADS": "1",
            }
            self.processes[backend] = subprocess.Popen(
                [sys.executable, str(HERE / "random_sides.py")], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                env={**os.environ, **quiet, "KERAS_BACKEND": backend},
            )  # fmt: skip
        return self.processes[backend]

    def __call__(self, described: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Return what Keras makes of a network, or its error."""
        reply: dict[str, Any] = {}
        for backend in self.backends:
            process = self._process(backend)
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({"described": described, "folder": str(folder)}) + "\n")
            process.stdin.flush()
            reply = json.loads(process.stdout.readline() or '{"error": "Keras has ended"}')
            if "error" not in reply:
                return {**reply, "backend": backend}
            self.failed[f"{described['seed']} on {backend}"] = reply["error"]
        return reply

    def close(self) -> None:
        """End it."""
        for process in self.processes.values():
            process.kill()
            process.communicate()


def state(model: Any) -> list[np.ndarray]:
    return [np.array(value) for _, value in optimizer_variables(model)]  # not views: it trains on


# Comparing ------------------------------------------------------------------------------------


def read(path: str) -> dict[str, list[np.ndarray]]:
    found: dict[str, list[np.ndarray]] = collections.defaultdict(list)
    with np.load(path) as kept:
        for key, value in kept.items():
            found[key.split("/")[0]].append(value)
    return found


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest difference by max(1, |value|); infinite for another shape."""
    if one.shape != other.shape:
        return float("inf")
    one, other = one.astype("float64"), other.astype("float64")
    with np.errstate(invalid="ignore"):
        far = np.abs(one - other) / np.maximum(1, np.abs(other))
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    return float(np.max(np.where(same, 0, np.nan_to_num(far, nan=np.inf)), initial=0))


class Verdict:
    """What was found of one network: the worst differences, and what is too far."""

    def __init__(self) -> None:
        self.worst: dict[str, float] = {}
        self.wrong: list[str] = []

    def numbers(self, where: str, ours: str, theirs: str, allowed: dict[str, float]) -> None:
        """Compare the arrays of two files."""
        one, other = read(ours), read(theirs)
        for key, most in allowed.items():
            if len(one[key]) != len(other[key]):
                self.wrong.append(f"{where}, {key}: {len(one[key])} and {len(other[key])} arrays")
                continue
            for k, (a, b) in enumerate(zip(one[key], other[key], strict=True)):
                far = apart(a, b)
                if key == "state" and a.ndim == 0 and most == 0:
                    far = 0.0 if far < SCALAR else far  # Nadam's product, of another rounding
                self.worst[f"{where}, {key}"] = max(self.worst.get(f"{where}, {key}", 0.0), far)
                if far > most:
                    self.wrong.append(f"{where}, {key} {k} {a.shape} {b.shape}: {far:.3g}")

    def alike(self, where: str, one: Any, other: Any) -> None:
        """Compare names or configurations."""
        self.wrong += [f"{where}{text}" for text in differences(one, other)]


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        # Keras notes whether a layer is in training by default, of those that ask, in each call.
        keys = sorted((set(one) | set(other)) - ({"kwargs"} if "args" in one else set()))
        return [t for k in keys for t in differences(one.get(k), other.get(k), f"{at}.{k}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        rows = enumerate(zip(one, other, strict=True))
        return [t for k, (a, b) in rows for t in differences(a, b, f"{at}[{k}]")]
    if isinstance(one, float) and isinstance(other, float) and abs(one - other) <= 1e-7 * abs(one):
        return []  # Keras keeps some numbers in float32
    return [] if one == other else [f"{at}: {str(one)[:90]} and {str(other)[:90]}"]


def judge(described: dict[str, Any], keras: Keras, folder: Path) -> Verdict:
    """Put one network through both, and compare."""
    verdict = Verdict()
    npcnn.config.set_floatx(described["dtype"])
    side = Side(npcnn, state, npcnn.load_model)
    np.savez(folder / "arrays.npz", **arrays(described))  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = side.learn(described, folder, "ours")
        reply = keras(described, folder)
        if "error" in reply:
            verdict.wrong.append(f"Keras: {reply['error']}")
            return verdict
        theirs, back = reply["theirs"], side.read(described, folder, "theirs")
    # In TensorFlow's graphs Keras knows no batch's size, and counts a short last one as a whole one
    # in the mean of each output's loss; on torch it does not.
    uncounted = reply["backend"] == "tensorflow" and len(described["outputs"]) > 1
    passed_over = ("history", "evaluated") if uncounted else ()
    about = {key: most for key, most in ABOUT.items() if key not in passed_over}
    verdict.numbers("trained", ours["arrays"], theirs["arrays"], about)
    for key in ("names", "curves"):
        verdict.alike(f"trained, {key}", ours[key], theirs[key])
    ways = [("Keras reads npcnn's", reply["read"], ours, theirs),
            ("npcnn reads Keras's", back, theirs, ours)]  # fmt: skip
    for who, answers, wrote, own in ways:
        for extension in described["formats"]:
            got, where = answers[extension], f"{who} {extension}"
            verdict.numbers(
                where,
                got["arrays"],
                wrote["arrays"],
                {"weights": 0.0, "state": 0.0, "outputs": OUTPUTS},
            )
            verdict.alike(f"{where}, names", got["names"], own["names"])
            verdict.alike(f"{where}, config", got["built"], own["built"])
            verdict.alike(f"{where}, curves", got["curves"], wrote["curves"])
    for extension in described["formats"]:
        pair = reply["read"][extension]["arrays"], back[extension]["arrays"]
        later = {key: about[key] for key in ("history", "after") if key in about}
        verdict.numbers(f"trained on from {extension}", *pair, later)
    return verdict


def run(seeds: range, backends: list[str]) -> dict[str, Any]:
    """Return the networks of these seeds that agree, by kind, the worst differences, the rest."""
    npcnn.set_num_threads(1)  # for networks as small as these, beside Keras in the other process
    keras, worst, wrong = Keras(*backends), {}, {}
    agree: dict[str, list[int]] = {kind: [0, 0] for kind in KINDS}
    try:
        for seed in seeds:
            described = describe(seed)
            with tempfile.TemporaryDirectory() as folder:
                try:
                    verdict = judge(described, keras, Path(folder))
                except Exception as error:
                    verdict = Verdict()
                    verdict.wrong.append(f"npcnn: {type(error).__name__}: {error}")
            for key, far in verdict.worst.items():
                worst[key] = max(worst.get(key, 0.0), far)
            agree[described["kind"]][0] += not verdict.wrong
            agree[described["kind"]][1] += 1
            if verdict.wrong:
                wrong[str(seed)] = verdict.wrong[:20]
                listed = "".join(f"\n    {text[:300]}" for text in verdict.wrong[:8])
                print(f"{seed} {described['kind']} {described['dtype']}{listed}", flush=True)
    finally:
        keras.close()
    return {"agree": agree, "worst": worst, "wrong": wrong, "failed": keras.failed}


def together(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what several processes found as one result."""
    agree = {kind: [sum(p["agree"][kind][k] for p in parts) for k in (0, 1)] for kind in KINDS}
    keys = sorted({key for part in parts for key in part["worst"]})
    worst = {key: max(part["worst"].get(key, 0.0) for part in parts) for key in keys}
    return {
        "networks": sum(of for _, of in agree.values()),
        "agree": sum(one for one, _ in agree.values()),
        "agree_by_kind": {kind: f"{one} of {of}" for kind, (one, of) in agree.items()},
        "worst_difference": {key: float(f"{far:.3g}") for key, far in worst.items()},
        "wrong": {seed: texts for part in parts for seed, texts in part["wrong"].items()},
        "keras_failed": {seed: text for part in parts for seed, text in part["failed"].items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--keras", nargs="+", default=["torch", "tensorflow"], metavar="BACKEND")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--show", action="store_true", help="only print the descriptions")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.count)
    if arguments.show:
        for seed in seeds:
            print(json.dumps(describe(seed), indent=1))
        return
    shares = [seeds[k :: arguments.processes] for k in range(arguments.processes)]
    with ProcessPoolExecutor(len(shares), multiprocessing.get_context("spawn")) as pool:
        found = together(list(pool.map(run, shares, [arguments.keras] * len(shares))))
    found |= {"first_seed": arguments.first, "keras_backends": arguments.keras}
    print(json.dumps({k: v for k, v in found.items() if k != "wrong"}, indent=1))
    save("random_networks", {**found, **machine(1)}, others(parser, arguments, "show", "processes"))
    sys.exit(found["agree"] < found["networks"])


if __name__ == "__main__":
    main()
