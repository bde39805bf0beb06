"""One batch's way from `fit` to a convolution's loops: the files that docs/speed.md lists."""

import re
import sys
from pathlib import Path

import pytest
from models import small_data
from runs import ROOT

import npcnn
from npcnn import layers
from npcnn.backend import using
from npcnn.kernels.run import crew
from npcnn.kernels.run.compile import JIT

PACKAGE = Path(npcnn.__file__).parent


def listed(page):
    """Return the files of the page's table, in order."""
    text = (ROOT / page).read_text("utf-8")
    section = text.split("\n## ")[1]
    return re.findall(r"^\| `(npcnn/\S+)` \|", section, re.MULTILINE)


@pytest.mark.skipif(not JIT, reason="nothing is compiled")
@pytest.mark.parametrize("page", ["docs/speed.md", "docs/speed.zh-CN.md"])
def test_the_walk_of_a_batch(page, monkeypatch):
    found = []

    def look(*arguments):
        """Stand in for the threads: note who is on the stack, the first time."""
        frame, files = sys._getframe(), []
        while frame is not None:
            name = Path(frame.f_code.co_filename)
            if PACKAGE in name.parents:
                files.append("npcnn/" + name.relative_to(PACKAGE).as_posix())
            frame = frame.f_back
        if not found and "npcnn/kernels/conv.py" in files:
            found.extend([*dict.fromkeys(files[::-1]), "npcnn/kernels/run/crew.py"])
        return lead(*arguments)

    lead = crew.lead
    monkeypatch.setattr(crew, "lead", look)
    model = npcnn.Sequential(
        [
            layers.Conv2D(2, 3, activation="relu"), layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    with using("numba"):
        model.fit(*small_data(), verbose=0)
    assert found == listed(page)
    assert len(found) <= 10
