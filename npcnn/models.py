"""Models under the module name that Keras programs import them from."""

from npcnn.model import Sequential
from npcnn.saving import load_model

__all__ = ["Sequential", "load_model"]
