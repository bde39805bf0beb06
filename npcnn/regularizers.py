"""Penalties on the size of weights, or of what a layer gives, that are added to the loss.

Hand one to a layer, `Dense(10, kernel_regularizer="l2")`, as a name or as an object. One of your
own is a subclass of `Regularizer`, registered (`npcnn.utils.register_keras_serializable`) so that
files may name it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from npcnn import contracts, names, registry
from npcnn.arguments import Numbers, arguments_of, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, message, non_negative, one_of, shown
from npcnn.ops.tape import Tensor, gradients
from npcnn.remembered import Remembering, kept

__all__ = [
    "L1", "L1L2", "L2", "OrthogonalRegularizer", "Regularizer", "deserialize", "get", "l1", "l1_l2",
    "l2", "orthogonal_regularizer", "serialize",
]  # fmt: skip

Array = np.ndarray
EPSILON = 1e-7
Factor = Annotated[float, partial(non_negative, fix="0.01 is Keras's", most=1e30)]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)


class Regularizer(Remembering):
    """Base: called with an array, it returns the penalty; `gradient` is that by the array.

    >>> class Cubic(Regularizer):
    ...     def __call__(self, x):
    ...         return float((abs(x) ** 3).sum())
    ...     def gradient(self, x):
    ...         return 3 * x * abs(x)
    >>> Cubic()(np.array([1.0, -2.0]))
    9.0
    """

    def __call__(self, x: Array) -> float:
        """Return the penalty."""
        return 0.0

    def gradient(self, x: Array) -> Array:
        """Return the penalty's gradient by the array, in its shape: found by going back."""
        start = Tensor(x)
        end: Any = self(start)  # type: ignore[arg-type]
        if not isinstance(end, Tensor):
            fix = "compute with npcnn.ops, or define gradient(x)"
            where = type(self).__name__
            raise ArgumentError(message(where, "a gradient beside the penalty", "none", fix))
        if end.shape != ():
            where, got = type(self).__name__, f"an array {end.shape}"
            raise ArgumentError(message(where, "one number", got, "end with npcnn.ops.sum"))
        return gradients([(end, np.ones((), end.dtype))]).get(start, np.zeros_like(x))

    def charge(self, losses: Array, w: Array, grad: Array | None, share: float = 1.0) -> Array:
        """Return losses with share · penalty on w added to each; add its gradient to `grad`."""
        contracts.read_in_python(f"the penalty of {type(self).__name__}")
        if grad is not None:
            grad += np.asarray(share * self.gradient(w), grad.dtype)
        return losses + losses.dtype.type(share * self(w))

    def back(self, grad_y: Array, y: Array, share: float = 1.0) -> Array:
        """Return a gradient by y with that of share · penalty added."""
        contracts.read_in_python(f"the penalty of {type(self).__name__}")
        return grad_y + np.asarray(share * self.gradient(y), grad_y.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return kept(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        """Return a regularizer of these arguments."""
        return cls(**arguments_of(cls, config, f"{cls.__name__}.from_config(config)"))


class FunctionRegularizer(Regularizer):
    """A function of the program's own; its gradient is found by going back through it."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, x: Any) -> Any:
        """Return what the function returns."""
        return self.function(x)


class L1L2(Regularizer):
    """l1 Σ|x| + l2 Σ x².

    >>> L1L2(l1=1, l2=0.5)(np.array([1.0, -2.0]))
    5.5
    """

    @checked
    def __init__(self, l1: Factor | None = 0.0, l2: Factor | None = 0.0) -> None:
        self.l1, self.l2 = l1 or 0.0, l2 or 0.0

    @checked
    def __call__(self, x: Numbers) -> float:
        """Return the penalty."""
        x = x if x.dtype.kind == "f" else x.astype("float64")  # bytes' squares are beyond a byte
        return float(self.l1 * np.abs(x).sum() + self.l2 * (x * x).sum())

    def gradient(self, x: Array) -> Array:
        """Return l1 sign(x) + 2 l2 x."""
        return ops.l1_l2_backward(np.zeros_like(x), x, self.l1, self.l2)

    def charge(self, losses: Array, w: Array, grad: Array | None, share: float = 1.0) -> Array:
        """Return losses with share · penalty on w added to each; add its gradient to `grad`."""
        flat = None if grad is None else grad.reshape(-1)
        return ops.l1_l2(losses, w.ravel(order="K"), flat, share * self.l1, share * self.l2)

    def back(self, grad_y: Array, y: Array, share: float = 1.0) -> Array:
        """Return a gradient by y with that of share · penalty added."""
        return ops.l1_l2_backward(grad_y, y, share * self.l1, share * self.l2)


class L1(L1L2):
    """l1 Σ|x|: many weights become nearly 0.

    >>> L1(0.5)(np.array([1.0, -2.0]))
    1.5
    """

    @checked
    def __init__(self, l1: Factor | None = 0.01) -> None:
        super().__init__(l1=0.01 if l1 is None else l1)


class L2(L1L2):
    """l2 Σ x²: no weight becomes large.

    >>> L2(0.5)(np.array([1.0, -2.0]))
    2.5
    """

    @checked
    def __init__(self, l2: Factor | None = 0.01) -> None:
        super().__init__(l2=0.01 if l2 is None else l2)


class OrthogonalRegularizer(Regularizer):
    """factor · the mean |cosine| of the angles between a matrix's rows, or columns.

    >>> OrthogonalRegularizer(2.0)(np.array([[1.0, 0.0], [3.0, 3.0]])).__round__(4)
    1.4142
    """

    @checked
    def __init__(self, factor: Factor = 0.01, mode: Literal["rows", "columns"] = "rows") -> None:
        self.factor, self.mode = factor, mode

    def _parts(self, x: Array) -> tuple[Array, Array, Array, float]:
        """Return (unit rows, their cosines, 1 / lengths, factor / pairs)."""
        if np.ndim(x) != 2:
            fix, got = "use it for the kernel of Dense", f"shape {np.shape(x)}"
            raise ArgumentError(message("OrthogonalRegularizer", "a matrix", got, fix))
        rows = x if self.mode == "rows" else x.T
        scale = 1 / np.maximum(np.sqrt((rows * rows).sum(axis=1, keepdims=True)), EPSILON)
        unit = rows * scale
        cosines = unit @ unit.T
        np.fill_diagonal(cosines, 0)
        pairs = max(len(rows) * (len(rows) - 1) / 2, 1)
        return unit, cosines, scale, self.factor / pairs

    @checked
    def __call__(self, x: Numbers) -> float:
        """Return the penalty."""
        _, cosines, _, factor = self._parts(x if x.dtype.kind == "f" else x.astype("float64"))
        return float(factor / 2 * np.abs(cosines).sum())

    def gradient(self, x: Array) -> Array:
        """Return the penalty's gradient by the matrix."""
        unit, cosines, scale, factor = self._parts(x)
        by_unit = factor * np.sign(cosines) @ unit
        grad = scale * (by_unit - (by_unit * unit).sum(axis=1, keepdims=True) * unit)
        return grad if self.mode == "rows" else grad.T


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer


def known() -> dict[str, type[Regularizer]]:
    """Return name → class, npcnn's own."""
    others = ("get", "serialize", "deserialize", "Regularizer")
    own = {name: globals()[name] for name in __all__ if name not in others}
    return {**own, "l1l2": L1L2}  # so Keras calls it in texts


def get(identifier: Any, where: str = "regularizers.get(identifier)") -> Regularizer | None:
    """Return the regularizer named or described, or the object itself; None for None.

    >>> get("l2").get_config(), get({"class_name": "L1", "config": {"l1": 0.5}}).l1
    ({'l2': 0.01}, 0.5)
    """
    return found(identifier, Regularizer, known(), where, FunctionRegularizer)


def found(
    identifier: Any, base: type, classes: dict[str, Any], where: str, function_class: Any
) -> Any:
    """Return an object of a class derived from `base`, from what stands for it; None for None.

    Args:
        identifier: an object, a class's name, or {"class_name": …, "config": …}.
        base: what it must be.
        classes: npcnn's own, by name; the program's own are asked for next.
        where: the argument, for the message.
        function_class: makes an object of a function.
    """
    if identifier is None or isinstance(identifier, base):
        return identifier
    if isinstance(identifier, str) and identifier not in classes:
        own = registry.custom(identifier)
        identifier = identifier if own is None or isinstance(own, type) else own
    if callable(identifier) and not isinstance(identifier, type):
        return function_class(identifier)
    config: Any = {}
    name = identifier
    if isinstance(identifier, dict) and isinstance(identifier.get("class_name"), str):
        name, config = identifier["class_name"], identifier.get("config") or {}
        name = name if name in classes else identifier.get("registered_name") or name
    if not isinstance(name, str):
        fix = f"give a name, such as {next(iter(sorted(classes, key=str.swapcase)))!r}"
        raise ArgumentError(message(where, f"a {base.__name__}", shown(identifier), fix))
    cls = classes.get(name) or registry.custom(name, name)
    if not isinstance(cls, type) or not issubclass(cls, base):
        one_of(name, sorted(word for word in classes if word.islower()), where)
        raise ArgumentError(message(where, f"a {base.__name__}", name, "register it"))
    return cls.from_config(config)  # type: ignore[attr-defined]


def config_of(thing: Any) -> Any:
    """Return a regularizer or a constraint as layers' configs have it; None for None."""
    if thing is None:
        return None
    if hasattr(thing, "function"):
        return thing.function.__name__
    name = registry.registered_name(type(thing)) or type(thing).__name__
    return {"class_name": name, "config": thing.get_config()}


serialize, deserialize = registry.serialization("regularizers", known, get)
Given = Annotated[Any, get]  # in: a name, an object, a config; out: an object, or None
