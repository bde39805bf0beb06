"""The module name that older programs import `to_categorical` and `normalize` from."""

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.utils import normalize, to_categorical

__all__ = ["normalize", "to_categorical"]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)
