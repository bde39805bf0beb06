"""Write the API reference from the docstrings: one page a public module, and a search.

    python docs/make_api.py            # writes docs/api/index.html and the rest
    python docs/make_api.py folder     # writes elsewhere
    python docs/make_api.py folder --without-source  # in half the time

Needs pdoc: python -m pip install -e ".[docs]"
"""

from __future__ import annotations

import argparse
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pdoc

import npcnn

# What models inherit; the errors.
BESIDES = ("npcnn.network", "npcnn.stored", "npcnn.on_batch", "npcnn.checks")


def public(module: ModuleType) -> Iterator[str]:
    """Yield the names of a module and of the public ones that it holds."""
    yield module.__name__
    for name in module.__all__:
        value = getattr(module, name)
        # pdoc sees what a module holds, not what it imports when it is asked.
        setattr(module, name, value)
        if isinstance(value, ModuleType):
            yield from public(value)


def write(folder: Path, source: bool = True) -> None:
    """Write the pages into a folder, with the source of what they tell of or without it."""
    shown = "|".join(re.escape(name) for name in (*public(npcnn), *BESIDES))
    # Where it cannot find a name that only type checkers read, it shows an annotation as written.
    warnings.filterwarnings("ignore", "Error parsing type annotation", UserWarning)
    pdoc.render.configure(
        docformat="google", footer_text=f"npcnn {npcnn.__version__}", show_source=source
    )
    pdoc.pdoc("npcnn", *BESIDES, rf"!(?!({shown})$)", output_directory=folder)
    for page in folder.rglob("*.html"):
        page.write_text(without_dead_links(page.read_text("utf-8")), "utf-8")
    print(f"written: {folder / 'index.html'}")


def without_dead_links(page: str) -> str:
    """Return a page without the links to members of private bases, which it does not show."""
    there = set(re.findall(r'\bid="([^"]+)"', page))
    link = re.compile(r'<a [^>]*href="#([^"]+)"[^>]*>(.*?)</a>', re.DOTALL)
    return link.sub(lambda match: match[0] if match[1] in there else match[2], page)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    beside = Path(__file__).resolve().parent / "api"
    parser.add_argument("folder", type=Path, nargs="?", default=beside)
    parser.add_argument("--without-source", action="store_true")
    arguments = parser.parse_args()
    write(arguments.folder, not arguments.without_source)
