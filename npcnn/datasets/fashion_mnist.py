"""Fashion-MNIST: ten kinds of clothing in MNIST's layout, by Keras's name for it."""

from __future__ import annotations

from typing import Literal

from npcnn.arguments import Path, checked
from npcnn.datasets import idx_set
from npcnn.datasets.idx_set import Split

__all__ = ["CLASSES", "load_data"]

CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

# The sums are those of the compressed files, which every mirror has as Zalando made them.
PARTS = idx_set.parts(
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    of_files=True,
)
MIRRORS = (
    "https://dataset.bj.bcebos.com/fashion_mnist/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)


@checked
def load_data(
    path: Path | None = None, mmap_mode: Literal["r"] | None = None
) -> tuple[Split, Split]:
    """Load Fashion-MNIST: ``(x_train, y_train), (x_test, y_test)``; `CLASSES` names the labels.

    It is taken from ``path``; without one, from the folder ``fashion_mnist`` in the folder that
    ``NPCNN_DATA`` names; without that, from the user's cache, into which it is downloaded (31 MB,
    checked by sha256) the first time, as `load_mnist` says. ``NPCNN_DATA=drawn`` draws grey shapes
    in its place, and says so.

    Args:
        path: a folder with the four IDX files, plain or compressed.
        mmap_mode: as for `load_mnist`.

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
    >>> for part in PARTS:
    ...     images, labels = draw_digits(10, seed=1)
    ...     write_idx(folder / part.name, images if len(part.shape) == 3 else labels)
    >>> (x_train, y_train), (x_test, y_test) = load_data(folder)
    >>> x_train.shape, CLASSES[y_test[0]]
    ((10, 28, 28), 'Coat')

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", arXiv:1708.07747.
    """
    return idx_set.load("fashion_mnist", PARTS, MIRRORS, path, "fashion_mnist.load_data", mmap_mode)
