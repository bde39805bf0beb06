"""`python -m npcnn explore`: data and names from files, and how it ends."""

import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from page_server import X, Y, asked, small, talk, until
from PIL import Image
from runs import PATIENCE

import npcnn
from npcnn import __main__, layers
from npcnn.page import command, trainer

# What the interpreter would take apart at its end, as compiled kernels are: that takes for ever.
SLOW = """
import builtins, runpy, sys, time
class Slow:
    def __del__(self, sleep=time.sleep):
        sleep(3600)
builtins.slow = Slow()
runpy.run_module("npcnn", run_name="__main__", alter_sys=True)
"""


def test_from_the_command_line(tmp_path):
    """It ends by Ctrl-C, and then does not wait until all is taken apart."""
    small().save(tmp_path / "model.h5")
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    (tmp_path / "names.txt").write_text("\n".join("abcdefghij"), "utf-8")
    given = ["explore", str(tmp_path / "model.h5"), "--no-browser"]
    pipe = subprocess.PIPE
    full = [sys.executable, "-c", SLOW, *given, "--data", str(tmp_path / "data.npz"),
            "--classes", str(tmp_path / "names.txt")]  # fmt: skip
    environment = {**os.environ, "NPCNN_BACKEND": "numpy"}
    with subprocess.Popen(full, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        address = process.stdout.readline().split()[0]
        assert parse_qs(urlsplit(address).query)["token"]
        assert '"class_names": ["a", "b", "c"' in asked(address)[1]
        with talk(address) as page:
            page.send('{"do": "start"}')
            until(page, lambda header: header["epoch"] > 0)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=PATIENCE) == 0
        assert process.stderr.read() == ""
    command = [sys.executable, "-m", "npcnn", *given]
    for wrong, text in (
        (["--data", "none.npz"], "check the path"),
        (["--data", given[1]], "expected an .npz of arrays"),
        (
            ["--data", str(tmp_path / "data.npz"), "--classes", "cat,dog"],
            "expected 10 names, got 2",
        ),
        (["--data", str(tmp_path / "data.npz"), "--classes", "none.txt"], "check the path"),
    ):
        found = subprocess.run([*command, *wrong], capture_output=True, text=True)
        assert found.returncode == 1
        assert text in found.stderr
        assert found.stderr.count("\n") == 1


def test_a_folder_of_pictures_for_each_class(tmp_path, monkeypatch):
    """They come in the size and colours that the model takes, and bring the classes' names."""
    for name, level in (("dark", 0), ("light", 255), ("middle", 128)):
        (tmp_path / name).mkdir()
        for k in range(2):
            Image.new("RGB", (40, 30), (level, level, level)).save(tmp_path / name / f"{k}.png")
    model = npcnn.Sequential(
        [layers.Input((6, 8, 1)), layers.Flatten(), layers.Dense(3, activation="softmax")]
    )
    model.compile("sgd", "categorical_crossentropy")
    model.save(tmp_path / "model.h5")
    monkeypatch.setattr(command, "explore", lambda *given: taken.append(given))
    taken = []
    command.explore_file(str(tmp_path / "model.h5"), str(tmp_path), 255, "", 0, False)
    _, x, y, _, _, _, names = taken[0]
    assert names == ["dark", "light", "middle"]
    assert x.shape == (6, 6, 8, 1)
    shown = {names[k]: round(float(one.mean()), 2) for one, k in zip(x, y.argmax(1), strict=True)}
    assert shown == {"dark": 0.0, "light": 1.0, "middle": 0.5}


def test_the_end_waits_for_steps_together_and_not_for_long(monkeypatch):
    """Of two networks whose kernels compile, say; their threads are daemons."""
    clock = [0.0]

    class Busy:
        def join(self, timeout):
            clock[0] += timeout

    monkeypatch.setattr(trainer.time, "monotonic", lambda: clock[0])
    both = [
        SimpleNamespace(_wishes=threading.Condition(), ended=False, _thread=Busy())
        for _ in range(2)
    ]
    trainer.end(both)
    assert clock[0] == pytest.approx(0.4)
    assert all(one.ended for one in both)


def test_ctrl_c_while_it_loads_is_no_error(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "explore_file", interrupted)
    assert __main__.main(["explore", "model.h5"]) == 130
