"""Do random networks come out as in the real Keras, trained, and in files both ways?

    python benchmarks/random_networks.py                       # 200 networks
    python benchmarks/random_networks.py --first 200           # 200 others
    python benchmarks/random_networks.py --first 17 --count 1 --show

Sequential ones, and graphs with branches, shared layers, nested models, several inputs and
outputs; all layers, activations, losses, metrics, regularizers and constraints, and optimizers with
options and schedules (random_descriptions.py, random_layers.py, random_learning.py); what was
drawn is counted (random_coverage.py). Each is built on both sides from one description, with the
same weights and data (random_sides.py), on two of Keras's backends. Outputs must agree within 1e-5;
losses, metrics, weights and optimizers' state after three epochs within 1e-4 (all by
max(1, |value|)). npcnn and the first backend then read each other's .keras and .h5:
weights and state must be the same bits, names and architecture the same, outputs within 1e-5, and
one more epoch must end as on the side that wrote within 1e-4.

Some networks have no such answer: the sign of a gradient that is zero but for rounding is Lion's
whole step, two numbers that are equal but for rounding are both sides of a maximum, of a threshold
or of ReLU's bend. Which these are is measured, not known: whenever a number is further away, Keras
trains the network anew from weights and inputs in three other roundings (up to four units in the
last place away), and on its other backends. If npcnn is no further from Keras than twice what Keras
is from itself, the network is counted as one that Keras does not determine, apart from those that
agree; so is one in float32 on which both agree in float64, as Keras's own float32 does not. Names,
configurations and the bits in files are held to nothing but equality.

What was found is kept network by network in results/random_networks.part.jsonl; a run that was
ended goes on from there, and asks again only for those that fell short. --afresh asks for all.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import importlib.metadata
import json
import multiprocessing
import sys
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import random_coverage
from common import RESULTS, machine, others, save
from random_descriptions import KINDS, arrays, describe
from random_keras import Keras
from random_sides import Side
from random_verdict import READ, TRAINED, TRAINING, Verdict, spread

import npcnn
from npcnn.saving.variables import optimizer_variables

PART = RESULTS / "random_networks.part.jsonl"
ALWAYS = 2  # of Keras's backends are asked; the rest where something falls short
NUDGES = (1, 2, 3)
FRESH = 40  # networks, then Keras's processes are ended: what they compiled is never let go


def state(model: Any) -> list[np.ndarray]:
    return [np.array(value) for _, value in optimizer_variables(model)]  # not views: it trains on


# One network ----------------------------------------------------------------------------------


def judge(described: dict[str, Any], keras: Keras, folder: Path) -> Verdict:
    """Put one network through npcnn and all of Keras's backends, and compare."""
    verdict = Verdict()
    asked = able(described, keras.backends)
    if not asked:  # what training makes of it, no backend can say
        described = {**described, "trains": False}
    npcnn.utils.clear_session()
    npcnn.config.set_floatx(described["dtype"])
    npcnn.set_random_seed(described["seed"])
    side = Side(npcnn, state, npcnn.load_model)
    np.savez(folder / "arrays.npz", **arrays(described))  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = side.learn(described, folder, "ours")
        reply = keras(described, folder)
        if "error" in reply:
            verdict.wrong.append(f"Keras: {reply['error']}")
            return verdict
        back = side.read(described, folder, "theirs")
    first, others = reply["backend"], []
    verdict.numbers(first, ours["arrays"], reply["theirs"]["arrays"], TRAINING)
    for backend in [name for name in asked[:ALWAYS] if name != first]:
        other = keras.on(backend, {**described, "formats": []}, folder, backend)
        if "error" not in other:
            verdict.numbers(backend, ours["arrays"], other["theirs"]["arrays"], TRAINING)
            others.append(backend)
    for key in ("names", "curves"):
        verdict.alike(f"{first}, {key}", ours[key], reply["theirs"][key])
    files(verdict, described, (ours, reply, back))
    if verdict.short:
        others += [name for name in asked[ALWAYS:] if name != first]
        again = [keras.on(first, described, folder, f"nudge{k}", k) for k in (0, *NUDGES)]
        later = {name: keras.on(name, described, folder, f"{name}0", 0) for name in others}
        paths = [one["theirs"]["arrays"] for one in again if "error" not in one]
        between = {
            name: spread([paths[0], one["theirs"]["arrays"]])
            for name, one in later.items()
            if "error" not in one and paths
        }
        for own in between.values():  # an epoch more from where each ended: both are apart
            own |= {key: far + own.get(key[6:], 0.0) for key, far in own.items() if "later" in key}
        finer = {}
        if described["dtype"] == "float32":
            finer = in_float64(described, keras, first, (folder, reply["theirs"]["arrays"]))
        verdict.measured(spread(paths) if paths else {}, between, finer)
    return verdict


def able(described: dict[str, Any], backends: list[str]) -> list[str]:
    """Return Keras's backends that train a network as its layers say.

    SpectralNormalization assigns to its kernel in its call. On JAX a step hands back what layers
    assign to weights that are not learnt, and nothing else: there the assignment is lost.
    """
    assigns = described["trains"] and "SpectralNormalization" in json.dumps(described["layers"])
    return [name for name in backends if not (assigns and name == "jax")]


def in_float64(
    described: dict[str, Any], keras: Keras, backend: str, coarse: tuple[Path, str]
) -> dict[str, tuple[float, float]]:  # fmt: skip
    """Return how far npcnn and Keras are apart in float64, and Keras's float32 from that.

    Args:
        described: a network in float32.
        keras: the real one.
        backend: of Keras's.
        coarse: where the arrays and weights lie that it began with, and what Keras made of them.
    """
    folder = coarse[0] / "float64"
    folder.mkdir()
    for name in ("arrays.npz", "weights.npz"):
        given = np.load(coarse[0] / name)
        wide = {k: v.astype("float64") if v.dtype.kind == "f" else v for k, v in given.items()}
        np.savez(folder / name, **wide)
    described = {**described, "dtype": "float64", "formats": []}
    npcnn.config.set_floatx("float64")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = Side(npcnn, state, npcnn.load_model).learn(described, folder, "ours")
    theirs = keras.on(backend, described, folder, "theirs")
    if "error" in theirs:
        return {}
    fine = theirs["theirs"]["arrays"]
    near, far = spread([ours["arrays"], fine]), spread([coarse[1], fine])
    return {key: (near[key], far[key]) for key in near if key in far}


def files(verdict: Verdict, described: Any, sides: tuple[Any, Any, Any]) -> None:
    """Compare what was read with what was written, and what was trained on from there."""
    ours, reply, back = sides
    theirs = reply["theirs"]
    ways = [("Keras reads npcnn's", reply["read"], ours, theirs),
            ("npcnn reads Keras's", back, theirs, ours)]  # fmt: skip
    for who, answers, wrote, own in ways:
        for extension in described["formats"]:
            got, where = answers[extension], f"{who} {extension}"
            verdict.numbers(where, got["arrays"], wrote["arrays"], READ)
            verdict.alike(f"{where}, names", got["names"], own["names"])
            verdict.alike(f"{where}, config", got["built"], own["built"])
            verdict.alike(f"{where}, curves", got["curves"], wrote["curves"])
    later = {"after": TRAINED, "history": TRAINED}
    for extension in described["formats"]:
        pair = reply["read"][extension]["arrays"], back[extension]["arrays"]
        held = {key: f"later {key}" for key in later}
        verdict.numbers(f"trained on from {extension}", *pair, later, held)


# Many -----------------------------------------------------------------------------------------

mine: dict[str, Any] = {}  # a process's Keras, and how many networks it has seen


def ready(backends: list[str]) -> None:
    """Begin a process."""
    npcnn.set_num_threads(1)  # for networks as small as these, beside Keras in the other process
    mine.update(keras=Keras(*backends), seen=0)


def one(seed: int, key: str) -> dict[str, Any]:
    """Return what was found of one network."""
    keras, described, began = mine["keras"], describe(seed), time.monotonic()
    mine["seen"] += 1
    if mine["seen"] % FRESH == 0:
        keras.close()
    keras.failed.clear()
    with tempfile.TemporaryDirectory() as folder:
        try:
            verdict = judge(described, keras, Path(folder))
        except Exception as error:
            verdict = Verdict()
            verdict.wrong.append(f"npcnn: {type(error).__name__}: {error}")
    return {
        "seed": seed, "key": key, "kind": described["kind"], "dtype": described["dtype"],
        "worst": verdict.worst, "wrong": verdict.wrong[:20], "ill": verdict.ill[:20],
        "failed": dict(keras.failed), "seconds": time.monotonic() - began,
    }  # fmt: skip


def key_of(seed: int, backends: list[str]) -> str:
    """Return what tells a network, and who was asked, from others."""
    text = json.dumps([describe(seed), backends[:ALWAYS]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def kept(keys: dict[str, int]) -> dict[int, dict[str, Any]]:
    """Return what an earlier run found of these networks, but for those that fell short."""
    if not PART.exists():
        return {}
    lines = [json.loads(line) for line in PART.read_text().splitlines()]
    return {keys[line["key"]]: line for line in lines if line["key"] in keys and not line["wrong"]}


def ask(seeds: range, backends: list[str], processes: int) -> list[dict[str, Any]]:
    """Return what was found of all networks, and print what fell short."""
    keys = {key_of(seed, backends): seed for seed in seeds}
    found = kept(keys)
    print(f"{len(found)} of {len(seeds)} networks are there from an earlier run", flush=True)
    RESULTS.mkdir(exist_ok=True)
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(processes, context, ready, (backends,)) as pool,
        PART.open("a") as part,
    ):
        asked = [pool.submit(one, s, key) for key, s in keys.items() if s not in found]
        for done in as_completed(asked):
            line = done.result()
            found[line["seed"]] = line
            part.write(json.dumps(line) + "\n")
            part.flush()
            texts = [*line["wrong"], *(f"Keras does not determine {t}" for t in line["ill"])][:8]
            if texts:
                listed = "".join(f"\n    {text[:300]}" for text in texts)
                print(f"{line['seed']} {line['kind']} {line['dtype']}{listed}", flush=True)
    return [found[seed] for seed in seeds]


def together(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the result: how many agree, the worst differences of those, and the rest."""
    agree = [line for line in lines if not line["wrong"] and not line["ill"]]
    keys = sorted({key for line in agree for key in line["worst"]})
    worst = {key: max(line["worst"].get(key, 0.0) for line in agree) for key in keys}
    on = [key.split(",")[0] for line in lines for key in line["worst"] if key.endswith(", before")]
    by_kind = {
        kind: f"{sum(line['kind'] == kind for line in agree)} of "
        f"{sum(line['kind'] == kind for line in lines)}"
        for kind in KINDS
    }
    return {
        "networks": len(lines),
        "agree": len(agree),
        "compared_on": dict(sorted(collections.Counter(on).items())),
        "files": sum(len(describe(line["seed"])["formats"]) for line in agree),
        "agree_by_kind": by_kind,
        "worst_difference": {key: float(f"{far:.3g}") for key, far in worst.items()},
        "undetermined": {
            line["seed"]: line["ill"] for line in lines if line["ill"] and not line["wrong"]
        },
        "fell_short": {line["seed"]: line["wrong"] for line in lines if line["wrong"]},
        "keras_failed": {seed: text for line in lines for seed, text in line["failed"].items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument(
        "--keras", nargs="+", default=["torch", "tensorflow", "jax"], metavar="BACKEND"
    )
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--afresh", action="store_true", help="forget what an earlier run found")
    parser.add_argument("--show", action="store_true", help="only print the descriptions")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.count)
    if arguments.show:
        for seed in seeds:
            print(json.dumps(describe(seed), indent=1))
        return
    if arguments.afresh:
        PART.unlink(missing_ok=True)
    found = together(ask(seeds, arguments.keras, arguments.processes))
    drawn = random_coverage.table(describe(seed) for seed in seeds)
    found |= {"first_seed": arguments.first, "keras_backends": arguments.keras, "drawn": drawn}
    found["keras"] = importlib.metadata.version("keras")
    found["never_drawn"] = random_coverage.never(drawn)
    random_coverage.show(drawn)
    print(json.dumps({k: v for k, v in found.items() if k != "drawn"}, indent=1))
    asked = others(parser, arguments, "show", "processes", "afresh")
    save("random_networks", {**found, **machine(1)}, asked)
    sys.exit(bool(found["fell_short"]))


if __name__ == "__main__":
    main()
