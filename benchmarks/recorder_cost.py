"""What looking on costs: the Recorder, Diagnostics and check_numerics, beside plain training.

python benchmarks/recorder_cost.py --steps 2000

The shorter a run, the dearer the Recorder: it takes 20 to 100 frames in a run of any length, 100
steps apart at least where that leaves 20.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000, help="training steps a run")
    parser.add_argument("--batch-size", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()

    from common import machine, others, save, spread

    import npcnn

    npcnn.set_num_threads(arguments.threads)
    x, y = npcnn.datasets.draw_digits(6000, seed=1)
    data = x[..., None], npcnn.utils.to_categorical(y, 10)
    epochs = max(1, round(arguments.steps * arguments.batch_size / len(x)))
    run(data, arguments.batch_size, 1, [], False)  # compile
    kinds = ("plain", "Recorder", "Diagnostics", "check_numerics")
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    inside: dict[str, list[float]] = {"Recorder": [], "Diagnostics": []}
    for _ in range(arguments.repeats):
        for kind in kinds:
            with tempfile.TemporaryDirectory() as folder:
                callback = watched(kind, Path(folder) / "run.npz")
                listed = [] if callback is None else [callback]
                check = kind == "check_numerics"
                seconds[kind].append(run(data, arguments.batch_size, epochs, listed, check))
                if callback is not None:
                    inside[kind].append(callback.spent)
                if kind == "Recorder":
                    frames = len(npcnn.load_recording(Path(folder) / "run.npz"))
                    size = (Path(folder) / "run.npz").stat().st_size
    result = {
        "machine": machine(arguments.threads), "backend": npcnn.get_backend(),
        "batch": arguments.batch_size, "steps": epochs * len(x) // arguments.batch_size,
        "frames": frames, "file_bytes": size,
        "seconds": {kind: spread(values) for kind, values in seconds.items()},
        "share": {kind: share(inside[kind], seconds[kind]) for kind in inside},
    }  # fmt: skip
    for kind, values in seconds.items():
        own = f", {result['share'][kind]:.2%} of it in its own hooks" if kind in inside else ""
        print(f"{kind:<15} {spread(values)['median']:.2f} s{own}")
    print(
        f"{result['steps']} steps of {arguments.batch_size}, {frames} frames, {size / 1e6:.1f} MB"
    )
    save("recorder_cost", result, others(parser, arguments, "threads", "repeats"))
    if max(result["share"].values()) >= 0.05:
        sys.exit("above the promised 5 %")


def share(inside: list[float], total: list[float]) -> float:
    """Return the median over runs of time in hooks relative to the rest of the run."""
    shares = sorted(a / (b - a) for a, b in zip(inside, total, strict=True))
    return shares[len(shares) // 2]


def watched(kind: str, path: Path) -> Any:
    """Return a callback that counts the seconds spent in its hooks, or None."""
    import npcnn

    if kind not in ("Recorder", "Diagnostics"):
        return None
    callback: Any = npcnn.Recorder(path) if kind == "Recorder" else npcnn.Diagnostics()
    callback.spent = 0.0
    for name in dir(callback):
        if name.startswith("on_"):
            setattr(callback, name, clocked(callback, getattr(callback, name)))
    return callback


def clocked(callback: Any, hook: Any) -> Any:
    """Return the hook with a clock around it."""

    def timed(*arguments: Any) -> None:
        start = time.perf_counter()
        hook(*arguments)
        callback.spent += time.perf_counter() - start

    return timed


def run(data: tuple, batch_size: int, epochs: int, callbacks: list, check: bool) -> float:
    """Return the seconds that training the document's network takes."""
    from networks import NETWORKS, keras_like

    import npcnn

    npcnn.set_random_seed(0)
    model = keras_like(npcnn, NETWORKS["document"])
    start = time.perf_counter()
    model.fit(
        *data, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=callbacks,
        check_numerics=check,
    )  # fmt: skip
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
