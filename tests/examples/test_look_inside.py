import base64
import html
import importlib
import re

import numpy as np
import pytest
import sample_networks as networks

import npcnn


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of drawn digits laid out like MNIST, with a model trained a little on them."""
    folder = tmp_path_factory.mktemp("digits")
    for part, n in (("train", 300), ("t10k", 60)):
        images, labels = npcnn.datasets.draw_digits(n, seed=n)
        npcnn.datasets.write_idx(folder / f"{part}-images-idx3-ubyte", images)
        npcnn.datasets.write_idx(folder / f"{part}-labels-idx1-ubyte", labels)
        if n == 300:
            npcnn.set_random_seed(1)
            model = networks.document_network(dropout=0.2)
            model.fit(images[..., None], labels, batch_size=20, epochs=6, verbose=0)
            model.save(folder / "model.h5")
    return folder


@pytest.fixture
def write(example, folder, tmp_path):
    """Return a function that runs the example and returns the report."""

    def run(*arguments):
        out = tmp_path / "report.html"
        command = ["--data", str(folder), "--out", str(out), *arguments]
        assert example("look_inside").main(command) == 0
        return out.read_text(encoding="utf-8")

    return run


# What stays in Chinese: names of layers and functions, and of what has no other name.
KEPT = {"relu", "ReLU", "softmax", "logits", "max", "exp"}
KEPT |= {"conv", "pooling", "dense", "flatten", "dropout"}


def test_the_report_is_whole_and_its_numbers_are_the_digits(write, example, folder, monkeypatch):
    module = example("look_inside_chinese")
    said, say = [], module.chinese
    monkeypatch.setattr(module, "chinese", lambda text: said.append(text) or say(text))
    monkeypatch.setattr(example("look_inside_page"), "chinese", module.chinese)
    text = write("--model", str(folder / "model.h5"), "--digit", "7")
    assert not re.search(r"(?:src|href)\s*=\s*[\"'](?!data:)", text)  # no links to anything
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", text)
    pictures = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", text)
    assert len(pictures) == (14 if example("look_inside_chinese").family() else 7)
    assert all(base64.b64decode(p)[1:4] == b"PNG" for p in pictures)
    assert text.count('<h2 lang="en">') == text.count('<h2 lang="zh">') == 8
    assert text.count('<p lang="en">') == text.count('<p lang="zh">')
    assert re.search(r"6\. A mistake: test image \d+ is an? \d, the network says \d", text)
    pair = [re.findall(rf'<pre lang="{one}">(.*?)</pre>', text, re.S) for one in ("en", "zh")]
    english, blocks = ([html.unescape(block) for block in one] for one in pair)
    numbers = re.compile(r"\d+(?:\.\d+)?")
    for one, other in zip(english, blocks, strict=True):
        assert sorted(numbers.findall(one)) == sorted(numbers.findall(other))
    # No word of English is left in the blocks and, where there is a font, in the figures.
    figures = [module.by_lines(one) for one in set(said) - set(english)]
    left = {word for words in blocks + figures for word in re.findall(r"[A-Za-z]{3,}", words)}
    assert left - KEPT == set()
    assert re.search(r"all [\d,]+ entries are right, within 1e-09", text)
    assert "WRONG" not in text

    model = npcnn.load_model(folder / "model.h5")
    (_, _), (x, y) = npcnn.datasets.load_mnist(folder)
    trace = npcnn.trace(model, x[7:8, ..., None], y[7:8])
    assert (
        f"Test image 7 of the data in {folder.name} is {'an' if y[7] == 8 else 'a'} {y[7]}" in text
    )
    p = trace.outputs[0, y[7]]
    assert f"The loss is −ln {p:.6g} = {trace.loss:.6g}." in text
    largest = np.unravel_index(trace["conv2d"].activation[0].argmax(), (28, 28, 5))
    row, col, filter = map(int, largest)
    assert f"conv2d: sample 0, row {row}, column {col}, filter {filter}" in text
    assert str(trace.window("conv2d", 0, row, col, filter)) in html.unescape(text)


def test_without_a_model_one_is_trained(write, capsys):
    text = write("--train", "100", "--epochs", "2", "--language", "zh")
    assert "trained now on 100" in capsys.readouterr().out
    assert 'id="zh" checked' in text
    words = importlib.import_module("look_inside_chinese")
    of_both = re.findall(r'lang="(\w\w)"><img src="data:image/gif;base64,', text)
    assert of_both == (["en", "zh"] if words.family() else [])
    assert (
        words.by_lines("conv2d after 1,000 steps, loss 0.25") == "conv2d：1,000 步之后，损失 0.25"
    )


def test_a_wrong_digit_is_one_line(example, folder, capsys):
    assert example("look_inside").main(["--data", str(folder), "--digit", "60"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "look_inside.py: --digit: expected a test image, 0 to 59, got 60; name another."
    ]


def test_texts_are_escaped(example):
    made = example("look_inside_page").Page("<b>", "&")
    made.text("a < b `x>y`", "甲 < 乙")
    made.formula("<script>")
    made.table([("h<", "表<")], [["<i>", 1.5]])
    text = made.html()
    assert "<script>" not in text
    assert "<i>" not in text
    assert "a &lt; b <code>x&gt;y</code>" in text
    assert '<td class="number">1.500</td>' in text
    assert "<title>&lt;b&gt; · &amp;</title>" in text
