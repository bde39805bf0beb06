# ruff: noqa: E501 - Chinese characters count as two
"""One digit from its pixels to the answer, and back from the loss to a weight: an HTML report.

python examples/look_inside.py                      # with out/model.h5 of train_mnist.py
python examples/look_inside.py --train 6000         # train a few steps first, here
python examples/look_inside.py --digit 8 --language zh

The report is one file without links to anything; its pictures are in it.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from digits import Digits, find_digits
from look_inside_chinese import family, in_chinese
from look_inside_page import Page
from look_inside_text import (
    Digit,
    about_the_filters,
    explain_mistake,
    named,
    walk_back,
    walk_forward,
    where_in_the_code,
)
from train_mnist import create_model

import npcnn
from npcnn import Sequential, plots
from npcnn.checks import ArgumentError, NpcnnError, message
from npcnn.files import atomic_write
from npcnn.losses import SparseCategoricalCrossentropy
from npcnn.utils import to_categorical


def targets(model: Sequential, labels: np.ndarray) -> np.ndarray:
    """Return labels as the model's loss takes them."""
    if isinstance(model.objective.losses[0], SparseCategoricalCrossentropy):
        return labels
    return to_categorical(labels, 10)


def trained(options: argparse.Namespace, digits: Digits) -> tuple[Sequential, list[bytes]]:
    """Return a trained network, and GIFs of its first filters if it was trained here."""
    path = Path(options.model)
    if not options.train and path.is_file():
        print(f"network: {path}")
        return npcnn.load_model(path), []
    count = options.train or 6000
    print(f"network: the document's, trained now on {count:,} of {digits.name}")
    model = create_model()
    x, y = digits.x_train[:count, ..., np.newaxis], targets(model, digits.y_train[:count])
    with tempfile.TemporaryDirectory() as folder:
        run, gif = Path(folder) / "run.npz", Path(folder) / "filters.gif"
        recorder = npcnn.Recorder(run, max_frames=40)
        model.fit(x, y, batch_size=60, epochs=options.epochs, verbose=2, callbacks=[recorder])
        gifs = []
        for retouch in (None, in_chinese) if family() else (None,):
            plots.filter_gif(npcnn.load_recording(run), gif, retouch=retouch)
            gifs.append(gif.read_bytes())
        return model, gifs


def digit(model: Sequential, digits: Digits, number: int) -> Digit:
    """Return a test image with the trace of a training step on it alone."""
    x = digits.x_test[number : number + 1, ..., np.newaxis]
    y = targets(model, digits.y_test[number : number + 1])
    trace = npcnn.trace(model, x, y)
    return Digit(number, int(digits.y_test[number]), trace, y)


def choose_right(outputs: np.ndarray, labels: np.ndarray) -> int:
    """Return the first image answered right with a little doubt: certainty has no gradient."""
    sure = outputs[np.arange(len(labels)), labels]
    doubted = np.flatnonzero((outputs.argmax(axis=1) == labels) & (sure > 0.7) & (sure < 0.95))
    return int(doubted[0]) if len(doubted) else 0


def choose_mistake(outputs: np.ndarray, labels: np.ndarray) -> int | None:
    """Return the mistake with the right class in second place whose answer is the surest."""
    order = np.argsort(-outputs, axis=1)
    wrong = np.flatnonzero(order[:, 0] != labels)
    close = wrong[order[wrong, 1] == labels[wrong]]
    if not len(wrong):
        return None
    among = close if len(close) else wrong
    sure = outputs[among].max(axis=1)
    return int(among[np.argmin(np.abs(sure - 0.75))])


def main(arguments: list[str] | None = None) -> int:
    """Write the report; return 0, or 2 after saying what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="out/model.h5", help="a model that train_mnist.py saved")
    parser.add_argument("--data", help="a folder with MNIST's four files")
    parser.add_argument("--train", type=int, help="train on so many images instead of loading")
    parser.add_argument("--epochs", type=int, default=4, help="epochs of that training")
    parser.add_argument("--digit", type=int, help="which test image to walk with")
    parser.add_argument("--language", default="en", choices=("en", "zh"), help="shown first")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default="out/look_inside.html")
    options = parser.parse_args(arguments)
    try:
        write(options)
    except NpcnnError as error:
        print(f"look_inside.py: {error}", file=sys.stderr)
        return 2
    return 0


def write(options: argparse.Namespace) -> None:
    """Write the report."""
    npcnn.set_random_seed(options.seed)
    digits = find_digits(options.data, drawn=(6000, 2000))
    if options.digit is not None and not 0 <= options.digit < len(digits.x_test):
        expected = f"a test image, 0 to {len(digits.x_test) - 1}"
        raise ArgumentError(message("--digit", expected, str(options.digit), "name another"))
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    model, gifs = trained(options, digits)
    x_test = digits.x_test[..., np.newaxis]
    outputs = model.predict(x_test, verbose=0)
    right = float((outputs.argmax(axis=1) == digits.y_test).mean())
    number = choose_right(outputs, digits.y_test) if options.digit is None else options.digit
    chosen = digit(model, digits, number)
    page = Page(
        f"Inside a network that reads {named(chosen.label)}", f"走进识别 {chosen.label} 的网络"
    )
    page.text(
        f"Test image {chosen.number} of {digits.name} is {named(chosen.label)}. This is everything that "
        f"the network of {model.count_params():,} parameters computes about it, forward and back, "
        f"with the numbers of this very picture. It answers {right:.2%} of the "
        f"{len(x_test):,} test images right.",
        f"{digits.name} 的第 {chosen.number} 张测试图是 {chosen.label}。本页用这张图自己的数字，展示一个有 "
        f"{model.count_params():,} 个参数的网络在前向与反向中对它所做的全部计算。该网络答对了 "
        f"{len(x_test):,} 张测试图中的 {right:.2%}。",
    )
    walk_forward(page, model, chosen)
    walk_back(page, model, chosen)
    mistake = choose_mistake(outputs, digits.y_test)
    if mistake is None:
        page.section("6. No mistake to explain", "6. 没有可解释的错误")
        page.text("Every test image is answered right.", "所有测试图都答对了。")
    else:
        explain_mistake(page, model, digit(model, digits, mistake))
    about_the_filters(page, model, x_test, gifs)
    where_in_the_code(page)
    with atomic_write(out) as temporary:
        temporary.write_text(page.html(options.language), encoding="utf-8")
    print(f"written: {out} ({out.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    sys.exit(main())
