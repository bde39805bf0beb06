"""Pictures read, augmented and written, under the names that Keras programs import."""

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.preprocessing import image
from npcnn.preprocessing.picture_dataset import image_dataset_from_directory

__all__ = ["image", "image_dataset_from_directory"]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)
