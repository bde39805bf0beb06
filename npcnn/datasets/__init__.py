"""Data sets: MNIST, folders of pictures, IDX files, and digits drawn by the computer."""

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.datasets import fashion_mnist, mnist
from npcnn.datasets.drawn import draw_digits
from npcnn.datasets.idx import read_idx, write_idx
from npcnn.datasets.image_folder import load_image, load_image_folder
from npcnn.datasets.like_mnist import MnistStages, mnist_stages
from npcnn.datasets.mnist import load_mnist
from npcnn.datasets.save_folder import save_image_folder

__all__ = [
    "MnistStages",
    "draw_digits",
    "fashion_mnist",
    "load_image",
    "load_image_folder",
    "load_mnist",
    "mnist",
    "mnist_stages",
    "read_idx",
    "save_image_folder",
    "write_idx",
]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)
