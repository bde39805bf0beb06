"""CIFAR-100: 60,000 small colour photographs of a hundred kinds of things, as Keras names it."""

from __future__ import annotations

from typing import Literal

from npcnn.arguments import Path, checked
from npcnn.datasets import cifar
from npcnn.datasets.cifar import Archive, Records

__all__ = ["load_data"]

ARCHIVE = Archive(
    name="cifar100",
    file="cifar-100-binary.tar.gz",
    train=("train.bin",),
    test=("test.bin",),
    records=50_000,
    test_records=10_000,
    labels=(20, 100),
    sha256="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    size=168_513_733,
    mirrors=(
        "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/",
        "https://www.cs.toronto.edu/~kriz/",
    ),
)


@checked
def load_data(
    label_mode: Literal["fine", "coarse"] = "fine", path: Path | None = None
) -> tuple[Records, Records]:
    """Load CIFAR-100: ``(x_train, y_train), (x_test, y_test)``.

    It is taken from ``path``; without one, from the folder ``cifar100`` in the folder that
    ``NPCNN_DATA`` names; without that, from the user's cache, into which it is downloaded (169 MB,
    checked by sha256) the first time, as `load_mnist` says. ``NPCNN_DATA=drawn`` draws coloured
    shapes in its place, and says so.

    Args:
        label_mode: "fine" for 100 classes, "coarse" for the 20 that they belong to.
        path: a folder with ``cifar-100-binary.tar.gz``, or with ``train.bin`` and ``test.bin``.

    Returns:
        Images uint8 ``(n, 32, 32, 3)`` and labels uint8 ``(n, 1)``, 50,000 to train on and 10,000
        to test with.

    Raises:
        ArgumentError: ``label_mode`` is neither of its names.
        FileError: files are missing, or nothing could be downloaded.
        FormatError: a file is not in CIFAR's binary form, or damaged.

    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

    >>> ARCHIVE.file, ARCHIVE.labels
    ('cifar-100-binary.tar.gz', (20, 100))
    """
    column = ["coarse", "fine"].index(label_mode)
    (x_train, y_train), (x_test, y_test) = cifar.load(ARCHIVE, path)
    labels = (y[:, column : column + 1].copy() for y in (y_train, y_test))
    return (x_train, next(labels)), (x_test, next(labels))
