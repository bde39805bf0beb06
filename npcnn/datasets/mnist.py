"""MNIST: found in a folder, or fetched once into the user's cache."""

from __future__ import annotations

from typing import Literal

from npcnn.arguments import Path, checked
from npcnn.datasets import idx_set
from npcnn.datasets.idx_set import Split
from npcnn.datasets.stand_ins import VARIABLE as VARIABLE

__all__ = ["load_data"]

PARTS = idx_set.parts(
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
)
# All of them can be checked, so their order is only that of their speed; the first is in Beijing
# (Paddle's), where the second and others often cannot be reached.
MIRRORS = (
    "https://dataset.bj.bcebos.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
    "https://azureopendatastorage.blob.core.windows.net/mnist/",
)


@checked
def load_mnist(
    path: Path | None = None, mmap_mode: Literal["r"] | None = None
) -> tuple[Split, Split]:
    """Load MNIST, or a data set laid out like it: ``(x_train, y_train), (x_test, y_test)``.

    It is taken from ``path``; without one, from the folder that the environment variable
    ``NPCNN_DATA`` names (its folder ``mnist``, if it has one); without that, from the user's cache
    folder, into which it is downloaded (11 MB, checked by sha256) the first time: from the mirror
    that ``NPCNN_MIRROR`` names, or one of `MIRRORS`. A mirror that takes more than 10 s and a
    second for every 16 KB is given up for the next one.
    ``NPCNN_DATA=drawn`` draws digits in its place (`draw_digits`), and says so.
    A folder that is named may hold another data set of that layout; files may be compressed by gzip
    or not, and be called ``train-images-idx3-ubyte`` or ``train-images.idx3-ubyte``.

    Args:
        path: a folder with the four IDX files.
        mmap_mode: "r" leaves the elements of plain files of that folder in them, to be read where
            they are looked at (`read_idx`).

    Returns:
        Images uint8 ``(n, 28, 28)`` and labels uint8 ``(n,)``, 60,000 to train on and 10,000 to
        test with.

    Raises:
        FileError: a file is missing, or nothing could be downloaded.
        ArgumentError: ``mmap_mode``, and no folder is named.
        FormatError: a file's content is wrong, or there are not as many labels as images.

    >>> import pathlib, tempfile
    >>> from npcnn.datasets import draw_digits, write_idx
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for part, n in (("train", 20), ("t10k", 10)):
    ...     images, labels = draw_digits(n, seed=1)
    ...     write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
    ...     write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels)
    >>> (x_train, y_train), (x_test, y_test) = load_mnist(folder)
    >>> x_train.shape, y_test.shape
    ((20, 28, 28), (10,))

    Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits".
    """
    return idx_set.load("mnist", PARTS, MIRRORS, path, "load_mnist", mmap_mode)


@checked
def load_data(path: Path | None = None) -> tuple[Split, Split]:
    """Load MNIST by the name that Keras has for it: ``load_mnist(path)``.

    Keras's own default, ``"mnist.npz"``, names no folder here and counts as None. What comes back,
    the errors and an example are those of `load_mnist`.
    """
    return load_mnist(None if path == "mnist.npz" else path)
