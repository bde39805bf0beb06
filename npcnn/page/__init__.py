"""The page: a network taken apart in a browser, as one file or live."""

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.page.one_file import save_page
from npcnn.page.server import explore

__all__ = ["explore", "save_page"]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)
