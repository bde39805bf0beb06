"""Models under the module name that Keras programs import them from."""

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.model import Sequential
from npcnn.saving import load_model, model_from_json, save_model

__all__ = ["Sequential", "load_model", "model_from_json", "save_model"]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)
