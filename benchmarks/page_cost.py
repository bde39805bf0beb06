"""What the page costs: an epoch that one looks on at, an answer to a stroke, a file's opening.

python benchmarks/page_cost.py

Needs Chromium and selenium. An epoch is `fit` alone, then the same with a page that draws what it
is told, in turns: the page may cost a tenth. A stroke shall be answered within 50 ms, a page of
the document's network be below 3 MB and open from disk within a second.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIMITS = {"epoch": 0.10, "stroke_ms": 50.0, "file_bytes": 3e6, "open_s": 1.0}

# Milliseconds from each of some strokes to the frame that shows the answer to it.
STROKES = """
const [count, done] = arguments;
const pad = document.querySelector(".pad");
const box = pad.getBoundingClientRect();
const frame = () => new Promise((next) => { requestAnimationFrame(next); });
const stroke = (type, k) => pad.dispatchEvent(new PointerEvent(type, {
  bubbles: true, pointerId: 1,
  clientX: box.left + 100 + 60 * Math.cos(k / 4), clientY: box.top + 100 + 70 * Math.sin(k / 4),
}));
(async () => {
  const times = [];
  stroke("pointerdown", 0);
  for (let k = 1; k <= count; k++) {
    await frame();
    const before = npcnn.app.pass;
    const start = performance.now();
    stroke("pointermove", k);
    while (npcnn.app.pass === before) await frame();
    await frame();
    times.push(performance.now() - start);
  }
  stroke("pointerup", count);
  return times;
})().then(done);
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=60_000, help="drawn digits an epoch")
    parser.add_argument("--batch-size", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--strokes", type=int, default=40)
    arguments = parser.parse_args()

    sys.path.insert(0, str(ROOT / "tests"))
    import chromium
    from common import machine, others, save, spread

    import npcnn

    npcnn.set_num_threads(arguments.threads)
    browser = chromium.start()
    if browser is None:
        sys.exit(chromium.HOW)
    try:
        chromium.resize(browser, 1600)
        epochs = epoch_times(browser, arguments)
        strokes, opened, size = page_times(browser, arguments)
    finally:
        browser.quit()
    alone, watched = (spread(epochs[kind]) for kind in ("alone", "page"))
    found = {
        "epoch": watched["median"] / alone["median"] - 1, "stroke_ms": spread(strokes)["median"],
        "file_bytes": size, "open_s": spread(opened)["median"],
    }  # fmt: skip
    print(f"epoch alone {alone['median']:.2f} s, with a page {watched['median']:.2f} s: ", end="")
    print(f"{found['epoch']:+.1%}; {epochs['frames'][-1]:.0f} sets of weights told an epoch")
    print(
        f"a stroke is answered after {found['stroke_ms']:.0f} ms; {size / 1e6:.2f} MB, open in ",
        end="",
    )
    print(f"{found['open_s']:.2f} s")
    result = {
        "machine": machine(arguments.threads), "backend": npcnn.get_backend(),
        "pictures": arguments.pictures, "batch": arguments.batch_size,
        "epoch": {kind: spread(values) for kind, values in epochs.items()},
        "stroke_ms": spread(strokes), "open_s": spread(opened), "file_bytes": size,
        "page_share": found["epoch"],
    }  # fmt: skip
    save("page_cost", result, others(parser, arguments, "threads", "repeats", "strokes"))
    above = [name for name, most in LIMITS.items() if found[name] > most]
    if above:
        sys.exit(f"above what was promised: {', '.join(above)}")


def digits(count: int) -> Any:
    """Return drawn digits, 0 … 1, and their classes."""
    import numpy as np

    from npcnn.datasets import draw_digits

    x, y = draw_digits(min(count, 10_000), seed=1)
    times = -(-count // len(x))
    return np.tile(x[..., None] / np.float32(255), (times, 1, 1, 1))[:count], np.tile(y, times)[
        :count
    ]


def document() -> Any:
    """Return the document's network, compiled."""
    from networks import NETWORKS, keras_like

    import npcnn

    npcnn.set_random_seed(0)
    model = keras_like(npcnn, NETWORKS["document"])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def epoch_times(browser: Any, arguments: argparse.Namespace) -> dict[str, list[float]]:
    """Return seconds of epochs by `fit` alone and with a page looking on, and its frames."""
    import chromium

    from npcnn.page.server import Explorer

    x, y = digits(arguments.pictures)
    model = document()
    explorer = Explorer(model, x, y)
    trainer = explorer.channels[0].trainer
    trainer.ask({"do": "set", "batch_size": arguments.batch_size})
    addresses: list[str] = []
    serving = threading.Thread(target=explorer.serve, kwargs={"ready": addresses.append})
    serving.start()
    while not explorer.running:
        time.sleep(0.01)
    seconds: dict[str, list[float]] = {"alone": [], "page": [], "frames": []}
    try:
        for turn in range(arguments.repeats + 1):  # the first one compiles
            browser.get("about:blank")
            start = time.perf_counter()
            model.fit(x, y, batch_size=arguments.batch_size, verbose=0)
            alone = time.perf_counter() - start
            browser.get(f"{addresses[0]}#lang=en")
            chromium.wait(browser, "return window.npcnn?.app.line?.header")
            browser.find_element("css selector", "[data-tab=train]").click()
            told, epoch = explorer.channels[0].version, trainer.epoch
            start = time.perf_counter()
            trainer.ask({"do": "epochs", "count": 1})
            while trainer.epoch == epoch:
                time.sleep(0.002)
            watched = time.perf_counter() - start
            if turn:
                seconds["alone"].append(alone)
                seconds["page"].append(watched)
                seconds["frames"].append(explorer.channels[0].version - told)
    finally:
        browser.get("about:blank")
        explorer.server.should_exit = True
        serving.join()
    return seconds


def page_times(browser: Any, arguments: argparse.Namespace) -> tuple[list[float], list[float], int]:
    """Return a stroke's milliseconds, seconds until a page from disk is ready, its bytes."""
    import chromium

    import npcnn

    x, y = digits(1000)
    opened = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        npcnn.save_page(document(), path, x, y)
        for _ in range(arguments.repeats):
            browser.get("about:blank")
            start = time.perf_counter()
            browser.get(f"{path.as_uri()}#lang=en")
            chromium.wait(browser, "return window.npcnn?.app.ready")
            opened.append(time.perf_counter() - start)
        strokes = browser.execute_async_script(STROKES, arguments.strokes)
        return strokes, opened, path.stat().st_size


if __name__ == "__main__":
    main()
