"""How fast is a folder of JPEG files read, with one thread and with several?

Writes ``n`` drawn digits as 28 by 28 JPEGs into a temporary folder, reads them once to warm the
disk's cache, and then ``--repeats`` times with each number of threads in turn; the best counts. The
result goes to ``benchmarks/results/image_folder.json``.

    python benchmarks/image_folder.py --n 60000
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from npcnn.datasets import draw_digits, load_image_folder, save_image_folder

RESULT = Path(__file__).parent / "results" / "image_folder.json"


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=60_000, help="pictures")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()

    images, labels = draw_digits(options.n, seed=0)
    result: dict[str, object] = {"pictures": options.n, "processors": os.cpu_count()}
    with tempfile.TemporaryDirectory() as folder:
        took = seconds(lambda: save_image_folder(folder, images, labels))
        result["written a second"] = round(options.n / took)
        print(f"written: {options.n / took:,.0f} files/s")
        pattern = f"{folder}/*.jpg"
        first = seconds(lambda: load_image_folder(pattern))
        print(f"read, by default: {options.n / first:,.0f} files/s, {first:.1f} s in all")
        best = dict.fromkeys(options.threads, float("inf"))
        for _ in range(options.repeats):  # in turn: what else the machine does hits all alike
            for threads in best:
                took = seconds(lambda: load_image_folder(pattern, workers=threads))  # noqa: B023
                best[threads] = min(best[threads], took)
        rates = {str(threads): round(options.n / took) for threads, took in best.items()}
        for name, rate in rates.items():
            print(f"read, {name} thread(s): {rate:,} files/s")
        result["read a second, by threads"] = rates
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
