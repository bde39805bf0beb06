"""What a metric is, and the numbers of one pass over the data that are made of them."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from npcnn import initializers
from npcnn.arguments import Numbers, arguments_of, checked, show_default
from npcnn.checks import (
    ArgumentError,
    DtypeError,
    as_numbers,
    check_finite,
    check_weights,
    is_number,
    message,
    same_length,
    shown,
)
from npcnn.config import FloatType
from npcnn.initializers.base import Sizes
from npcnn.names import auto_name
from npcnn.remembered import Remembering, kept
from npcnn.subclasses import TEXTS, Kind, Open, missing, settle
from npcnn.variables import Variable as Variable
from npcnn.variables import answer

Array = np.ndarray


def _any_dtype(value: Any, where: str) -> Any:
    """Return what a counter is said to be; it counts in float64 all the same."""
    fix = "'float32' is Keras's"
    kind = isinstance(value, type) and issubclass(value, (np.generic, bool, int, float))
    if not kind and not isinstance(value, (str, np.dtype)):
        raise DtypeError(message(where, "a dtype", shown(value), fix))
    try:
        return np.dtype("int32" if isinstance(value, str) and value == "int" else value)
    except (TypeError, ValueError, SyntaxError) as error:
        raise DtypeError(message(where, "a dtype", shown(value), fix)) from error


AnyType = Annotated[Any, _any_dtype]


def _weighing(value: Any, where: str) -> Any:
    """Return weights as an array, without axes if they are one number, or raise an error."""
    given = as_numbers([value] if is_number(value) else value, where)
    check_finite(given, where)
    if (given < 0).any():
        fix = "use 0 to leave a sample out"
        raise ArgumentError(message(where, "weights ≥ 0", str(given.min()), fix))
    return given.reshape(()) if is_number(value) else given


Weighing = Annotated[Any, _weighing]


class Metric(Remembering, Open):
    """Base: a number that a run reports beside the loss.

    A mean over samples overrides `values` alone. Anything else overrides `update_state` and
    `result`, and counts in variables from `add_variable`: they start at 0 with every pass over
    the data, and lie in checkpoints. Other attributes that change need a `reset_state`.

    Attributes:
        direction: 'up' or 'down', which way is better; callbacks that watch the metric ask for it.
        own_name: what `name` is by default, if not the class's name.

    Args:
        name: how it is printed and kept in the history; None is the class's, counted: 'auc_1'.
        dtype: taken for Keras's sake; numbers are counted in float64.

    >>> class Surprise(Metric):
    ...     def values(self, y_true, y_pred):
    ...         return 1 - y_pred[np.arange(len(y_true)), y_true]
    >>> surprise = Surprise()
    >>> surprise.update_state(np.array([1, 0]), np.array([[0.25, 0.75], [0.5, 0.5]]))
    >>> surprise.name, surprise.result()
    ('surprise', 0.375)
    """

    name: str
    direction: str | None = None
    own_name: str | None = None
    total = 0.0
    count = 0.0

    @checked
    def __init__(self, name: str | None = None, dtype: FloatType | None = None) -> None:
        self.name = (self.own_name or auto_name(type(self).__name__)) if name is None else name

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Show the name that is the default."""
        super().__init_subclass__(**kwargs)
        if cls.own_name and "__init__" not in vars(cls):
            show_default(cls, name=cls.own_name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return one number for each sample, or for each entry that is to count by itself.

        Args:
            y_true: targets (N, …), as given to the model.
            y_pred: outputs (N, …).
        """
        raise NotImplementedError(f"{type(self).__name__} needs values(), or update_state()")

    @checked
    def update_state(
        self, y_true: Numbers, y_pred: Numbers, sample_weight: Weighing | None = None
    ) -> None:
        """Count one batch; by default, add `values` up."""
        same_length(y_pred, y_true, f"the metric {self.name}", ("predictions", "targets"))
        self.add_up(np.asarray(self.values(y_true, y_pred)), sample_weight)

    def add_up(self, values: Array, sample_weight: Any) -> None:
        """Add numbers to `total`, and how many they are, or their weights, to `count`."""
        where, fix = f"the metric {self.name}", "return one for each sample"
        if values.dtype.kind not in "fiub":
            raise DtypeError(message(where, "numbers", shown(values), fix))
        if sample_weight is None:
            self.total += float(values.sum(dtype=np.float64))
            self.count += values.size
            return
        if not values.ndim:  # one for the whole batch
            values = np.broadcast_to(values, np.shape(sample_weight))
        if np.ndim(sample_weight) and len(values) != len(sample_weight):
            expected = f"{len(sample_weight)} numbers, as many as weights"
            raise ArgumentError(message(where, expected, str(values.shape), fix))
        weights = broadcast_weights(sample_weight, values.shape)
        self.total += float((values * weights).sum(dtype=np.float64))
        self.count += float(weights.sum())

    def result(self) -> Any:
        """Return the number for all batches since `reset_state`; 0.0 before the first."""
        if not self.count and _counts_elsewhere(type(self)):
            raise missing(self, "result")
        return answer(self.total / self.count if self.count else 0.0)

    def reset_state(self) -> None:
        """Forget all batches."""
        for name in ("total", "count"):
            if not isinstance(vars(self).get(name), Variable):  # a user's may have one of that name
                setattr(self, name, 0.0)
        for value in vars(self).values():
            if isinstance(value, Variable):
                value.assign(0)

    @checked
    def add_variable(
        self,
        shape: Sizes = (),
        initializer: initializers.Given = "zeros",
        dtype: AnyType | None = None,
        name: str | None = None,
    ) -> Variable:
        """Return numbers to count in; keep them as an attribute.

        `dtype` is taken for Keras's sake: all are float64.
        """
        return Variable(initializer(shape, np.dtype(np.float64)), dtype="float64", name=name)

    add_weight = add_variable

    @property
    def variables(self) -> list[Variable]:
        """What it counts in: a user's variables, or `total` and `count` as they are now."""
        own = [value for value in vars(self).values() if isinstance(value, Variable)]
        counted = ((self.total, "total"), (self.count, "count"))
        return own or [Variable(value, dtype="float64", name=name) for value, name in counted]

    def get_state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps: the attributes that are numbers, arrays and variables."""
        return {"total": self.total, "count": self.count, **numbers_of(self)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take back what `get_state` returned."""
        self.reset_state()
        put_numbers(self, state)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal metric."""
        return {"name": self.name, **kept(self, Metric)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """Return a metric of these arguments."""
        return cls(**arguments_of(cls, config, f"{cls.__name__}.from_config(config)"))

    @checked
    def __call__(self, y_true: Numbers, y_pred: Numbers, sample_weight: Any = None) -> Any:
        """Count one batch and return the result so far."""
        name = type(self).__name__
        same_length(y_pred, y_true, name, ("predictions", "targets"))
        where, rows = f"{name}(sample_weight)", y_pred.shape[1:-1]
        self.update_state(y_true, y_pred, check_weights(sample_weight, len(y_pred), where, rows))
        return self.result()


def _counts_elsewhere(cls: type) -> bool:
    """Return whether a user's `update_state` adds nothing to the base's `total` and `count`."""
    own = getattr(cls, "update_state", None)
    code = getattr(own, "__code__", None)
    ours = str(getattr(own, "__module__", "")).partition(".")[0] == "npcnn"
    known = {"add_up", "update_state", "total", "count"}
    return not ours and code is not None and known.isdisjoint((*code.co_names, *code.co_freevars))


def numbers_of(thing: Any) -> dict[str, Any]:
    """Return copies of an object's attributes that are numbers, arrays or variables.

    >>> numbers_of(Metric())
    {}
    """
    kept: dict[str, Any] = {}
    for name, value in vars(thing).items():
        if isinstance(value, np.ndarray) or hasattr(value, "assign"):
            kept[name] = np.array(value)
        elif isinstance(value, (bool, int, float, np.generic)):
            kept[name] = value
    return kept


def put_numbers(thing: Any, state: dict[str, Any]) -> None:
    """Put back what `numbers_of` returned."""
    for name, own in numbers_of(thing).items():
        if hasattr(getattr(thing, name), "assign"):
            getattr(thing, name).assign(state[name])
        elif isinstance(own, np.ndarray):
            setattr(thing, name, np.array(state[name], own.dtype))
        else:
            setattr(thing, name, type(own)(state[name]))


def broadcast_weights(weights: Any, shape: tuple[int, ...]) -> Array:
    """Return one weight for each of an array's entries, from one for each sample or row.

    >>> broadcast_weights([1, 2], (2, 2))
    array([[1., 1.],
           [2., 2.]])
    """
    array = np.asarray(weights, np.float64)
    if array.ndim == len(shape) + 1 and array.shape[-1] == 1:
        array = array[..., 0]
    spread = array.reshape(array.shape + (1,) * (len(shape) - array.ndim))
    try:
        return np.broadcast_to(spread, shape)
    except ValueError as error:
        fix, expected = "give one a sample", f"weights for numbers of shape {shape}"
        where, got = "the metric's sample_weight", str(array.shape)
        raise ArgumentError(message(where, expected, got, fix)) from error


def same_rank(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Return both in one shape: a last axis of 1 comes where samples are numbers, else it goes.

    Raises:
        ArgumentError: that is not enough.

    >>> [a.shape for a in same_rank(np.zeros(3), np.zeros((3, 1)))]
    [(3, 1), (3, 1)]
    """
    if y_pred.ndim == y_true.ndim + 1 and y_pred.shape[-1] == 1:
        y_true, y_pred = _levelled(y_true, y_pred)
    if y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        y_pred, y_true = _levelled(y_pred, y_true)
    check_targets(y_true, y_pred.shape)
    return y_true, y_pred


def _levelled(one: Array, longer: Array) -> tuple[Array, Array]:
    """Return two arrays in one rank, of which the second has a last axis of 1 more."""
    return (one[..., np.newaxis], longer) if one.ndim == 1 else (one, longer[..., 0])


def check_targets(y_true: Array, shape: tuple[int, ...]) -> None:
    """Raise ArgumentError unless targets have this shape."""
    if y_true.shape != shape:
        expected = f"targets (n, {', '.join(map(str, shape[1:]))})".replace(", )", ",)")
        fix = "metrics for labels begin with Sparse, others want the outputs' shape"
        got = str(y_true.shape)
        raise ArgumentError(message("the metric's y_true", expected, got, fix))


settle(Metric, Metric("metric"))
# One of Keras's form has variables under any other of the base's names, such as `total`.
Metric._attribute_kinds = {"name": Kind((str,), "a text"), "overridable": TEXTS}
