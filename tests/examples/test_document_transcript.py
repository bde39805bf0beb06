import re

import pytest


@pytest.fixture
def transcript(example):
    return example("document_transcript")


def test_the_document_ran_25_epochs(transcript):
    assert {name: len(values) for name, values in transcript.HISTORY.items()} == {
        "seconds": 25, "loss": 25, "accuracy": 25, "val_loss": 25, "val_accuracy": 25
    }  # fmt: skip


def test_its_first_and_last_epoch_are_as_printed(transcript):
    history = transcript.HISTORY
    first = {name: values[0] for name, values in history.items()}
    last = {name: values[-1] for name, values in history.items()}
    assert first == {
        "seconds": 14, "loss": 1.0605, "accuracy": 0.7674, "val_loss": 0.1239,
        "val_accuracy": 0.9619,
    }  # fmt: skip
    assert last == {
        "seconds": 16, "loss": 0.0307, "accuracy": 0.9903, "val_loss": 0.046,
        "val_accuracy": 0.9885,
    }  # fmt: skip
    assert max(history["val_accuracy"]) == history["val_accuracy"][16] == 0.99


def test_every_epoch_has_its_title_line(transcript):
    titles = [line for line in transcript.TRANSCRIPT.splitlines() if line.startswith("Epoch")]
    assert titles == [f"Epoch {k}/25" for k in range(1, 26)]


def test_every_number_is_parsed(transcript):
    printed = re.findall(r"\d\.\d{4}", transcript.TRANSCRIPT)
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    rows = zip(*(transcript.HISTORY[name] for name in names), strict=True)
    assert [f"{value:.4f}" for row in rows for value in row] == printed


def test_what_npcnn_prints_can_be_parsed_too(transcript):
    line = "2/2 - 3s - loss: 5.0000e-04 - accuracy: 1.0000 - 3s/epoch - 1s/step"
    assert transcript.parse(line) == {"seconds": [3.0], "loss": [0.0005], "accuracy": [1.0]}
