"""How that is installed which npcnn needs for some purposes only."""

from __future__ import annotations


def how(extra: str) -> str:
    """Return the command for one of pyproject.toml's extras: from the clone, as the README does.

    >>> how("onnx")
    'python -m pip install -e ".[onnx]" in the clone of npcnn'
    """
    return f'python -m pip install -e ".[{extra}]" in the clone of npcnn'
