"""The generator of augmented pictures that Keras 2's programs use."""

from __future__ import annotations

import math
import warnings
from functools import partial
from typing import Annotated, Any

import numpy as np

from npcnn import random
from npcnn.arguments import (
    ChannelsLast,
    Config,
    Function,
    Numbers,
    Path,
    PositiveInt,
    checked,
    sequence,
)
from npcnn.checks import (
    ArgumentError,
    NpcnnWarning,
    check_finite,
    is_number,
    is_whole,
    message,
    non_negative,
    number,
    positive,
    shown,
)
from npcnn.data import check_share
from npcnn.preprocessing.convert import ColorMode, Dtype, PictureFormat, Resampling, Size
from npcnn.preprocessing.folders import Folders
from npcnn.preprocessing.iterators import (
    ClassMode,
    DirectoryIterator,
    NumpyArrayIterator,
    Subset,
)
from npcnn.preprocessing.moves import (
    FillMode,
    Order,
    apply_affine_transform,
    brightness_shift,
    channel_shift,
)

Array = np.ndarray
AnySeed = Annotated[int, random.check_seed]


def _two(value: Any, where: str, around: bool = False) -> tuple[float, float]:
    """Return two numbers; with `around`, a number z stands for (1 − z, 1 + z)."""
    if around and is_number(value) and value >= 0:
        return 1 - value, 1 + value
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    if not pair or not all(map(is_number, value)):
        fix = "give from and to"
        raise ArgumentError(message(where, "two numbers", shown(value), fix))
    return float(value[0]), float(value[1])


def _shifts(value: Any, where: str) -> Any:
    """Return a number from 0 on, or a list of numbers that one is chosen from."""
    if is_number(value) and value >= 0:
        return value
    if isinstance(value, (tuple, list)) and value and all(map(is_number, value)):
        return list(value)
    fix = "0.1 is a tenth of the picture, 3 up to three pixels"
    raise ArgumentError(message(where, "a number, or some to choose from", shown(value), fix))


Least = Annotated[float, partial(positive, fix="1e-6 is Keras's")]
Scale = Annotated[float, partial(number, fix="1/255 is for pixels", most=1e30)]
Spread = Annotated[float, partial(non_negative, fix="0 is for none", most=1e30)]
Two = Annotated[Any, _two]
Zoom = Annotated[Any, partial(_two, around=True)]
Shifts = Annotated[Any, _shifts]


def _picture_shape(value: Any, where: str) -> tuple[int, ...]:
    shape = tuple(sequence(value, where))
    if len(shape) != 3 or not all(is_whole(n) and 0 < n < 2**31 for n in shape):
        fix = "give such as (28, 28, 1)"
        raise ArgumentError(message(where, "rows, columns and channels", shown(value), fix))
    return shape


PictureShape = Annotated[Any, _picture_shape]


class ImageDataGenerator:
    """Makes batches of pictures that are turned, shifted, flipped … each time anew.

    What is drawn comes from `seed` of `flow`, as in Keras to the number, or from npcnn's seed.

    Args:
        featurewise_center: whether to take the mean of all pictures away (`fit` finds it).
        samplewise_center: whether to take each picture's own mean away.
        featurewise_std_normalization: whether to divide by the deviation of all pictures.
        samplewise_std_normalization: whether to divide by each picture's own.
        zca_whitening: whether to make pixels uncorrelated.
        zca_epsilon: what keeps that from dividing by 0.
        rotation_range: degrees, to either side.
        width_shift_range: below 1 a part of the width, from 1 on pixels; or numbers to choose from.
        height_shift_range: likewise of the height.
        brightness_range: from and to; 1 leaves it.
        shear_range: degrees.
        zoom_range: from and to, or z for (1 − z, 1 + z).
        channel_shift_range: what is added to all pixels, at most.
        fill_mode: what stands beyond the edge: 'nearest', 'constant', 'reflect' or 'wrap'.
        cval: what 'constant' fills with.
        horizontal_flip: whether to flip half of the pictures left to right.
        vertical_flip: whether to flip half of them upside down.
        rescale: what pixels are multiplied with after all else; None or 0 for nothing.
        preprocessing_function: takes a picture and returns one, after the moves.
        data_format: None or 'channels_last'.
        validation_split: the share that `subset='validation'` gives.
        interpolation_order: 1 reads between pixels bilinearly, 0 at the nearest.
        dtype: of the batches; None is `npcnn.config.floatx()`.

    Source: keras.preprocessing.image.ImageDataGenerator.

    >>> pictures = ImageDataGenerator(rescale=1 / 255, horizontal_flip=True)
    >>> x, y = next(pictures.flow(np.full((5, 8, 8, 3), 255.0), np.arange(5), batch_size=2, seed=1))
    >>> x.shape, float(x.max())
    ((2, 8, 8, 3), 1.0)
    """

    @checked
    def __init__(
        self, featurewise_center: bool = False, samplewise_center: bool = False,
        featurewise_std_normalization: bool = False, samplewise_std_normalization: bool = False,
        zca_whitening: bool = False, zca_epsilon: Least = 1e-6, rotation_range: Spread = 0.0,
        width_shift_range: Shifts = 0.0, height_shift_range: Shifts = 0.0,
        brightness_range: Two | None = None, shear_range: Spread = 0.0, zoom_range: Zoom = 0.0,
        channel_shift_range: Spread = 0.0, fill_mode: FillMode = "nearest", cval: float = 0.0,
        horizontal_flip: bool = False, vertical_flip: bool = False,
        rescale: Scale | None = None, preprocessing_function: Function | None = None,
        data_format: ChannelsLast = None,
        validation_split: Annotated[float, check_share] = 0.0, interpolation_order: Order = 1,
        dtype: Dtype | None = None,
    ) -> None:  # fmt: skip
        whitening, divided = zca_whitening, featurewise_std_normalization and not zca_whitening
        self.featurewise_center = featurewise_center or whitening or divided
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.featurewise_std_normalization = divided
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.zoom_range, self.brightness_range = zoom_range, brightness_range
        self.channel_shift_range, self.interpolation_order = (
            channel_shift_range,
            interpolation_order,
        )
        self.fill_mode, self.cval = fill_mode, cval
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.dtype = np.dtype("float32") if dtype is None else dtype
        self._validation_split = validation_split
        self.mean: Any = None
        self.std: Any = None
        self.zca_whitening_matrix: Any = None
        self.drawn: Any = np.random.RandomState(random.current_seed() % 2**32)

    @checked
    def flow(
        self, x: Any, y: Any = None, batch_size: PositiveInt = 32, shuffle: bool = True,
        sample_weight: Any = None, seed: AnySeed | None = None, save_to_dir: Path | None = None,
        save_prefix: str = "", save_format: PictureFormat = "png", ignore_class_split: bool = False,
        subset: Subset | None = None,
    ) -> NumpyArrayIterator:  # fmt: skip
        """Return what yields batches of augmented pictures for ever; `fit` takes it as it is.

        Args:
            x: pictures (n, rows, columns, channels); or [pictures, further arrays].
            y: targets, or None.
            batch_size: pictures a batch.
            shuffle: whether each pass has an order of its own.
            sample_weight: one a picture, or None.
            seed: of order and moves.
            save_to_dir: a folder that each picture is written to, to look at.
            save_prefix: how their names begin.
            save_format: their format.
            ignore_class_split: whether subsets may lack classes.
            subset: 'training' or 'validation', as `validation_split` cuts; None for all.
        """
        return NumpyArrayIterator(
            x, y, self, batch_size=batch_size, shuffle=shuffle, sample_weight=sample_weight,
            seed=seed, save_to_dir=save_to_dir, save_prefix=save_prefix, save_format=save_format,
            ignore_class_split=ignore_class_split, subset=subset,
        )  # fmt: skip

    @checked
    def flow_from_directory(
        self, directory: Path, target_size: Size = (256, 256), color_mode: ColorMode = "rgb",
        classes: Folders | None = None, class_mode: ClassMode | None = "categorical",
        batch_size: PositiveInt = 32, shuffle: bool = True, seed: AnySeed | None = None,
        save_to_dir: Path | None = None, save_prefix: str = "", save_format: PictureFormat = "png",
        follow_links: bool = False, subset: Subset | None = None,
        interpolation: Resampling = "nearest", keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:  # fmt: skip
        """Return what yields batches of a folder's pictures, which are read when they are needed.

        Args:
            directory: a folder that holds one of pictures for each class.
            target_size: (rows, columns) of the pictures.
            color_mode: 'rgb', 'rgba' or 'grayscale'.
            classes: the folders' names in the order of their numbers; None sorts them.
            class_mode: 'categorical' (one-hot rows), 'sparse' or 'binary' (numbers), 'input' (the
                pictures), or None for no targets.
            batch_size: pictures a batch.
            shuffle: whether each pass has an order of its own.
            seed: of order and moves.
            save_to_dir: a folder that each picture is written to, to look at.
            save_prefix: how their names begin.
            save_format: their format.
            follow_links: whether to go into linked folders.
            subset: 'training' or 'validation', as `validation_split` cuts; None for all.
            interpolation: how Pillow resizes: 'nearest', 'bilinear', 'bicubic', …
            keep_aspect_ratio: whether the largest part of the right proportions is cut out first.
        """
        return DirectoryIterator(
            directory, self, target_size=target_size, color_mode=color_mode, classes=classes,
            class_mode=class_mode, batch_size=batch_size, shuffle=shuffle, seed=seed,
            save_to_dir=save_to_dir, save_prefix=save_prefix, save_format=save_format,
            follow_links=follow_links, subset=subset, interpolation=interpolation,
            keep_aspect_ratio=keep_aspect_ratio,
        )  # fmt: skip

    @checked
    def standardize(self, x: Numbers) -> Array:
        """Return pictures centred, divided and whitened as the arguments say; x may be changed."""
        x = self.preprocessing_function(x) if self.preprocessing_function else x
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, keepdims=True) + 1e-6
        if self.featurewise_center and self._found("featurewise_center", self.mean):
            x -= self.mean
        if self.featurewise_std_normalization and self._found("featurewise_std", self.std):
            x /= self.std + 1e-6
        if self.zca_whitening and self._found("zca_whitening", self.zca_whitening_matrix):
            flat = x.reshape(-1, math.prod(x.shape[-3:]))
            x = (flat @ self.zca_whitening_matrix).reshape(x.shape)
        return x

    @staticmethod
    def _found(what: str, value: Any) -> bool:
        """Whether `fit` has found a number; a warning if not."""
        if value is None:
            text = message(
                f"ImageDataGenerator({what})", "fit(x) before it", "none", "call it first"
            )
            warnings.warn(text, NpcnnWarning, stacklevel=3)
        return value is not None

    @checked
    def get_random_transform(
        self, img_shape: PictureShape, seed: AnySeed | None = None
    ) -> dict[str, Any]:
        """Return the parameters of one transformation, drawn; `apply_transform` takes them.

        Args:
            img_shape: (rows, columns, channels).
            seed: draws from this seed on; None goes on drawing.
        """
        if seed is not None:
            self.drawn.seed(seed % 2**32)
        draw = self.drawn.uniform
        theta = draw(-self.rotation_range, self.rotation_range) if self.rotation_range else 0
        tx = self._shift(self.height_shift_range, img_shape[0])
        ty = self._shift(self.width_shift_range, img_shape[1])
        shear = draw(-self.shear_range, self.shear_range) if self.shear_range else 0
        zx, zy = (1, 1) if tuple(self.zoom_range) == (1, 1) else draw(*self.zoom_range, 2)
        flips = [(self.drawn.random_sample() < 0.5) * one
                 for one in (self.horizontal_flip, self.vertical_flip)]  # fmt: skip
        shift, around = None, self.channel_shift_range
        if around != 0:
            shift = draw(-around, around)
        brightness = None if self.brightness_range is None else draw(*self.brightness_range)
        return {
            "theta": theta, "tx": tx, "ty": ty, "shear": shear, "zx": zx, "zy": zy,
            "flip_horizontal": flips[0], "flip_vertical": flips[1],
            "channel_shift_intensity": shift, "brightness": brightness,
        }  # fmt: skip

    def _shift(self, spread: Any, length: int) -> Any:
        """Return how far to shift; a whole number or a list is what is chosen from."""
        if not spread:
            return 0
        if isinstance(spread, (list, int, np.integer)):
            shift = self.drawn.choice(spread) * self.drawn.choice([-1, 1])
        else:
            shift = self.drawn.uniform(-spread, spread)
        return shift * length if np.max(spread) < 1 else shift

    @checked
    def apply_transform(self, x: Numbers, transform_parameters: Config) -> Array:
        """Return a picture transformed as parameters say; what they lack is not done.

        Args:
            x: (rows, columns, channels).
            transform_parameters: a dict as `get_random_transform` returns it.
        """
        get = transform_parameters.get
        x = apply_affine_transform(
            x, float(get("theta", 0)), float(get("tx", 0)), float(get("ty", 0)),
            float(get("shear", 0)), float(get("zx", 1)), float(get("zy", 1)), self.fill_mode,
            self.cval, self.interpolation_order,
        )  # fmt: skip
        if get("channel_shift_intensity") is not None:
            x = channel_shift(x, get("channel_shift_intensity"))
        if get("flip_horizontal", False):
            x = x[:, ::-1]
        if get("flip_vertical", False):
            x = x[::-1]
        if get("brightness") is not None:
            x = brightness_shift(x, get("brightness"))
        return x

    @checked
    def random_transform(self, x: Numbers, seed: AnySeed | None = None) -> Array:
        """Return a picture (rows, columns, channels) randomly transformed."""
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    @checked
    def fit(
        self, x: Numbers, augment: bool = False, rounds: PositiveInt = 1,
        seed: AnySeed | None = None,
    ) -> None:  # fmt: skip
        """Find mean, deviation and whitening matrix, as far as the arguments want them.

        Args:
            x: pictures (n, rows, columns, channels).
            augment: whether to look at randomly transformed ones.
            rounds: how often, with `augment`.
            seed: of that.
        """
        if x.ndim != 4 or 0 in x.shape:
            fix = "give pictures (n, rows, columns, channels)"
            raise ArgumentError(message("fit(x)", "four axes", str(x.shape), fix))
        check_finite(x, "fit(x)")
        if seed is not None:
            self.drawn.seed(seed % 2**32)
        x = np.array(x, self.dtype)
        if self.rescale:
            x *= self.rescale
        if augment:
            x = np.stack([self.random_transform(one) for _ in range(rounds) for one in x])
            x = x.astype(self.dtype)
        if self.featurewise_center:
            self.mean = np.mean(x, axis=(0, 1, 2)).reshape(1, 1, -1)
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(x, axis=(0, 1, 2)).reshape(1, 1, -1)
            x /= self.std + 1e-6
        if self.zca_whitening:
            flat = x.reshape(len(x), -1)
            u, s, _ = np.linalg.svd(flat.T, full_matrices=False)
            self.zca_whitening_matrix = (u * (np.sqrt(len(x)) / (s + self.zca_epsilon))).dot(u.T)
