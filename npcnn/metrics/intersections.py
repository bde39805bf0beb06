"""Intersection over union: how far the places of a class, and those called so, are the same."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import numpy as np

from npcnn.arguments import Numbers, checked
from npcnn.checks import ArgumentError, is_whole, message, number, positive_int, shown
from npcnn.config import named_dtype
from npcnn.losses.base import LastAxis
from npcnn.metrics.base import Metric, Weighing, broadcast_weights
from npcnn.variables import answer

Array = np.ndarray
EPSILON = 1e-7


def _whole_or_float(value: Any, where: str) -> Any:
    """Return 'float32' or 'float64', or None for whole numbers, which Keras's files call 'int'."""
    if value is None or (isinstance(value, str) and value in ("int", "int32", "int64")):
        return None
    return named_dtype(value, where).name


def _class_ids(value: Any, where: str) -> list[int]:
    listed = list(value) if isinstance(value, (list, tuple)) else []
    if not listed or not all(is_whole(one) and one >= 0 for one in listed):
        fix = "give the numbers of the classes that are to count"
        raise ArgumentError(message(where, "a list of class numbers", shown(value), fix))
    return [int(one) for one in listed]


Kind = Annotated[Any, _whole_or_float]
ClassIds = Annotated[Any, _class_ids]
Threshold = Annotated[float, partial(number, fix="0.5 is usual", most=1e30)]
Classes = Annotated[int, partial(positive_int, most=10_000)]


class IoU(Metric):
    """tp / (tp + fp + fn) of a class, the mean over `target_class_ids` that occur.

    Targets and outputs are class numbers, or rows of which the largest entry says the class.
    Numbers beyond the classes are passed over. Weights are counted as whole numbers, as in Keras,
    unless a float dtype is given.

    Args:
        num_classes: how many there are.
        target_class_ids: which of them count.
        name: as all metrics have it.
        dtype: 'float32' or 'float64' for weights that are not whole.
        ignore_class: places with this target are passed over.
        sparse_y_true, sparse_y_pred: whether they are class numbers, not rows.
        axis: -1, of the rows.

    >>> round(IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1]), 4)
    0.3333
    """

    direction = "up"

    @checked
    def __init__(
        self, num_classes: Classes, target_class_ids: ClassIds, name: str | None = None,
        dtype: Kind = None, ignore_class: int | None = None, sparse_y_true: bool = True,
        sparse_y_pred: bool = True, axis: LastAxis = -1,
    ) -> None:  # fmt: skip
        super().__init__(name)
        if max(target_class_ids) >= num_classes:
            where, got = f"{type(self).__name__}(target_class_ids)", str(max(target_class_ids))
            raise ArgumentError(message(where, f"below {num_classes}", got, "count from 0"))
        self.num_classes, self.target_class_ids = num_classes, target_class_ids
        self.dtype, self.ignore_class, self.axis = dtype, ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.total_cm = self.add_variable(
            (num_classes, num_classes), name="total_cm"
        )  # true class, class said

    @checked
    def update_state(
        self, y_true: Numbers, y_pred: Numbers, sample_weight: Weighing | None = None
    ) -> None:
        """Count one batch."""
        rows = [y_true] * (not self.sparse_y_true) + [y_pred] * (not self.sparse_y_pred)
        if not all(one.shape[-1] for one in rows):
            where, fix = f"{type(self).__name__}.update_state()", "give a number a class"
            raise ArgumentError(message(where, "rows with a largest entry", "empty rows", fix))
        y_true = y_true if self.sparse_y_true else y_true.argmax(axis=-1)
        y_pred = y_pred if self.sparse_y_pred else y_pred.argmax(axis=-1)
        if y_true.size != y_pred.size:
            where, fix = f"{type(self).__name__}(y_pred)", "sparse_y_pred=False takes rows"
            expected = f"as many classes as targets, {y_true.shape}"
            raise ArgumentError(message(where, expected, str(y_pred.shape), fix))
        weights = np.ones(y_true.shape)
        if sample_weight is not None:
            weights = broadcast_weights(sample_weight, y_true.shape)
        if self.dtype is None:
            weights = np.trunc(weights)
        t, p, w = y_true.ravel().astype(np.int64), y_pred.ravel().astype(np.int64), weights.ravel()
        inside = (t >= 0) & (t < self.num_classes) & (p >= 0) & (p < self.num_classes)
        if self.ignore_class is not None:
            inside &= t != self.ignore_class
        np.add.at(self.total_cm.value, (t[inside], p[inside]), w[inside])

    def result(self) -> Any:
        """Return the mean; 0.0 where none of the classes occurs."""
        counts = self.total_cm.value
        true = counts.diagonal()
        union = counts.sum(axis=0) + counts.sum(axis=1) - true
        true, union = (part[self.target_class_ids] for part in (true, union))
        found = union > 1e-9
        shares = np.where(found, true / (union + EPSILON), 0)
        return answer(shares.sum() / (found.sum() + EPSILON))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "dtype": self.dtype}


class BinaryIoU(IoU):
    """IoU of two classes, which outputs below and from a threshold on are.

    Args:
        target_class_ids: [0], [1] or both.
        threshold: from which on an output says 1.
        name, dtype: as in `IoU`.

    >>> round(BinaryIoU(threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7]), 4)
    0.3333
    """

    @checked
    def __init__(
        self, target_class_ids: ClassIds = (0, 1), threshold: Threshold = 0.5,
        name: str | None = None, dtype: Kind = None,
    ) -> None:  # fmt: skip
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    @checked
    def update_state(
        self, y_true: Numbers, y_pred: Numbers, sample_weight: Weighing | None = None
    ) -> None:
        """Count one batch."""
        said = np.asarray(y_pred, np.float32) >= np.float32(self.threshold)
        super().update_state(y_true, said, sample_weight)


class MeanIoU(IoU):
    """IoU, the mean over all classes that occur.

    Args:
        num_classes: how many there are.
        name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis: as in `IoU`.

    >>> round(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1]), 4)
    0.3333
    """

    @checked
    def __init__(
        self, num_classes: Classes, name: str | None = None, dtype: Kind = None,
        ignore_class: int | None = None, sparse_y_true: bool = True, sparse_y_pred: bool = True,
        axis: LastAxis = -1,
    ) -> None:  # fmt: skip
        every = list(range(num_classes))
        more = (ignore_class, sparse_y_true, sparse_y_pred, axis)
        super().__init__(num_classes, every, name, dtype, *more)


class OneHotIoU(IoU):
    """IoU for targets that are one-hot rows.

    Args:
        num_classes, target_class_ids, name, dtype, ignore_class: as in `IoU`.
        sparse_y_pred: whether outputs are class numbers, not rows.
        axis: -1, of the rows.

    >>> y, p = np.eye(3)[[2, 0, 1, 0]], np.eye(3)[[2, 2, 0, 2]]
    >>> round(OneHotIoU(num_classes=3, target_class_ids=[0, 2])(y, p), 4)
    0.1667
    """

    @checked
    def __init__(
        self, num_classes: Classes, target_class_ids: ClassIds, name: str | None = None,
        dtype: Kind = None, ignore_class: int | None = None, sparse_y_pred: bool = False,
        axis: LastAxis = -1,
    ) -> None:  # fmt: skip
        more = (ignore_class, False, sparse_y_pred, axis)
        super().__init__(num_classes, target_class_ids, name, dtype, *more)


class OneHotMeanIoU(MeanIoU):
    """IoU for targets that are one-hot rows, the mean over all classes that occur.

    Args:
        num_classes, name, dtype, ignore_class, sparse_y_pred, axis: as in `OneHotIoU`.

    >>> y, p = np.eye(3)[[2, 0, 1, 0]], np.eye(3)[[2, 2, 0, 2]]
    >>> round(OneHotMeanIoU(num_classes=3)(y, p), 4)
    0.1111
    """

    @checked
    def __init__(
        self, num_classes: Classes, name: str | None = None, dtype: Kind = None,
        ignore_class: int | None = None, sparse_y_pred: bool = False, axis: LastAxis = -1,
    ) -> None:  # fmt: skip
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)


CLASSES = (IoU, BinaryIoU, MeanIoU, OneHotIoU, OneHotMeanIoU)
