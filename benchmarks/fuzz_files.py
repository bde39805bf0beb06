"""Hostile and damaged model files: each must end in a model or in one npcnn error.

    python benchmarks/fuzz_files.py --count 20000 --format h5 recording --seed 1

Models, weights, checkpoints, recordings, configurations, ONNX (sound_files.py). Bits are flipped,
numbers overwritten, blocks cut, doubled, swapped, blanked and mixed, with checksums made right
again; configurations are rewritten; links, huge shapes and bombs are planted (spoil.py). Every file
is loaded in this very process: a crash ends it. What counts as a failure: any other exception, more
than a second of processor time, more than 100 MB above idle, weights changed by a file that is
refused. How long a busy machine lets a file wait is not counted.

Runs add up: results/fuzz_files.json holds the counts of all runs of a format, each seed once.
"""

from __future__ import annotations

import argparse
import collections
import gc
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sound_files import EXTENSIONS, FORMATS, sound_files
from spoil import BYTES, hostile_h5, hostile_json, hostile_npz, hostile_onnx, hostile_zip

import npcnn

LIMIT_SECONDS, LIMIT_MEGABYTES = 1.0, 100
GIVEN_UP = 20.0  # seconds of processor time after which a load is ended,
ASLEEP = 900.0  # or of any time, if it waits for something
HOSTILE = {"recording": hostile_npz, "json": hostile_json, "keras": hostile_zip,
           "checkpoint": hostile_zip, "onnx": hostile_onnx}  # fmt: skip
RESULTS = Path(__file__).resolve().parent / "results" / "fuzz_files.json"
Run = dict[str, Any]


class HangError(BaseException):
    """A load that did not end."""


def _hang(*_: Any) -> None:
    raise HangError


def attempt(read: Callable[[Path], Any], path: Path) -> tuple[str, float, str]:
    """Load a file; return what it ended in, the seconds, and what is wrong with that or ''."""
    note = ""
    start = time.thread_time()  # kernels may be compiled beside it
    signal.setitimer(signal.ITIMER_PROF, GIVEN_UP)
    signal.setitimer(signal.ITIMER_REAL, ASLEEP)
    try:
        read(path)
        outcome = "model"
    except npcnn.NpcnnError as error:
        outcome = type(error).__name__
        if "\n" in str(error):
            note = f"more than one line: {error}"
    except (Exception, HangError) as error:
        outcome, note = "failure", f"{error!r}"[:300]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    seconds = time.thread_time() - start
    if seconds > LIMIT_SECONDS:
        note = note or f"{seconds:.2f} s"
    return outcome, seconds, note


def run(kind: str, count: int, seed: int, report: Callable[[str], Any] = print) -> Run:
    """Load `count` spoilt files; return the counts, failures and the worst time and memory."""
    extension = EXTENSIONS.get(kind, ".keras")
    outcomes: collections.Counter[str] = collections.Counter()
    ways: collections.Counter[str] = collections.Counter()
    failures: list[str] = []
    slowest = 0.0
    signal.signal(signal.SIGALRM, _hang)
    signal.signal(signal.SIGPROF, _hang)
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        sound = sound_files(kind, folder)
        every = [one.data for one in sound]
        hostile = HOSTILE.get(kind, hostile_h5)
        for data, read in sound:
            path = folder / f"sound{extension}"
            path.write_bytes(data)
            read(path)
        hostile(random.Random(0), every[0], every)  # loads h5py before idle is measured
        idle = _megabytes()
        gc.freeze()  # to look through what else lives in this process is not a file's doing
        for number in range(count):
            r = random.Random(f"{seed} {kind} {number}")
            way = r.choice((*BYTES, *[hostile] * 5))
            path = folder / f"spoilt{extension}"
            data, read = r.choice(sound)
            path.write_bytes(way(r, data, every))
            outcome, seconds, note = attempt(read, path)
            if note:
                failures.append(f"seed {seed}, {number} ({way.__name__}): {note}")
            slowest = max(slowest, seconds)
            outcomes[outcome] += 1
            ways[way.__name__] += 1
            if (number + 1) % 5000 == 0:
                report(f"{kind}: {number + 1} files, {len(failures)} failures")
    gc.unfreeze()
    above = _megabytes() - idle
    if above > LIMIT_MEGABYTES:
        failures.append(f"seed {seed}: {above:.0f} MB above idle")
    return {
        "files": count, "seeds": {str(seed): count}, "outcomes": dict(outcomes),
        "ways": dict(ways), "failures": failures, "slowest_s": round(slowest, 3),
        "peak_mb_above_idle": round(above, 1),
    }  # fmt: skip


def added(one: Run, other: Run) -> Run:
    """Return two runs of a format as one.

    >>> added({"files": 2, "ways": {"a": 1}, "slowest_s": 3}, {"files": 1, "slowest_s": 2})
    {'files': 3, 'ways': {'a': 1}, 'slowest_s': 3}
    """
    found = dict(one)
    for key, value in other.items():
        if isinstance(value, dict):
            found[key] = dict(collections.Counter(one.get(key, {})) + collections.Counter(value))
        elif key in ("slowest_s", "peak_mb_above_idle"):
            found[key] = max(one.get(key, 0), value)
        else:
            found[key] = one[key] + value if key in one else value
    return found


def _megabytes() -> float:
    """Return the largest memory this process has had, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--format", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    failed = False
    for kind in arguments.format:
        kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        if str(arguments.seed) in kept.get(kind, {}).get("seeds", {}):
            sys.exit(f"{kind}: the files of seed {arguments.seed} are counted already")
        found = run(kind, arguments.count, arguments.seed)
        print(kind, json.dumps(found, indent=1), flush=True)
        failed = failed or bool(found["failures"])
        kept[kind] = added(kept.get(kind, {}), found)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    sys.exit(failed)


if __name__ == "__main__":
    os.environ.setdefault("NPCNN_BACKEND", "numpy")
    main()
