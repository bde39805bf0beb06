"""Models under the module name that Keras programs import them from."""

from npcnn.model import Sequential
from npcnn.saving import load_model, model_from_json, save_model

__all__ = ["Sequential", "load_model", "model_from_json", "save_model"]
