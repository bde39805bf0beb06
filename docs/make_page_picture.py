"""Make the moving picture of the page's first minute: docs/pictures/page.webp and page.zh-CN.webp.

    python docs/make_page_picture.py     # needs Chromium, selenium and MNIST

The tests' browser opens a page that was saved with its recording, draws a digit with pointer events
and clicks; each frame is a screenshot.
"""

from __future__ import annotations

import argparse
import base64
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "examples")]

import chromium  # noqa: E402
from digits import find_digits  # noqa: E402
from train_mnist import create_model  # noqa: E402

import npcnn  # noqa: E402
from npcnn.files import atomic_write  # noqa: E402

WIDTH, HEIGHT = 880, 760  # as wide as GitHub shows it: no text becomes smaller than the page's
# A three, in shares of the sheet, as a hand draws it.
THREE = [(0.30, 0.24), (0.42, 0.16), (0.58, 0.17), (0.68, 0.27), (0.64, 0.40), (0.46, 0.47),
         (0.62, 0.52), (0.71, 0.64), (0.65, 0.78), (0.49, 0.85), (0.31, 0.79)]  # fmt: skip
WORDS = {
    "en": {
        "draw": "Draw a digit: the answer follows the pen",
        "point": "Point at a number: what it hangs on lights up",
        "click": "Click it: the sum that made it …",
        "on": "… and on, to the numbers before",
        "pixel": "… down to a pixel",
        "learn": "One update in slow motion: forward, loss, backward, update",
        "replay": "Replay a recorded training: kernels, maps and loss move together",
        "break": "Break it: turn the picture, and see what the answer loses",
        "walk": "A walk of ten stations explains it all",
    },
    "zh": {
        "draw": "写一个数字：答案跟着笔走",
        "point": "指向一个数：它所依赖的部分亮起来",
        "click": "点击它：得出它的那个和……",
        "on": "……再到前面的数",
        "pixel": "……一直到像素",
        "learn": "慢动作看一次更新：前向、损失、反向、更新",
        "replay": "回放一次训练：卷积核、特征图和损失一起变化",
        "break": "破坏它：旋转图片，看答案损失了什么",
        "walk": "十站导览把这一切讲清楚",
    },
}
STAGE = (ROOT / "docs" / "page_stage.js").read_text("utf-8")


def saved_page(folder: Path) -> Path:
    """Return a page of the document's network, trained on MNIST with every step recorded."""
    digits = find_digits(None)
    npcnn.set_random_seed(1)
    model = create_model()
    x, y = digits.x_train[:12000, ..., np.newaxis] / np.float32(255), digits.y_train[:12000]
    x_test = digits.x_test[..., np.newaxis] / np.float32(255)
    loss = "sparse_categorical_crossentropy"
    model.compile("adam", loss, metrics=["accuracy"])
    recorder = npcnn.Recorder(folder / "run.npz", every=10)
    model.fit(x, y, batch_size=60, epochs=2, verbose=2, callbacks=[recorder])
    run = npcnn.load_recording(folder / "run.npz")
    npcnn.save_page(model, folder / "page.html", x_test, digits.y_test, run)
    return folder / "page.html"


class Film:
    """A browser that is looked at, frame by frame."""

    def __init__(self, browser: Any, language: str) -> None:
        self.browser, self.words = browser, WORDS[language]
        self.frames: list[Image.Image] = []
        self.times: list[int] = []

    def caption(self, word: str) -> None:
        """Put words under what follows."""
        self.run("saySomething(arguments[0])", self.words[word])

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.browser.execute_script(script, *arguments)

    def shoot(self, milliseconds: int) -> None:
        """Take a frame, once the page has drawn itself."""
        settled = (
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))"
        )
        self.browser.execute_async_script(settled)
        found = self.browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        self.frames.append(Image.open(io.BytesIO(base64.b64decode(found["data"]))).convert("RGB"))
        self.times.append(milliseconds)

    def pointer(self, kind: str, x: float, y: float, buttons: int = 0) -> None:
        """Move, press or release the mouse."""
        event = {"type": kind, "x": x, "y": y, "buttons": buttons, "clickCount": 1}
        if kind != "mouseMoved" or buttons:
            event["button"] = "left"
        self.browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    def middle(self, selector: str, across: float = 0.5, down: float = 0.5) -> tuple[float, float]:
        """Return a place on an element, once it is on the screen."""
        box = "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
        box += "return [box.left, box.top, box.width, box.height]"
        left, top, width, height = self.run(box, selector)
        return left + across * width, top + down * height

    def click(self, selector: str, *place: float) -> None:
        """Move to an element, and click it."""
        spot = self.middle(selector, *place)
        self.pointer("mouseMoved", *spot)
        self.shoot(350)
        self.press(*spot)

    def press(self, x: float, y: float) -> None:
        """Click where the mouse is."""
        self.pointer("mousePressed", x, y, 1)
        self.pointer("mouseReleased", x, y)

    def save(self, path: Path) -> None:
        """Write the frames as one picture."""
        first, *others = self.frames
        with atomic_write(path) as temporary:
            first.save(
                temporary, "WEBP", save_all=True, append_images=others, duration=self.times,
                loop=0, quality=62, method=3, minimize_size=True, kmin=9, kmax=30,
            )  # fmt: skip


def draw(film: Film) -> None:
    """Draw a digit."""
    film.caption("draw")
    film.click(".clear")
    film.shoot(700)
    for k, place in enumerate(THREE):
        spot = film.middle(".pad", *place)
        film.pointer("mouseMoved", *spot, int(k > 0))
        if k == 0:
            film.pointer("mousePressed", *spot, 1)
        film.shoot(130)
    film.pointer("mouseReleased", *spot)
    film.run("npcnn.app.setTarget(3)")
    film.shoot(1800)


def take_apart(film: Film) -> None:
    """From a number of the second convolution down to a pixel."""
    film.run("npcnn.board.show(2)")
    film.caption("point")
    x, y = film.run("return spotOf(2)")
    for back in (36, 18, 0):
        film.pointer("mouseMoved", x - back, y - back / 2)
        film.shoot(500)
    film.shoot(900)
    film.caption("click")
    film.press(x, y)
    film.shoot(1800)
    for word in ("on", "pixel"):
        film.run("largestCell()")
        film.click(".of-film")
        film.caption(word)
        film.run("npcnn.board.show(npcnn.app.chosen.value)")
        film.shoot(1700)


def learn(film: Film) -> None:
    """One update in slow motion."""
    film.run("npcnn.app.close(); doubted()")
    film.caption("learn")
    film.click("[data-tab=learn]")
    for _ in range(4):
        film.click(".tool .buttons button")
        film.shoot(1300)


def replay(film: Film) -> None:
    """From the first step to the last."""
    film.run("npcnn.app.restore(); npcnn.board.setView('output'); npcnn.board.show(0)")
    film.caption("replay")
    film.click("[data-tab=replay]")
    go = (
        "const slider = document.querySelector('.tool input[type=range]');"
        "slider.value = Math.round(arguments[0] * slider.max);"
        "slider.dispatchEvent(new Event('input'));"
    )
    shares = [0, 0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.55, 0.7, 0.85, 1]
    for share in shares:
        film.run(go, share)
        film.pointer("mouseMoved", *film.middle(".tool input[type=range]", 0.03 + 0.94 * share))
        film.shoot(260)
    film.shoot(1200)
    film.run("npcnn.app.restore()")


def spoil(film: Film) -> None:
    """Turn the picture until the answer is another."""
    film.caption("break")
    film.click("[data-tab=break]")
    turn = (
        "const slider = document.querySelector('[data-change=angle]'); slider.value = arguments[0];"
    )
    turn += "slider.dispatchEvent(new Event('input'));"
    for angle in range(0, 91, 10):
        film.run(turn, angle)
        film.pointer("mouseMoved", *film.middle("[data-change=angle]", 0.5 + angle / 180))
        film.shoot(230)
    film.shoot(1500)
    film.run("npcnn.app.restore()")


def walk(film: Film) -> None:
    """Go to the first stations of the walk."""
    film.run("npcnn.app.useSample(7); scrollTo(0, 0)")
    film.caption("walk")
    film.click(".to-walk")
    for _ in range(3):
        film.shoot(1900)
        film.click(".walk .next")
    film.shoot(2500)


SCENES = (draw, take_apart, learn, replay, spoil, walk)


def filmed(browser: Any, page: Path, languages: list[str]) -> Iterator[tuple[str, Film]]:
    """Return a film for each language."""
    chromium.resize(browser, WIDTH, HEIGHT)
    for language in languages:
        browser.get("about:blank")
        browser.get(f"{page.as_uri()}#lang={language}&theme=light")
        chromium.wait(browser, "return window.npcnn?.app.ready")
        film = Film(browser, language)
        film.run(STAGE)
        for scene in SCENES:
            scene(film)
        yield language, film


def main() -> None:
    """Make both pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", help="a page saved before, in place of one trained now")
    parser.add_argument("--frames", help="a folder for the single frames")
    parser.add_argument("--language", choices=("en", "zh"), help="one of the two alone")
    options = parser.parse_args()
    browser = chromium.start()
    if browser is None:
        sys.exit(chromium.HOW)
    names = {"en": "page.webp", "zh": "page.zh-CN.webp"}
    languages = [options.language] if options.language else list(names)
    try:
        with tempfile.TemporaryDirectory() as folder:
            page = Path(options.page).resolve() if options.page else saved_page(Path(folder))
            for language, film in filmed(browser, page, languages):
                path = ROOT / "docs" / "pictures" / names[language]
                film.save(path)
                seconds = sum(film.times) / 1000
                size = path.stat().st_size
                print(f"{path}: {len(film.frames)} frames, {seconds:.0f} s, {size:,} bytes")
                for k, frame in enumerate(film.frames if options.frames else []):
                    frame.save(Path(options.frames) / f"{language}_{k:02}.png")
    finally:
        browser.quit()


if __name__ == "__main__":
    main()
