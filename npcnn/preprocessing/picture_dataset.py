"""A folder's pictures as a data set that is read while a model learns from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Annotated, Any, Literal

import numpy as np

from npcnn import random
from npcnn.arguments import ChannelsLast, Function, Path, PositiveInt, checked
from npcnn.checks import ArgumentError, flag, is_whole, message, shown
from npcnn.data import check_share
from npcnn.preprocessing.convert import ColorMode, Size, img_to_array, load_img, resized
from npcnn.preprocessing.picture_files import LabelMode, PictureFiles, Subset, indexed
from npcnn.variables import Answer

Array = np.ndarray
Order = Callable[[int], Any]
Part = Callable[[int], tuple[int, int]]  # of a batch of so many: the first, and the last + 1


def _never(value: Any, where: str) -> bool:
    if value is not None and flag(value, where):
        raise ArgumentError(message(where, "False", shown(value), "others crop"))
    return False


def _labels(value: Any, where: str) -> Any:
    if value is None or (isinstance(value, str) and value == "inferred"):
        return value
    if isinstance(value, (list, tuple)) and all(map(is_whole, value)):
        return list(value)
    expected, fix = "'inferred', None or a list of numbers", "give one label a file"
    raise ArgumentError(message(where, expected, shown(value), fix))


def _names(value: Any, where: str) -> list[str]:
    if isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value):
        return list(value)
    raise ArgumentError(message(where, "names of folders", shown(value), "put them in a list"))


Labels = Annotated[Any, _labels]
Names = Annotated[Any, _names]
Never = Annotated[bool, _never]
Share = Annotated[float, check_share]


class Dataset:
    """Batches that can be iterated again and again; `fit`, `evaluate` and `predict` take it.

    What a loop is given are arrays with a tensor's `numpy()`.

    Attributes:
        class_names: the classes, in the order of their numbers; None without labels.
    """

    class_names: list[str] | None = None

    def __len__(self) -> int:
        raise NotImplementedError

    def __iter__(self) -> Iterator[Any]:
        return map(_seen, self.batches_in_order(lambda n: None))

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Return what yields the batches of one pass."""
        return iter(self)

    def batches_in_order(
        self, order: Order, first: int = 0, part: Part | None = None
    ) -> Iterator[Any]:
        """Yield the batches of a pass from one on; `order` says for n samples in which order.

        `part` says which samples of n are needed, where only some are: others may be zeros.
        """
        raise NotImplementedError

    @checked
    def map(self, map_func: Function, num_parallel_calls: Any = None) -> Dataset:
        """Return a data set whose batches are what a function makes of the parts of each."""
        return _Mapped(self, map_func)

    @checked
    def take(self, count: PositiveInt) -> Dataset:
        """Return the first batches."""
        return _Part(self, 0, count)

    @checked
    def skip(self, count: PositiveInt) -> Dataset:
        """Return all but the first batches."""
        return _Part(self, count, None)

    @checked
    def shuffle(
        self, buffer_size: PositiveInt, seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
    ) -> Dataset:  # fmt: skip
        """Return the data set; one of a folder is shuffled in each pass, picture by picture."""
        return self

    def cache(self, filename: str = "") -> Dataset:
        """Return the data set as it is: pictures are read when they are needed."""
        return self

    def prefetch(self, buffer_size: Any = None) -> Dataset:
        """Return the data set as it is."""
        return self


def _seen(batch: Any) -> Any:
    """Return a batch as a loop is given it."""
    if isinstance(batch, (tuple, list)):
        return tuple(map(_seen, batch))
    return batch.view(Answer) if type(batch) is np.ndarray else batch


class _Mapped(Dataset):
    def __init__(self, inner: Dataset, function: Any) -> None:
        self.inner, self.function, self.class_names = inner, function, inner.class_names

    def __len__(self) -> int:
        return len(self.inner)

    def _of(self, batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            yield self.function(*batch) if isinstance(batch, tuple) else self.function(batch)

    def __iter__(self) -> Iterator[Any]:
        return map(_seen, self._of(iter(self.inner)))

    def shuffle(self, *args: Any, **kwargs: Any) -> Dataset:
        return _Mapped(self.inner.shuffle(*args, **kwargs), self.function)

    def batches_in_order(
        self, order: Order, first: int = 0, part: Part | None = None
    ) -> Iterator[Any]:
        return self._of(self.inner.batches_in_order(order, first))  # it may look at whole batches


class _Part(Dataset):
    def __init__(self, inner: Dataset, start: int, count: int | None) -> None:
        self.inner, self.class_names = inner, inner.class_names
        self.numbers = range(len(inner))[start : None if count is None else start + count]

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Any]:
        return islice(iter(self.inner), self.numbers.start, self.numbers.stop)

    def batches_in_order(
        self, order: Order, first: int = 0, part: Part | None = None
    ) -> Iterator[Any]:
        start = self.numbers.start + first
        batches = self.inner.batches_in_order(order, start, part)
        return (batch for _, batch in zip(self.numbers[first:], batches, strict=False))


class PictureDataset(Dataset):
    """The pictures of files, in batches; `image_dataset_from_directory` makes it.

    Attributes:
        file_paths: each picture's file.
        labels: what stands beside it, or None.
    """

    def __init__(
        self, file_paths: list[str], labels: Array | None, batch_size: int | None,
        read: Callable[[str], Array], seed: int | None,
    ) -> None:  # fmt: skip
        self.file_paths, self.labels, self.read = file_paths, labels, read
        self.batch_size, self.seed, self.passes = batch_size, seed, 0

    def __len__(self) -> int:
        return -(-len(self.file_paths) // (self.batch_size or 1))

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches, shuffled anew each time if the data set is."""
        self.passes += 1
        seed, epoch = self.seed, self.passes
        if seed is None:
            return map(_seen, self.batches_in_order(lambda n: None))
        order = partial(random.shuffled, seed=seed, epoch=epoch)
        return map(_seen, self.batches_in_order(order))

    @checked
    def shuffle(
        self, buffer_size: PositiveInt, seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
    ) -> Dataset:  # fmt: skip
        """Return the data set with its pictures shuffled in each pass, if they are not yet."""
        if self.seed is not None:
            return self
        seed = random.current_seed() if seed is None else seed
        shuffled = PictureDataset(self.file_paths, self.labels, self.batch_size, self.read, seed)
        shuffled.class_names = self.class_names
        return shuffled

    def batches_in_order(
        self, order: Order, first: int = 0, part: Part | None = None
    ) -> Iterator[Any]:
        """Yield the batches of a pass from one on; the order only if the data set is shuffled."""
        n = len(self.file_paths)
        chosen = None if self.seed is None else order(n)
        chosen = np.arange(n) if chosen is None else chosen
        size = self.batch_size or 1
        for start in range(first * size, n, size):
            numbers = chosen[start : start + size]
            x = self._read(numbers, part)
            y = None if self.labels is None else self.labels[numbers]
            if self.batch_size is None:
                x, y = x[0], None if y is None else y[0]
            yield x if y is None else (x, y)

    def _read(self, numbers: Array, part: Part | None) -> Array:
        """Return the pictures of these numbers; zeros for those that are not needed."""
        start, stop = (0, len(numbers)) if part is None else part(len(numbers))
        own = [self.read(self.file_paths[k]) for k in numbers[start:stop]]
        if len(own) == len(numbers):
            return np.stack(own)
        like = own[0] if own else self.read(self.file_paths[numbers[0]])
        x = np.zeros((len(numbers), *like.shape), like.dtype)
        x[start:stop] = own or x[start:stop]
        return x


@checked
def image_dataset_from_directory(
    directory: Path, labels: Labels = "inferred", label_mode: LabelMode | None = "int",
    class_names: Names | None = None, color_mode: ColorMode = "rgb",
    batch_size: PositiveInt | None = 32, image_size: Size = (256, 256), shuffle: bool = True,
    seed: random.Seed | None = None, validation_split: Share | None = None,
    subset: Subset | None = None, interpolation: Literal["bilinear", "nearest"] = "bilinear",
    follow_links: bool = False, crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: Never = False, data_format: ChannelsLast = None, verbose: bool = True,
) -> Any:  # fmt: skip
    """Return a folder's pictures, a folder for each class, as batches (x, y) of float32.

    Pictures are read when they are needed. Shuffled ones come in another order each epoch, given
    by (seed, epoch).

    Args:
        directory: the folder.
        labels: 'inferred' from the folders' names, a list of numbers (one a file, sorted by name),
            or None for none.
        label_mode: 'int', 'categorical' (one-hot rows), 'binary' (0.0 and 1.0), or None.
        class_names: the folders in the order of their numbers; None sorts them.
        color_mode: 'rgb', 'rgba' or 'grayscale'.
        batch_size: pictures a batch; None yields single ones.
        image_size: (rows, columns).
        shuffle: whether to shuffle.
        seed: of that; with `validation_split` it must be given, so that both subsets are cut alike.
        validation_split: the share of the pictures that is kept for validation.
        subset: 'training', 'validation', or 'both' for a pair of data sets.
        interpolation: 'bilinear' or 'nearest'.
        follow_links: whether to go into linked folders.
        crop_to_aspect_ratio: whether the largest part of the right proportions is resized.
        pad_to_aspect_ratio: False.
        data_format: None or 'channels_last'.
        verbose: whether to print how many were found.

    Returns:
        a data set with `class_names` and `file_paths`, and `map`, `take`, `skip`.

    Raises:
        FileError: no pictures are found. ArgumentError: arguments do not fit together.

    Source: keras.utils.image_dataset_from_directory; the same files in the same order.

    >>> import os, tempfile
    >>> from npcnn.preprocessing.image import save_img
    >>> folder = tempfile.mkdtemp()
    >>> for name in ("cats", "dogs"):
    ...     os.mkdir(f"{folder}/{name}")
    ...     save_img(f"{folder}/{name}/1.png", np.ones((9, 9, 3)))
    >>> found = image_dataset_from_directory(folder, image_size=(8, 8), verbose=False)
    >>> found.class_names, next(iter(found))[0].shape
    (['cats', 'dogs'], (2, 8, 8, 3))
    """
    where = f"image_dataset_from_directory({directory!r})"
    _check_split(validation_split, subset, shuffle, seed, where)
    files = indexed(directory, labels, class_names, follow_links, where).labelled(label_mode, where)
    files = files.told(verbose).shuffled(seed, shuffle)
    read = partial(_read, color_mode, image_size, interpolation, crop_to_aspect_ratio)
    parts = files.parts(validation_split, subset, where)
    made = [_dataset(part, batch_size, read, verbose) for part in parts]
    return made if subset == "both" else made[0]


def _read(mode: ColorMode, size: Any, interpolation: str, crop: bool, path: str) -> Array:
    x = img_to_array(load_img(path, mode), dtype="float32")
    return resized(x[np.newaxis], size, interpolation, crop)[0]


def _dataset(
    files: PictureFiles, batch_size: int | None, read: Callable[[str], Array], verbose: bool
) -> PictureDataset:
    files.told(verbose and files.use is not None)
    dataset = PictureDataset(files.paths, files.targets(), batch_size, read, files.seed)
    dataset.class_names = files.names
    return dataset


def _check_split(share: Any, subset: Any, shuffle: bool, seed: Any, where: str) -> None:
    if bool(share) != bool(subset):
        fix = "give both or neither"
        raise ArgumentError(message(where, "subset with validation_split", "one of them", fix))
    if share and shuffle and seed is None:
        fix = "give one, the same for both subsets"
        raise ArgumentError(message(where, "a seed, to cut both subsets alike", "None", fix))
