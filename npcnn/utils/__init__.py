"""Small helpers under the names that Keras programs import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np

from npcnn import names
from npcnn.arguments import Numbers, PositiveInt, checked
from npcnn.backend import clear_session, is_keras_tensor
from npcnn.callbacks.progbar import Progbar
from npcnn.checks import ArgumentError, DtypeError, message, whole
from npcnn.feeding.py_dataset import PyDataset
from npcnn.initializers.base import MOST, too_large
from npcnn.random import set_random_seed
from npcnn.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from npcnn.utils.splitting import (
    pack_x_y_sample_weight,
    split_dataset,
    unpack_x_y_sample_weight,
)

if TYPE_CHECKING:
    from npcnn.plots.model_chart import plot_model
    from npcnn.preprocessing import image_dataset_from_directory
    from npcnn.preprocessing.image import array_to_img, img_to_array, load_img, save_img
    from npcnn.saving.objects import deserialize_keras_object, serialize_keras_object
    from npcnn.utils import np_utils

__all__ = [
    "CustomObjectScope", "Progbar", "PyDataset", "Sequence", "array_to_img", "clear_session",
    "custom_object_scope", "deserialize_keras_object", "get_custom_objects", "get_registered_name",
    "get_registered_object", "image_dataset_from_directory", "img_to_array", "is_keras_tensor",
    "load_img", "normalize", "np_utils", "pack_x_y_sample_weight", "plot_model",
    "register_keras_serializable", "save_img", "serialize_keras_object", "set_random_seed",
    "split_dataset", "to_categorical", "unpack_x_y_sample_weight",
]  # fmt: skip

Sequence = PyDataset  # as Keras 2 calls it

if not TYPE_CHECKING:
    _LATE = {name: "npcnn.preprocessing.image" for name in __all__ if name not in globals()}
    _LATE |= {"np_utils": "npcnn.utils.np_utils", "plot_model": "npcnn.plots.model_chart"}
    for _name in ("serialize_keras_object", "deserialize_keras_object"):
        _LATE[_name] = "npcnn.saving.objects"
    __getattr__ = names.lookup(__name__, __all__, _LATE)


@checked
def to_categorical(x: Numbers, num_classes: PositiveInt | None = None) -> np.ndarray:
    """Return integer labels as one-hot rows, float64 as in Keras.

    Args:
        x: labels (n, …), from 0 on; a last axis of 1 is dropped.
        num_classes: the length of a row; largest label + 1 if not given.

    Raises:
        DtypeError: labels are no integers. ArgumentError: a label is out of range.

    >>> to_categorical([2, 0])
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    where, labels = "to_categorical(x)", x
    if labels.dtype.kind not in "iub":
        fix = "give class numbers"
        raise DtypeError(message(where, "integer labels", f"dtype {labels.dtype}", fix))
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    classes: int = int(labels.max(initial=0)) + 1 if num_classes is None else num_classes
    bad = (labels < 0) | (labels >= classes)
    if bad.any():
        fix = "give a larger num_classes or mend the label"
        expected = f"labels from 0 to {classes - 1}"
        raise ArgumentError(message(where, expected, str(labels[bad].ravel()[0]), fix))
    if labels.size * classes >= MOST:
        raise too_large("to_categorical(num_classes)", (*labels.shape, classes))
    return (labels[..., np.newaxis] == np.arange(classes)).astype("float64")


@checked
def normalize(x: Numbers, axis: Annotated[int, whole] = -1, order: PositiveInt = 2) -> np.ndarray:
    """Return numbers divided by their norm along an axis; where that is 0, as they are.

    Args:
        x: an array of at least one axis.
        axis: along which the norm is taken.
        order: of the norm: (Σ|x|ᵒʳᵈᵉʳ)^(1/order).

    Raises:
        ArgumentError: there is no such axis.

    >>> normalize([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    if not -x.ndim <= axis < x.ndim:
        expected, fix = f"an axis below {x.ndim}", "-1 is the last one"
        raise ArgumentError(message("normalize(axis)", expected, str(axis), fix))
    norms = np.atleast_1d(np.linalg.norm(x, order, axis))
    norms[norms == 0] = 1
    return x / np.expand_dims(norms, axis)
