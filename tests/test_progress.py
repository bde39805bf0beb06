import errno
import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from models import small_data, small_model

import npcnn
from npcnn.progress import EpochPrinter, format_duration, format_line, format_value

ROOT = Path(__file__).resolve().parent.parent
TRANSCRIPT = (ROOT / "examples" / "document_transcript.txt").read_text("utf-8").splitlines()
LINES = [line for line in TRANSCRIPT if line.startswith("1000/1000")]


@pytest.mark.parametrize("line", LINES)
def test_every_line_of_the_document(line):
    """The numbers of the document's run, printed again, give its transcript to the character."""
    numbers = {name: float(value) for name, value in re.findall(r"(\w+): ([\d.]+)", line)}
    seconds = float(line.split(" - ")[1].rstrip("s"))
    assert format_line(1000, seconds, numbers) == line


def test_the_documents_transcript_is_whole():
    assert len(LINES) == 25
    assert [line for line in TRANSCRIPT if line.startswith("Epoch")] == [
        f"Epoch {epoch}/25" for epoch in range(1, 26)
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.06049, "1.0605"), (0.0011, "0.0011"), (0.001, "1.0000e-03"), (0.0, "0.0000e+00"),
        (-0.5, "-0.5000"), (12345.6, "12345.6000"), (3.2e-9, "3.2000e-09"), (float("nan"), "nan"),
    ],
)  # fmt: skip
def test_values(value, text):
    assert format_value(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(14.4, "14s/step"), (1.0, "1s/step"), (0.0142, "14ms/step"), (2.5e-5, "25us/step"),
     (0, "0s/step")],
)  # fmt: skip
def test_durations(seconds, text):
    assert format_duration(seconds, "step") == text


def test_verbose_2_prints_the_documents_form(capsys, monkeypatch):
    monkeypatch.setattr(time, "perf_counter", lambda: 100.0)  # on a busy machine it takes seconds
    model = small_model()
    x, y = small_data(30)
    history = model.fit(x, y, 10, 2, 2, validation_data=(x, y)).history
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2"
    assert lines[2] == "Epoch 2/2"
    for epoch in range(2):
        names = ["loss", "accuracy", "val_loss", "val_accuracy"]
        shown = " - ".join(f"{k}: {format_value(history[k][epoch])}" for k in names)
        assert lines[1 + 2 * epoch] == f"3/3 - 0s - {shown} - 0s/epoch - 0s/step"
    assert len(lines) == 4


def test_verbose_1_prints_plain_lines_without_a_terminal(capsys):
    model = small_model()
    x, y = small_data(30)
    model.fit(x, y, 10, 1, 1)
    model.evaluate(x, y, 10, verbose=1)
    model.predict(x, 10, verbose=1)
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert [line.split(" - ")[0] for line in lines] == ["Epoch 1/1", "3/3", "3/3", "3/3"]
    assert "\r" not in captured.out
    assert captured.err == ""


@pytest.mark.parametrize("verbose", [0, False])
def test_verbose_0_prints_nothing(capsys, verbose):
    model = small_model()
    x, y = small_data()
    model.fit(x, y, verbose=verbose, validation_split=0.2)
    model.evaluate(x, y, verbose=verbose)
    model.predict(x, verbose=verbose)
    assert capsys.readouterr() == ("", "")


def test_the_printer_asks_for_numbers_only_to_show_them(capsys):
    def never():
        raise AssertionError("asked")

    printer = EpochPrinter(2, 3, None)
    printer.step(never)
    printer.close()
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are a Unix thing")
def test_a_bar_on_a_terminal():
    """On a pseudo-terminal the bar is drawn in place, and the epoch's line stands at the end."""
    import pty

    source = (
        "import time\n"
        "now = 100.0\n"
        "time.time = time.perf_counter = time.monotonic = lambda: now\n"
        "from npcnn.progress import EpochPrinter\n"
        "printer = EpochPrinter(1, 4, 'Epoch 1/2')\n"
        "for step in range(4):\n"
        "    now += 0.15\n"
        "    printer.step(lambda: {'loss': 0.5})\n"
        "printer.close({'loss': 0.25})\n"
    )
    master, slave = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", source],
        stdout=slave, stderr=subprocess.PIPE, stdin=slave, env=environment,
    ) as process:  # fmt: skip
        os.close(slave)
        output = b""
        try:
            while part := os.read(master, 4096):
                output += part
        except OSError:  # how Linux says that the other end is closed
            pass
        errors = process.stderr.read()
    os.close(master)
    assert process.returncode == 0, errors
    text = output.decode()
    assert text.startswith("Epoch 1/2\r\n")
    assert re.search(r"\r0/4 .*\r1/4 .*loss: 0\.5000.*\r2/4 .*\r3/4", text)
    last = text.replace("\r\n", "\n").rstrip("\n").split("\r")[-1]
    assert last == "4/4 - 1s - loss: 0.2500 - 600ms/epoch - 150ms/step"


ODD = """
import io, sys
import npcnn, numpy as np
from npcnn import layers

class OnlyWrites:
    text = ""
    def write(self, text):
        self.text += text

class AsciiTerminal(io.TextIOWrapper):
    def isatty(self):
        return True

class Size(npcnn.metrics.SparseCategoricalAccuracy):
    def __init__(self):
        super().__init__()
        self.name = "gr\\xf6\\xdfe"

streams = {{"none": None, "writes": OnlyWrites(), "plain": sys.stdout,
           "terminal": AsciiTerminal(io.BytesIO(), "ascii")}}
sys.stdout, out = streams[{kind!r}], sys.stdout
if {kind!r} == "none":
    sys.stderr = None
model = npcnn.Sequential([layers.Input((4,)), layers.Dense(3, "softmax", name="gr\\xf6\\xdfe")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=[Size()])
x, y = np.ones((9, 4)), np.arange(9) % 3
stop = npcnn.callbacks.EarlyStopping("loss", patience=0, min_delta=9, verbose=1)
for verbose in (1, 2):
    model.fit(x, y, 3, 3, verbose=verbose, callbacks=[stop])
model.evaluate(x, y, verbose=1)
model.predict(x, verbose=1)
model.summary()
seen, sys.stdout = sys.stdout, out
if {kind!r} == "writes":
    print(seen.text)
elif {kind!r} == "terminal":
    seen.flush()
    print(seen.buffer.getvalue().decode("ascii"))
"""


@pytest.mark.parametrize("kind", ["none", "writes", "plain", "terminal"])
def test_streams_that_lack_something(run_python, kind):
    """No stream, one that only has `write`, and ASCII, in the C locale and on a terminal."""
    c_locale = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    encoding = {"PYTHONIOENCODING": "ascii" if kind == "plain" else "utf-8"}
    shown = run_python(ODD.format(kind=kind), NPCNN_BACKEND="numpy", **c_locale, **encoding)
    if kind == "none":
        assert shown == ""
        return
    assert "Epoch 1/3" in shown
    assert "early stopping" in shown
    assert ("größe" if kind == "writes" else r"gr\xf6\xdfe") in shown


class Gone(io.StringIO):
    """A stream that takes some lines, and then nothing more."""

    terminal, error, lines = False, errno.EIO, 3

    def isatty(self):
        return self.terminal and super().isatty() is not None

    def write(self, text):
        self.lines -= 1
        if self.lines < 0:
            raise OSError(self.error, os.strerror(self.error))
        return super().write(text)

    def flush(self):
        if self.lines < 0:
            raise OSError(self.error, os.strerror(self.error))


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("what", [errno.EIO, errno.EPIPE, errno.ENOSPC, "closed"])
def test_what_nobody_can_read_stops_no_training(what, terminal, monkeypatch):
    """A terminal that is gone, a pipe without a reader, a full disk, a closed stream."""
    stream = Gone()
    stream.terminal = terminal
    if what == "closed":
        stream.lines = 10**6
        stream.close()
    else:
        stream.error = what
    model, (x, y) = small_model(), small_data()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    stop = npcnn.callbacks.EarlyStopping("loss", patience=0, min_delta=9, verbose=1)
    for verbose in (1, 2):
        history = model.fit(x, y, 16, 3, verbose=verbose, callbacks=[stop]).history
        assert len(history["loss"]) == 2
    model.evaluate(x, y, verbose=1)
    model.predict(x, verbose=1)
    model.summary()
