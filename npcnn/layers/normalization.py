"""The layer that brings numbers to mean 0 and variance 1 by what it was told of the data."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import (
    ArgumentError,
    DtypeError,
    StateError,
    as_numbers,
    is_whole,
    message,
    shown,
)
from npcnn.layers.base import MAX_AXES, Array, Layer, Shape
from npcnn.variables import Answer

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

EPSILON = 1e-7  # Keras's least standard deviation
AT_ONCE = 1 << 22  # numbers of the data that are looked at in one piece
MOST = 1e30  # float32 has it


def _axes(value: Any, where: str) -> tuple[int, ...]:
    """Return axes as a tuple, empty for None."""
    if value is None:
        return ()
    given = list(value) if isinstance(value, (tuple, list)) else [value]
    if len(given) > MAX_AXES or not all(
        is_whole(axis) and 0 < abs(axis) <= MAX_AXES for axis in given
    ):
        fix = "-1 for one mean a channel, None for one in all"
        raise ArgumentError(message(where, "axes other than the batch", shown(value), fix))
    return tuple(int(axis) for axis in given)


def _statistic(value: Any, where: str) -> Any:
    """Return a number, or several in lists."""
    try:
        array = np.asarray(value)
    except Exception:  # rows of different lengths; whatever an __array__ of others raises
        array = np.empty(0, object)
    fits = array.dtype.kind in "iuf" and array.ndim <= MAX_AXES and array.size > 0
    if not fits or not (np.abs(array.astype("float64")) <= MOST).all():
        fix = "such as 0.5, or one number a channel"
        raise ArgumentError(message(where, "a number, or a list of them", shown(value), fix))
    return array.astype("float64").tolist()


def _variance(value: Any, where: str) -> Any:
    numbers = _statistic(value, where)
    if np.min(numbers) < 0:
        raise ArgumentError(message(where, "no number below 0", shown(value), "square deviations"))
    return numbers


Axes = Annotated[Any, _axes]
Statistic = Annotated[Any, _statistic]
Variance = Annotated[Any, _variance]


class Normalization(Layer):
    """y = (x − mean) / √variance, by the mean and variance of the data, which `adapt` finds.

    They are state: saved with the model, not learnt. A standard deviation below 1e-7 counts as
    1e-7.

    Args:
        axis: along which there is a mean and a variance for each place; −1 is one a channel, None
            one for all numbers.
        mean, variance: both, instead of `adapt`: a number, or one for each place.
        invert: undo it: y = mean + x · √variance.

    Shapes: x (N, …) → y like x.

    Raises:
        StateError: it was neither given mean and variance nor adapted.

    >>> layer = Normalization()
    >>> layer.adapt(np.array([[0.0, 1.0], [2.0, 5.0]]))
    >>> layer(np.array([[2.0, 3.0]]))
    array([[1., 0.]], dtype=float32)
    """

    op = "normalize"
    stored: ClassVar = {
        "adapt_mean": ("mean", ""), "adapt_variance": ("variance", ""), "count": ("count", "int32"),
    }  # fmt: skip
    adapt_mean: Array
    adapt_variance: Array
    count: Array

    kept_as: ClassVar = {"mean": "input_mean", "variance": "input_variance"}

    @checked
    def __init__(
        self, axis: Axes = -1, mean: Statistic | None = None, variance: Variance | None = None,
        invert: bool = False,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.axis, self.invert = axis, invert
        self.input_mean: Any = mean
        self.input_variance: Any = variance
        self.adapted = False
        shapes = [None if one is None else np.shape(one) for one in (mean, variance)]
        if shapes[0] != shapes[1] or len(shapes[0] or ()) > len(axis):
            expected = f"mean and variance of one shape, of at most {len(axis)} axes, as axis has"
            got = f"{shown(mean)} and {shown(variance)}"
            fix = "give both, one number for each place along axis"
            raise ArgumentError(message("Normalization(mean, variance)", expected, got, fix))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if it has the axes and the given numbers fit them."""
        ndim = len(input_shape)
        axes = [axis + ndim if axis < 0 else axis for axis in self.axis]
        if not all(0 < axis < ndim for axis in axes) or len(set(axes)) < len(axes):
            got = f"axis {self.axis} of an input {input_shape}"
            fix = "use -1, or None for one mean in all"
            raise ArgumentError(message(self.label, "axes of the input", got, fix))
        given, kept = np.shape(self.input_mean), self._kept_shape(input_shape)
        if any(n not in (1, size) for n, size in zip(given[::-1], kept[::-1], strict=False)):
            fix = "give one number for each place along axis"
            raise ArgumentError(message(self.label, f"a mean of shape {kept}", str(given), fix))
        return input_shape

    def _kept_axes(self, ndim: int) -> list[int]:
        return sorted(axis + ndim if axis < 0 else axis for axis in self.axis)

    def _kept_shape(self, shape: Shape) -> Shape:
        """Return the shape of mean and variance."""
        return tuple(shape[axis] for axis in self._kept_axes(len(shape)))

    def _wide_shape(self, shape: Shape) -> Shape:
        """Return it with 1 for the axes that share them."""
        kept = self._kept_axes(len(shape))
        return tuple(size if axis in kept else 1 for axis, size in enumerate(shape))

    def create_parameters(self, input_shape: Shape) -> None:
        """Create mean, variance and Keras's count, if they are not given."""
        if self.input_mean is None:
            shape = self._kept_shape(input_shape)
            self.add_parameter("adapt_mean", shape, "zeros", trainable=False)
            self.add_parameter("adapt_variance", shape, "ones", trainable=False)
            self.add_parameter("count", (), "zeros", trainable=False)

    def fill_parameters(self, arrays: Mapping[str, Array] | None = None) -> None:
        """Make the parameters that were only planned; those of a file count as adapted."""
        super().fill_parameters(arrays)
        self.adapted = self.adapted or arrays is not None

    @property
    def mean(self) -> Array:
        """The mean, of a shape that spreads over the input's."""
        return self._wide("mean")

    @property
    def variance(self) -> Array:
        """The variance, likewise."""
        return self._wide("variance")

    def _wide(self, which: str) -> Array:
        self.require_built(which)
        assert self.input_shape is not None
        given = vars(self)[f"input_{which}"]
        numbers = vars(self)[f"adapt_{which}"] if given is None else np.array(given, self.dtype)
        kept, wide = self._kept_shape(self.input_shape), self._wide_shape(self.input_shape)
        return np.broadcast_to(numbers, kept).reshape(wide).view(Answer)

    def adapt(self, data: Any) -> None:
        """Find mean and variance of data, instead of those known before.

        Args:
            data: an array, a data set of batches, or any iterable of batches; of a batch that is
                a tuple, the first entry. Without a shape yet, the layer is built for theirs.

        Raises:
            StateError: mean and variance were given. ArgumentError: no data, or of other shapes.
        """
        where = f"{self.label}.adapt(data)"
        if self.input_mean is not None:
            fix = "leave them out"
            raise StateError(message(where, "a layer without mean and variance", "both", fix))
        count, mean, squares = 0, np.zeros(()), np.zeros(())
        for piece in _pieces(data, where):
            shape = (None, *piece.shape[1:])
            if not self.built:
                self.build(shape)
            assert self.input_shape is not None
            fits = len(shape) == len(self.input_shape)
            if not fits or self._kept_shape(shape) != self._kept_shape(self.input_shape):
                fix = "adapt it to what it will be called on"
                raise ArgumentError(message(where, str(self.input_shape), str(shape), fix))
            axes = tuple(k for k in range(piece.ndim) if k not in self._kept_axes(piece.ndim))
            n = math.prod(piece.shape[axis] for axis in axes)
            center = piece.mean(axis=axes)
            apart = center - mean
            squares = squares + piece.var(axis=axes) * n + apart**2 * (n * count / (n + count))
            mean, count = mean + apart * (n / (n + count)), count + n
        if not count or not (np.abs(mean) <= MOST).all() or not (squares <= MOST * count).all():
            got = "numbers without a mean" if count else "none"
            raise ArgumentError(message(where, "finite numbers", got, "look at the data"))
        self.adapt_mean[...], self.adapt_variance[...] = mean, squares / count
        self.adapted = True

    def _statistics(self, x: Array) -> tuple[Array, Array]:
        """Return mean and variance, spread over a sample."""
        wide, sample = self._wide_shape((1, *x.shape[1:])), (1, *x.shape[1:])
        if self.input_mean is None:
            self._require_adapted()
            both = [self.adapt_mean.reshape(wide), self.adapt_variance.reshape(wide)]
        else:
            kept = self._kept_shape((1, *x.shape[1:]))
            given = (self.input_mean, self.input_variance)
            numbers = [np.broadcast_to(one, kept).ravel().tolist() for one in given]
            both = [ops.constant(x, tuple(one), wide) for one in numbers]
        mean, variance = (ops.broadcast_to(one, sample) for one in both)  # in memory, too
        return mean, variance

    def _require_adapted(self) -> None:
        if not (self.adapted or self.adapt_mean.any() or (self.adapt_variance != 1).any()):
            fix = "call adapt(data) first, or give mean and variance"
            raise StateError(message(self.label, "mean and variance of the data", "none", fix))

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x, normalised."""
        mean, variance = self._statistics(x)
        if keep:
            self._saved = variance
        return ops.normalize(x, mean, variance, EPSILON, self.invert)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x."""
        if not need_grad_x:
            return None
        return ops.normalize_backward(grad_y, self.saved(), EPSILON, self.invert)

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return "mean + x · √variance" if self.invert else "(x − mean) / √variance"


def _pieces(data: Any, where: str) -> Iterator[Array]:
    """Yield data in float64, some samples at a time."""
    for batch in _batches(data, where):
        found = as_numbers(batch[0] if isinstance(batch, (tuple, list)) else batch, where)
        size = math.prod(found.shape[1:])
        at_once = max(1, AT_ONCE // max(1, size))
        for start in range(0, len(found) if size else 0, at_once):
            yield found[start : start + at_once].astype("float64")


def _batches(data: Any, where: str) -> Any:
    if hasattr(data, "__array__"):
        return [data]
    if isinstance(data, (str, bytes, dict)) or not hasattr(data, "__iter__"):
        fix = "give the samples that it is to be used on"
        raise DtypeError(message(where, "an array, or batches of them", shown(data), fix))
    # Keras's generators of pictures never end by themselves, but say how long a pass is
    return itertools.islice(data, len(data)) if hasattr(data, "__len__") else data
