"""The package page's text: the README, whose relative addresses mean nothing there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

FENCE_OR_LINK = re.compile(
    r"^```.*?^```|(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<path>[^):]+)\)", re.DOTALL | re.MULTILINE
)


def page_text(readme: str, pictures: str, pages: str) -> str:
    """Return the README with absolute addresses, or with names of files where none is set.

    Args:
        readme: Markdown.
        pictures: address of the folder that serves the repository's files as they are, or "".
        pages: address of the folder that shows the repository's files, or "".
    """

    def absolute(match: re.Match[str]) -> str:
        text, path = match["text"], match["path"]
        if path is None:  # a block of code
            return match[0]
        base = pictures if match["picture"] else pages
        if base:
            return f"{match['picture']}[{text}]({base.rstrip('/')}/{path})"
        return text if text == path else f"{text} (`{path}`)"

    return FENCE_OR_LINK.sub(absolute, readme)


class PackagePage(MetadataHookInterface):
    """Give the metadata its long description; the addresses stand in pyproject.toml."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Put the README into the metadata."""
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        text = page_text(readme, self.config["pictures"], self.config["pages"])
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
