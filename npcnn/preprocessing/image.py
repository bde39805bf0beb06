"""Keras's `preprocessing.image`: pictures and arrays, and the generator that augments them."""

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.preprocessing.convert import array_to_img, img_to_array, load_img, save_img, smart_resize
from npcnn.preprocessing.generator import ImageDataGenerator
from npcnn.preprocessing.iterators import DirectoryIterator, Iterator, NumpyArrayIterator
from npcnn.preprocessing.moves import apply_affine_transform
from npcnn.preprocessing.picture_dataset import image_dataset_from_directory

__all__ = [
    "DirectoryIterator", "ImageDataGenerator", "Iterator", "NumpyArrayIterator",
    "apply_affine_transform", "array_to_img", "image_dataset_from_directory", "img_to_array",
    "load_img", "save_img", "smart_resize",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)
