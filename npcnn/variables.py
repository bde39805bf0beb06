"""Arrays as objects, under the methods of Keras's variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.checks import ArgumentError, message
from npcnn.initializers.numbers import begun
from npcnn.names import auto_name
from npcnn.symbolic import live

if TYPE_CHECKING:
    from npcnn.layers import Layer

Array = np.ndarray


class Answer(np.ndarray):
    """What a model answers to a batch: an array, with the method that programs ask a tensor for.

    >>> np.zeros(2).view(Answer).numpy()
    array([0., 0.])
    """

    def numpy(self) -> Array:
        """Return the plain array."""
        return np.asarray(self)

    def __repr__(self) -> str:
        return repr(np.asarray(self))


class Number(float):
    """A number with the methods that programs ask a tensor of one number for.

    >>> Number(0.5), Number(0.5).numpy(), Number(0.5).item()
    (0.5, np.float64(0.5), 0.5)
    """

    shape: tuple[int, ...] = ()

    def numpy(self) -> np.float64:
        """Return NumPy's number."""
        return np.float64(self)

    def item(self) -> float:
        """Return Python's number."""
        return float(self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Compute as Python's number, which leaves a float32 array what it is."""
        plain = (float(i) if isinstance(i, Number) else i for i in inputs)
        return getattr(ufunc, method)(*plain, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        return Number, (float(self),)


def answer(value: Any) -> Any:
    """Return a number or an array with a tensor's `numpy()`.

    >>> answer(np.ones(2)).numpy(), answer(np.float32(0.5))
    (array([1., 1.]), 0.5)
    """
    array = np.asarray(value)
    return array.view(Answer) if array.ndim else Number(array)


class Variable(np.lib.mixins.NDArrayOperatorsMixin):
    """An array with a name, that can be assigned to; it computes as its array does.

    One that a layer or a model of one's own holds as an attribute becomes its weight when that is
    built (`layers/owning.py`).

    Args:
        initializer: the numbers to begin with; or a name or an Initializer, then with `shape`.
        shape: of the array; None for that of the numbers.
        dtype: of it; None for the numbers' own, and float32 (`config.floatx`) for fractions.
        trainable: whether a layer that holds it learns it.
        autocast: passed over, as `aggregation` and `synchronization` are.
        aggregation: see `autocast`.
        synchronization: see `autocast`.
        name: what it is called.

    >>> total = Variable([0.0, 0.0])
    >>> total.assign_add([1, 2])
    array([1., 2.], dtype=float32)
    >>> (total * 2).tolist(), Variable("zeros", shape=(3,), name="w")
    ([2.0, 4.0], <Variable path=w, shape=(3,), dtype=float32, value=[0. 0. 0.]>)
    """

    trainable: Any

    def __init__(
        self, initializer: Any, shape: Any = None, dtype: Any = None, trainable: bool = True,
        autocast: bool = True, aggregation: Any = "none", synchronization: Any = "auto",
        name: str | None = None,
    ) -> None:  # fmt: skip
        self.value, self.trainable = begun(initializer, shape, dtype), trainable
        self.name: str = auto_name("Variable") if name is None else name

    @property
    def path(self) -> str:
        """Its name; a layer's weight has the layer's before it."""
        return self.name

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.value.shape

    @property
    def dtype(self) -> np.dtype:
        """The array's dtype."""
        return self.value.dtype

    def assign(self, value: Any) -> Array:
        """Put this, of the same shape, in its place; return it."""
        given = np.asarray(value)
        if given.shape != self.shape and (given.ndim or not isinstance(value, (int, float))):
            fix = "give an array of that shape"
            where = f"{self.path}.assign(value)"
            raise ArgumentError(message(where, str(self.shape), str(given.shape), fix))
        self.value[...] = given
        return self.numpy()

    def assign_add(self, value: Any) -> Array:
        """Add this; return what it is then."""
        return self.assign(self.value + np.asarray(value))

    def assign_sub(self, value: Any) -> Array:
        """Take this away; return what it is then."""
        return self.assign(self.value - np.asarray(value))

    def numpy(self) -> Array:
        """Return a copy of the array."""
        return self.value.copy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.value, dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        plain = [_shown(i) if isinstance(i, Variable) else i for i in inputs]
        into = options.get("out", ())  # layer.kernel *= 2
        if into:
            options["out"] = tuple(o.value if isinstance(o, Variable) else o for o in into)
        found = getattr(ufunc, method)(*plain, **options)
        return into[0] if len(into) == 1 else found

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(_shown(self), name)  # an array's methods: mean(), tolist(), T

    def __getitem__(self, key: Any) -> Any:
        return _shown(self)[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.value[key] = value

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Any:
        return iter(_shown(self))

    def __float__(self) -> float:
        return float(self.value)

    def __repr__(self) -> str:
        facts = f"path={self.path}, shape={self.shape}, dtype={self.dtype}"
        return f"<Variable {facts}, value={self.value}>"


def read(variable: Any) -> Any:
    """Return a variable's array; a weight's Tensor while a layer is recorded."""
    own = live.get()
    return own.of(variable) if own is not None and isinstance(variable, Weight) else variable.value


def _shown(variable: Variable) -> Any:
    """Return what a variable computes as: its array, which knows `numpy()`, or its Tensor."""
    found = read(variable)
    return found.view(Answer) if type(found) is np.ndarray else found


class Weight(Variable):
    """A layer's parameter, as it is now: what is assigned, the layer computes with.

    Args:
        layer: a built one.
        name: the parameter's, such as 'kernel'.

    Attributes:
        key: the same; `name` is what the user called it, where the layer has to call it otherwise.

    >>> from npcnn import layers
    >>> layer = layers.Dense(2, name="out")
    >>> layer.build((None, 3))
    >>> kernel, bias = layer.weights
    >>> kernel.path, kernel.shape, bias.numpy().tolist()
    ('out/kernel', (3, 2), [0.0, 0.0])
    >>> layer.bias is bias
    True
    >>> bias.assign([1.0, 2.0])
    array([1., 2.], dtype=float32)
    >>> (layer.bias * 2).tolist()
    [2.0, 4.0]
    """

    def __init__(self, layer: Layer, name: str) -> None:
        self.layer, self.key = layer, name
        self.name = layer._told.get(name, name)

    @property
    def value(self) -> Array:  # type: ignore[override]
        """The layer's array; zeros where one is only planned."""
        found = vars(self.layer).get(self.key)
        return np.zeros(self.layer.plan[self.key][0], "float32") if found is None else found

    @property
    def path(self) -> str:
        """Layer's and parameter's name: 'dense/kernel'."""
        own = self.layer.stored.get(self.key, (self.name, ""))[0]
        return f"{self.layer.name}/{own}"

    @property
    def trainable(self) -> bool:
        """Whether training changes it."""
        return self.layer.trainable and self.layer.declared[self.key]

    def assign(self, value: Any) -> Array:
        """Copy numbers of the same shape into it, or raise before any is touched."""
        own = live.get()
        if self.key in self.layer.plan or (own is not None and own.probing):
            return self.value  # a file's array will come, or a call only shows what shape comes out
        setattr(self.layer, self.key, value)
        if own is not None:
            own.forget(self)
        return self.numpy()


class Weighted:
    """What has weights: a layer, or a model, whose weights are its layers'."""

    def _weights(self) -> list[Weight]:
        raise NotImplementedError

    @property
    def weights(self) -> list[Weight]:
        """All parameters, in `get_weights`' order."""
        return self._weights()

    variables = weights

    @property
    def trainable_weights(self) -> list[Weight]:
        """Those that training changes."""
        return [weight for weight in self._weights() if weight.trainable]

    trainable_variables = trainable_weights

    @property
    def non_trainable_weights(self) -> list[Weight]:
        """Those that it does not: running means, and all of a frozen layer's."""
        return [weight for weight in self._weights() if not weight.trainable]

    non_trainable_variables = non_trainable_weights
