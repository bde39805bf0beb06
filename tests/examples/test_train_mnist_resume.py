"""`train_mnist.py --checkpoint … --resume`: killed, and gone on with."""

import os
import signal

import numpy as np
import pytest
from runs import EXAMPLES, finish, prepared

import npcnn


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_and_resumed_it_ends_where_it_would_have(small_mnist, tmp_path):
    checkpoint = tmp_path / "run.keras"

    def arguments(folder, *more):
        data = ["--data", str(small_mnist), "--epochs", "2", "--batch-size", "1"]
        return [*data, "--out", str(tmp_path / folder), *more]

    def run(folder, *more, before=""):
        program = prepared(before, EXAMPLES / "train_mnist.py", *arguments(folder, *more))
        return finish(program, cwd=tmp_path)

    assert run("whole").returncode == 0
    resume = ("--checkpoint", str(checkpoint), "--resume")
    # It kills itself in the step after the first that leaves a checkpoint.
    killing = (
        "import os, signal\n"
        "from npcnn.callbacks import History\n"
        "def kill(self, batch, logs=None):\n"
        f"    if os.path.exists({str(checkpoint)!r}):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "History.on_train_batch_begin = kill\n"
    )
    assert run("killed", *resume, before=killing).returncode == -signal.SIGKILL
    assert not os.path.exists(tmp_path / "killed" / "model.h5")
    printed = run("resumed", *resume).stdout
    assert f"Resumed from {checkpoint}: epoch 2 of 2, step 80 of 120" in printed
    first, second = (npcnn.load_model(tmp_path / f / "model.h5") for f in ("whole", "resumed"))
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_resume_needs_a_checkpoint(example, capsys):
    with pytest.raises(SystemExit):
        example("train_mnist").main(["--resume"])
    assert "--resume needs --checkpoint" in capsys.readouterr().err


def test_a_run_that_begins_says_so(example, small_mnist, tmp_path, capsys):
    where = ["--data", str(small_mnist), "--out", str(tmp_path), "--epochs", "1"]
    checkpoint = tmp_path / "run.keras"
    assert example("train_mnist").main([*where, "--resume", "--checkpoint", str(checkpoint)]) == 0
    assert f"No checkpoint {checkpoint} yet: the run starts afresh." in capsys.readouterr().out
