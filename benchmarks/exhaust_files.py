"""Load every bomb (bombs.py, bombs_packed.py): each must end soon, in a model or in one error.

    python benchmarks/exhaust_files.py            # all; or --only NAME …

Each is loaded in a process of its own, forked from this one. It must end within a second (of
processor time) and 100 MB, beyond what the model it describes needs: four times its weights, for
gradients and an optimizer's state.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pickle
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from bombs import BOMBS, MEGABYTE, checkpoint, config, h5, keras
from bombs_packed import recording
from raw_hdf5 import File

import npcnn
from npcnn import layers

LIMIT_SECONDS, LIMIT_MEGABYTES = 1.0, 100


def load(extension: str, data: bytes, folder: Path) -> Any:
    path = folder / f"bomb{'.keras' if extension == '.checkpoint' else extension}"
    path.write_bytes(data)
    if extension == ".json":
        return npcnn.model_from_json(data.decode())
    if extension == ".npz":
        return npcnn.load_recording(path)
    if extension == ".checkpoint":
        model = npcnn.Sequential([layers.Input((4,)), layers.Dense(3)])
        model.compile("adam", "categorical_crossentropy")
        return model.fit(np.ones((3, 4)), np.eye(3), verbose=0, resume_from=path)
    return npcnn.load_model(path)


def measured(extension: str, data: bytes, folder: Path) -> dict[str, Any]:
    """Load a bomb in a child of this process; return what it ended in and what it took."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        for kind, most in ((resource.RLIMIT_CPU, 20), (resource.RLIMIT_AS, 2**32)):
            with contextlib.suppress(ValueError, OSError):  # macOS has no limit on addresses
                resource.setrlimit(kind, (most, most))
        idle, start = _peak(), time.process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = load(extension, data, folder)
            needs = getattr(model, "count_params", lambda: 0)() * 16 / MEGABYTE
            outcome = ("model", "", needs)
        except npcnn.NpcnnError as error:
            outcome = (type(error).__name__, str(error).replace(f"{folder}{os.sep}", ""), 0.0)
        except BaseException as error:
            outcome = ("failure", repr(error)[:300], 0.0)
        found = (*outcome, time.process_time() - start, _peak() - idle)
        os.write(write, pickle.dumps(found))
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    kind, text, needs, seconds, above = (
        pickle.loads(answer) if answer else ("failure", "it died", 0.0, 0.0, 0.0)
    )
    return {"kind": extension, "ends in": kind, "text": text, "file_kb": round(len(data) / 1024, 1),
            "model_mb": round(needs, 1), "cpu_s": round(seconds, 2),
            "mb_above": round(above, 1)}  # fmt: skip


def _peak() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)


def warm_up(folder: Path) -> None:
    """Import all that reading needs, so that a bomb does not pay for it."""
    for extension, data in (h5(), keras(File().finished(96)), recording(), checkpoint(b"{}"),
                            (".json", json.dumps(config()).encode())):  # fmt: skip
        with contextlib.suppress(npcnn.NpcnnError):
            load(extension, data, folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=BOMBS, default=list(BOMBS))
    parser.add_argument(
        "--save", action="store_true", help="write benchmarks/results/exhaust_files.json"
    )
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        warm_up(Path(folder))
        for name in arguments.only:
            extension, data = BOMBS[name]()
            results[name] = found = measured(extension, data, Path(folder))
            found["sound"] = (
                found["ends in"] != "failure" and "\n" not in found["text"]
                and found["mb_above"] <= LIMIT_MEGABYTES + found["model_mb"]
            )  # fmt: skip
            print(json.dumps({"name": name, **found}, ensure_ascii=False), flush=True)
    if arguments.save:
        path = Path(__file__).resolve().parent / "results" / "exhaust_files.json"
        path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    for kind in sorted({found["kind"] for found in results.values()}):
        of = [found for found in results.values() if found["kind"] == kind]
        most = {key: max(found[key] for found in of) for key in ("cpu_s", "mb_above")}
        print(json.dumps({"kind": kind, "bombs": len(of), **most}))
    slow = [name for name, found in results.items() if found["cpu_s"] > LIMIT_SECONDS]
    bad = [name for name, found in results.items() if not found["sound"]]
    print(json.dumps({"bombs": len(results), "failures": bad, "slow": slow}))
    sys.exit(bool(bad or slow))


if __name__ == "__main__":
    os.environ.setdefault("NPCNN_BACKEND", "numpy")
    main()
