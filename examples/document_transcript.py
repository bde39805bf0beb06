"""The document's own run as data: its printed transcript, kept word for word, parsed.

`HISTORY` has the form of `fit(...).history`: name → one number an epoch.
"""

import re
from pathlib import Path

TRANSCRIPT = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")


def parse(transcript: str) -> dict[str, list[float]]:
    """Return the curves of a run printed with verbose=2, and its whole seconds as 'seconds'.

    >>> parse("1000/1000 - 14s - loss: 1.0605 - accuracy: 0.7674 - 14s/epoch - 14ms/step")
    {'seconds': [14.0], 'loss': [1.0605], 'accuracy': [0.7674]}
    """
    curves: dict[str, list[float]] = {}
    for line in transcript.splitlines():
        epoch = re.match(r"\d+/\d+ - (\d+)s - (.*)", line)
        if epoch is None:  # 'Epoch 1/25'
            continue
        curves.setdefault("seconds", []).append(float(epoch[1]))
        for name, value in re.findall(r"(\w+): ([\d.]+(?:e[+-]\d+)?)", epoch[2]):
            curves.setdefault(name, []).append(float(value))
    return curves


HISTORY = parse(TRANSCRIPT)
