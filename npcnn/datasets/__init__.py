"""Data sets: MNIST, Fashion-MNIST, CIFAR, pictures of one's own, IDX files, drawn digits."""

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.datasets import cifar10, cifar100, fashion_mnist, mnist
from npcnn.datasets.augmenter import Augmenter
from npcnn.datasets.drawn import draw_digits
from npcnn.datasets.idx import read_idx, write_idx
from npcnn.datasets.image_folder import load_image, load_image_folder
from npcnn.datasets.like_mnist import MnistStages, mnist_stages
from npcnn.datasets.mnist import load_mnist
from npcnn.datasets.save_folder import save_image_folder

__all__ = [
    "Augmenter", "MnistStages", "cifar10", "cifar100", "draw_digits", "fashion_mnist", "load_image",
    "load_image_folder", "load_mnist", "mnist", "mnist_stages", "read_idx", "save_image_folder",
    "write_idx",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)
