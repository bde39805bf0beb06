"""CIFAR-10: 60,000 small colour photographs of ten kinds of things, by Keras's name for it."""

from __future__ import annotations

from npcnn.arguments import Path, checked
from npcnn.datasets import cifar
from npcnn.datasets.cifar import Archive, Records

__all__ = ["CLASSES", "load_data"]

CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
ARCHIVE = Archive(
    name="cifar10",
    file="cifar-10-binary.tar.gz",
    train=tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    test=("test_batch.bin",),
    records=10_000,
    test_records=10_000,
    labels=(10,),
    sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    size=170_052_171,
    mirrors=(
        "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/",
        "https://www.cs.toronto.edu/~kriz/",
        "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
    ),
)


@checked
def load_data(path: Path | None = None) -> tuple[Records, Records]:
    """Load CIFAR-10: ``(x_train, y_train), (x_test, y_test)``; `CLASSES` names the labels.

    It is taken from ``path``; without one, from the folder ``cifar10`` in the folder that
    ``NPCNN_DATA`` names; without that, from the user's cache, into which it is downloaded (170 MB,
    checked by sha256) the first time, as `load_mnist` says. ``NPCNN_DATA=drawn`` draws coloured
    shapes in its place, and says so.

    Args:
        path: a folder with ``cifar-10-binary.tar.gz``, or with the six ``.bin`` files in it.

    Returns:
        Images uint8 ``(n, 32, 32, 3)`` and labels uint8 ``(n, 1)``, 50,000 to train on and 10,000
        to test with.

    Raises:
        FileError: files are missing, or nothing could be downloaded.
        FormatError: a file is not in CIFAR's binary form, or damaged.

    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

    >>> ARCHIVE.file, len(CLASSES)
    ('cifar-10-binary.tar.gz', 10)
    """
    return cifar.load(ARCHIVE, path)
