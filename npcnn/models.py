"""Models under the module name that Keras programs import them from."""

from npcnn.model import Sequential

__all__ = ["Sequential"]
