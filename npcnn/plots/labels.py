"""Names of classes in pictures."""

from __future__ import annotations

import re


def name_lines(name: str, most: int = 16) -> list[str]:
    """Return a class's name in one line or two, cut where a word ends.

    >>> name_lines("MaxPooling2D"), name_lines("SqueezeAndExcitationBlock")
    (['MaxPooling2D'], ['SqueezeAnd', 'ExcitationBlock'])
    """
    if len(name) <= most:
        return [name]
    words = re.findall(r"[A-Z]?[^A-Z]+|[A-Z]+", name)
    cuts = [len("".join(words[: k + 1])) for k in range(len(words) - 1)]
    cut = min(cuts, key=lambda place: abs(place - len(name) / 2), default=most)
    lines = [name[:cut], name[cut:]]
    return [line if len(line) <= most else line[: most - 1] + "…" for line in lines]
