"""What `ImageDataGenerator` returns: endless batches of augmented pictures, by number as well."""

from __future__ import annotations

import os
from collections.abc import Iterator as Iterates
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from npcnn.arguments import Path, PositiveInt, checked
from npcnn.checks import ArgumentError, FileError, as_numbers, message, same_length
from npcnn.feeding.py_dataset import PyDataset
from npcnn.preprocessing.convert import (
    CHANNELS,
    ColorMode,
    PictureFormat,
    Resampling,
    Size,
    array_to_img,
    img_to_array,
    load_img,
)
from npcnn.preprocessing.folders import Folders, classes_in, files_in
from npcnn.streams import say

if TYPE_CHECKING:
    from npcnn.preprocessing.generator import ImageDataGenerator

Array = np.ndarray
Subset = Literal["training", "validation"]
ClassMode = Literal["categorical", "binary", "sparse", "input"]


class Iterator(PyDataset):
    """Base: batches of n samples, in an order of their own each pass, for ever by `next`.

    Args:
        n: samples.
        batch_size: samples a batch; the last of a pass may have fewer.
        shuffle: whether each pass has an order of its own.
        seed: of order and transformations: each batch begins at the seed plus its number.
        generator: whose random numbers are drawn.
    """

    def __init__(
        self, n: int, batch_size: int, shuffle: bool, seed: int | None,
        generator: ImageDataGenerator, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.n, self.batch_size, self.shuffle, self.seed = n, batch_size, shuffle, seed
        self.image_data_generator = generator
        self.batch_index = self.total_batches_seen = 0
        self.index_array: Array | None = None
        self.class_indices: dict[str, int] = {}
        # where pictures are written to be looked at: folder, how names begin, format
        self.save_to: tuple[str | None, str, str] = (None, "", "png")

    def _set_index_array(self) -> None:
        self.index_array = np.arange(self.n)
        if self.shuffle:
            self.index_array = self.image_data_generator.drawn.permutation(self.n)

    def _begin(self) -> None:
        if self.seed is not None:
            self.image_data_generator.drawn.seed((self.seed + self.total_batches_seen) % 2**32)

    def __getitem__(self, idx: int) -> Any:
        if not 0 <= idx < len(self):
            fix = "count from 0"
            raise IndexError(message("batch", f"a number below {len(self)}", str(idx), fix))
        self._begin()
        self.total_batches_seen += 1
        if self.index_array is None:
            self._set_index_array()
        assert self.index_array is not None
        return self._made(self.index_array[self.batch_size * idx : self.batch_size * (idx + 1)])

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def on_epoch_end(self) -> None:
        """Make the order of the next pass."""
        self._set_index_array()

    def reset(self) -> None:
        """Let `next` begin a pass."""
        self.batch_index = 0

    def __iter__(self) -> Iterates[Any]:
        return self

    def __next__(self) -> Any:
        self._begin()
        if self.batch_index == 0:
            self._set_index_array()
        assert self.index_array is not None
        start = self.batch_index * self.batch_size
        self.batch_index = self.batch_index + 1 if start + self.batch_size < self.n else 0
        self.total_batches_seen += 1
        return self._made(self.index_array[start : start + self.batch_size])

    def _made(self, chosen: Array) -> Any:
        """Return the batch of these samples."""
        raise NotImplementedError

    def _pictures(self, chosen: Array, read: Any) -> Array:
        """Return these samples' pictures, transformed and standardized."""
        generator, found = self.image_data_generator, []
        for k in chosen:
            x = read(k)
            x = generator.apply_transform(x, generator.get_random_transform(x.shape))
            found.append(generator.standardize(np.array(x, generator.dtype)))
        pictures = np.stack(found).astype(generator.dtype, copy=False)
        folder, prefix, form = self.save_to
        if folder:
            for picture, k in zip(pictures, chosen, strict=True):
                name = f"{prefix}_{k}_{generator.drawn.randint(10**4)}.{form}"
                image, where = array_to_img(picture, scale=True), f"save_to_dir={folder!r}"
                try:
                    image.save(os.path.join(folder, name))
                except OSError as error:
                    got, fix = error.strerror or str(error), "make the folder first"
                    raise FileError(message(where, "a folder", got, fix)) from error
        return pictures


class NumpyArrayIterator(Iterator):
    """Batches of pictures out of an array; `ImageDataGenerator.flow` makes it and says the rest."""

    @checked
    def __init__(
        self, x: Any, y: Any, image_data_generator: Any, batch_size: PositiveInt = 32,
        shuffle: bool = False, sample_weight: Any = None, seed: Any = None,
        save_to_dir: Path | None = None, save_prefix: str = "", save_format: PictureFormat = "png",
        subset: Subset | None = None, ignore_class_split: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        where, more = "flow", []
        if isinstance(x, (tuple, list)) and len(x) == 2 and np.ndim(x[0]) == 4:
            more = x[1] if isinstance(x[1], list) else [x[1]]
            x = x[0]
        x = as_numbers(x, f"{where}(x)")
        if x.ndim != 4 or 0 in x.shape:
            fix = "give pictures (n, rows, columns, channels)"
            raise ArgumentError(message(f"{where}(x)", "four axes", str(x.shape), fix))
        beside = {"y": y, "sample_weight": sample_weight}
        arrays = {k: as_numbers(v, f"{where}({k})") for k, v in beside.items() if v is not None}
        extra = [as_numbers(array, f"{where}(x)") for array in more]
        for name, array in [*arrays.items(), *(("x[1]", array) for array in extra)]:
            same_length(x, array, f"{where}({name})", ("pictures", name))
        if subset is not None:
            cut = int(len(x) * image_data_generator._validation_split)
            labels = arrays.get("y")
            if labels is not None and not ignore_class_split:
                _same_classes(labels[:cut], labels[cut:])
            part = slice(0, cut) if subset == "validation" else slice(cut, None)
            x, extra = x[part], [array[part] for array in extra]
            arrays = {name: array[part] for name, array in arrays.items()}
        super().__init__(len(x), batch_size, shuffle, seed, image_data_generator, **kwargs)
        self.x, self.x_misc = x.astype(image_data_generator.dtype), extra
        self.y, self.sample_weight = arrays.get("y"), arrays.get("sample_weight")
        self.save_to = (save_to_dir, save_prefix, save_format)

    def _made(self, chosen: Array) -> Any:
        x: Any = self._pictures(chosen, lambda k: self.x[k])
        if self.x_misc:
            x = [x, *(array[chosen] for array in self.x_misc)]
        if self.y is None:
            return x
        rest: tuple[Array, ...] = (self.y[chosen],)
        if self.sample_weight is not None:
            rest += (self.sample_weight[chosen],)
        return (x, *rest)


def _same_classes(one: Array, other: Array) -> None:
    if not np.array_equal(np.unique(one), np.unique(other)):
        fix = "shuffle the pictures first, or pass ignore_class_split=True"
        expected = "the same classes in both subsets"
        raise ArgumentError(message("flow(subset)", expected, "others", fix))


class DirectoryIterator(Iterator):
    """Batches of a folder's pictures; `ImageDataGenerator.flow_from_directory` says the rest.

    Attributes:
        class_indices: a class's name → its number.
        classes: each picture's number.
        filenames: each picture's name, within the folder.
        samples: how many there are.
    """

    @checked
    def __init__(
        self, directory: Path, image_data_generator: Any, target_size: Size = (256, 256),
        color_mode: ColorMode = "rgb", classes: Folders | None = None,
        class_mode: ClassMode | None = "categorical", batch_size: PositiveInt = 32,
        shuffle: bool = True, seed: Any = None, save_to_dir: Path | None = None,
        save_prefix: str = "", save_format: PictureFormat = "png", follow_links: bool = False,
        subset: Subset | None = None, interpolation: Resampling = "nearest",
        keep_aspect_ratio: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        where = f"flow_from_directory({directory!r})"
        names = list(classes) if classes else classes_in(directory, where)
        share = image_data_generator._validation_split
        part = {None: (0.0, 1.0), "validation": (0.0, share), "training": (share, 1.0)}[subset]
        self.directory, self.class_mode, self.num_classes = directory, class_mode, len(names)
        self.filenames: list[str] = []
        numbers: list[int] = []
        for number, name in enumerate(names):
            files = files_in(directory, name, follow_links, where)
            files = files[int(part[0] * len(files)) : int(part[1] * len(files))]
            self.filenames += files
            numbers += [number] * len(files)
        if not self.filenames:
            fix = "check the folder: it holds one of pictures for each class"
            raise FileError(message(where, "pictures", "none", fix))
        super().__init__(len(numbers), batch_size, shuffle, seed, image_data_generator, **kwargs)
        self.samples, self.classes = len(numbers), np.array(numbers, np.int32)
        self.class_indices = {name: number for number, name in enumerate(names)}
        self.filepaths = [os.path.join(directory, name) for name in self.filenames]
        self.target_size, self.color_mode = target_size, color_mode
        self.image_shape = (*target_size, CHANNELS[color_mode])
        self.interpolation, self.keep_aspect_ratio = interpolation, keep_aspect_ratio
        self.save_to = (save_to_dir, save_prefix, save_format)
        say(f"Found {self.samples} images belonging to {self.num_classes} classes.")

    @property
    def labels(self) -> Array:
        """Each picture's number."""
        return self.classes

    def _read(self, k: int) -> Array:
        """Return a picture as an array."""
        image = load_img(
            self.filepaths[k], self.color_mode, self.target_size, self.interpolation,
            self.keep_aspect_ratio,
        )  # fmt: skip
        return img_to_array(image)

    def _made(self, chosen: Array) -> Any:
        x = self._pictures(chosen, self._read)
        if self.class_mode is None:
            return x
        if self.class_mode == "input":
            return x, x.copy()
        numbers = self.classes[chosen]
        if self.class_mode == "categorical":
            return x, np.eye(self.num_classes, dtype=x.dtype)[numbers]
        return x, numbers.astype(x.dtype)
