"""The page's own program, JavaScript: its modules as one, and which layers it computes."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

IMPORT = re.compile(r'^import (?:\{[^}]*\} from )?"([^"]+)";\n', re.MULTILINE)
ROOM = re.compile(r"^room\(\[(.*?)\]", re.MULTILINE | re.DOTALL)  # engine/rooms.js
ACTIVATION = re.compile(r"^  (\w+): \[", re.MULTILINE)  # of the tables in engine/activations.js


@cache
def kinds() -> frozenset[str]:
    """Return the kinds of layers that the page computes by itself: what its rooms say they make.

    >>> "Conv2D" in kinds(), "Dropout" in kinds()
    (True, False)
    """
    return frozenset(re.findall(r'"(\w+)"', "".join(ROOM.findall(bundle()))))


@cache
def activations() -> frozenset[str]:
    """Return the activations that the page computes by itself.

    >>> "gelu" in activations()
    True
    """
    return frozenset(ACTIVATION.findall(read("engine/activations.js")))


def read(name: str) -> str:
    """Return a file of the page."""
    return (resources.files("npcnn.page") / "web" / name).read_text(encoding="utf-8")


@cache
def bundle() -> str:
    """Return the page's modules as one, each behind those that it imports.

    A page opened from disk may not load modules. Ours import by name only, from files beside them,
    and no two say the same name for different things: put one behind the other, without the words
    `import` and `export`, they are one program.
    """
    done: dict[str, str] = {}

    def visit(name: str) -> None:
        text = read(name)
        for found in IMPORT.findall(text):
            target = _beside(name, found)
            if target not in done:
                visit(target)
        done[name] = re.sub(r"^export ", "", IMPORT.sub("", text), flags=re.MULTILINE)

    visit("main.js")
    return "\n" + "\n".join(f"// {name}\n{text}" for name, text in done.items())


def _beside(name: str, target: str) -> str:
    """Return the path that a module's import means.

    >>> _beside("engine/dense.js", "./tensor.js"), _beside("parts/pad.js", "../main.js")
    ('engine/tensor.js', 'main.js')
    """
    parts = name.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
