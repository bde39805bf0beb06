"""A layer's parameters: declared by name, made once its input is known, read and written."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Container, Iterator, Mapping, MutableMapping
from typing import Annotated, Any, ClassVar

import numpy as np

from npcnn import config, initializers
from npcnn.arguments import checked
from npcnn.checks import ArgumentError, StateError, message, shown
from npcnn.config import FloatType
from npcnn.layers.parameter import Parameter, check_free, planned, planning, set_arrays
from npcnn.layers.parts import fronts
from npcnn.layers.regulated import Regulated
from npcnn.layers.shapes import Name, Shape, WeightShape, check_weight_shape
from npcnn.symbolic import leaves_of
from npcnn.variables import Weight, Weighted

Array = np.ndarray


def _weight_shape(value: Any, where: str) -> tuple[int, ...]:
    """Return a weight's shape; () for None, which is one number."""
    if isinstance(value, str):  # Keras 2's order: the name first
        fix = "give the name as name="
        raise ArgumentError(message(where, "a shape", shown(value), fix))
    return check_weight_shape(() if value is None else value, where)


def _store(value: Any, where: str) -> Any:
    if not isinstance(value, MutableMapping):
        raise ArgumentError(message(where, "arrays by name", shown(value), "give a dict"))
    return value


Store = Annotated[Any, _store]


class Parameters(Weighted, Regulated):
    """The half of a layer that holds its parameters, and the gradients beside them."""

    dtype: Any
    label: Any
    input_shape: Shape | None
    declared: dict[str, bool]
    plan: dict[str, tuple[Any, ...]]
    _told: dict[str, str]
    require_built: Any
    parts: Any
    compute_output_shape: Any
    create_parameters: Any
    taken: ClassVar[set[str]] = set()  # attributes that all layers have
    # parameter → its name and dtype in Keras's files, where they are not the attribute's
    stored: ClassVar[Mapping[str, tuple[str, str]]] = {}

    def make_parameters(self, input_shape: Shape) -> None:
        """Make all parameters for an input of this shape."""
        self.create_parameters(input_shape)

    @checked
    def add_parameter(
        self, name: Any, shape: WeightShape, initializer: Any, trainable: bool = True,
        regularizer: Any = None, constraint: Any = None,
    ) -> None:  # fmt: skip
        """Create `self.<name>` from the initializer, and `self.grad_<name>` beside it.

        Args:
            name: an attribute's.
            shape: of the array.
            initializer: 'zeros', 'glorot_uniform' …, an Initializer object, or a function of
                shape and dtype.
            trainable: False for state, such as running means, that no optimizer moves; there is no
                gradient then. It is part of files, checkpoints and `summary` all the same.
            regularizer: without one, the class's argument for it (see `regulated`).
            constraint: likewise.
        """
        layer: Any = self
        check_free(layer, name, self.taken)
        if name in self.declared:
            where, fix = f"{layer.label}.add_parameter({name!r})", "call it otherwise"
            raise ArgumentError(message(where, "a name that it has not yet", "the same again", fix))
        if layer.place is not None:  # its vector has no room for it: it would never be learnt
            where = f"{layer.label}.add_parameter({name!r})"
            fix = "make it where the layer is built"
            raise StateError(message(where, "a layer that no model has laid out", "one", fix))
        self.regulate(name, shape, regularizer, constraint)
        if planning():
            self.plan[name] = (shape, initializer, trainable)
            self.declared = {**self.declared, name: trainable}
            return
        self.adopt(name, self._drawn(name, shape, initializer), trainable)

    @checked
    def add_weight(
        self, shape: Annotated[Any, _weight_shape] = (), initializer: Any = None,
        dtype: FloatType | None = None, trainable: bool = True, autocast: bool = True,
        regularizer: Any = None, constraint: Any = None, aggregation: Any = None,
        overwrite_with_gradient: bool = False, name: Name | None = None,
    ) -> Weight:  # fmt: skip
        """Create a weight, in `build` or `__init__`, and return it: Keras's `add_weight`.

        What `call` computes with it is gone back through (`layers/recorded.py`).

        Args:
            shape: of the array; () for one number.
            initializer: as `add_parameter`'s; without one glorot_uniform, of vectors zeros.
            dtype: what the layer computes in, if that is not settled yet.
            trainable: False for what no optimizer moves.
            autocast: passed over, as `aggregation` and `overwrite_with_gradient` are.
            regularizer: as `add_parameter`'s.
            constraint: likewise.
            aggregation: see `autocast`.
            overwrite_with_gradient: see `autocast`.
            name: what it is called, made one of its own if another weight has it; the attribute's,
                if that may be one and no layer has it.
        """
        self.dtype = config.float_dtype(self.dtype or dtype, f"{self.label}(dtype)")
        base = name if name is not None and name.isidentifier() else "variable"
        while base in self.taken or base.startswith(("_", "grad_")):
            base = f"own_{base}"
        own = _free(base, self.declared)
        told = _free(name or "variable", {self._told.get(one, one) for one in self.declared})
        if told != own:
            self._told = {**self._told, own: told}
        usual = "glorot_uniform" if len(shape) > 1 else "zeros"
        made = usual if initializer is None else initializer
        if isinstance(made, str) and made.startswith("random_"):
            made = initializers.get(made)
        Parameter.declare(type(self), own)
        self.add_parameter(own, shape, made, trainable, regularizer, constraint)
        return self.weight_of(own)

    add_variable = add_weight

    def weight_of(self, name: str) -> Weight:
        """Return the object that stands for a parameter: the same each time."""
        layer: Any = self
        if name not in layer._handles:
            layer._handles[name] = Weight(layer, name)
        return layer._handles[name]

    def fill_parameters(self, arrays: Mapping[str, Array] | None = None) -> None:
        """Make the parameters that were only planned: of these arrays, or by their initializers."""
        plan, self.plan = self.plan, {}
        for name, (shape, initializer, trainable) in plan.items():
            if arrays is None or name not in arrays:  # Keras's files lack some; see holding.py
                self.adopt(name, self._drawn(name, shape, initializer), trainable)
            else:
                self.adopt(name, np.asarray(arrays[name], self.dtype, order="C"), trainable)

    def suits(self, input_shape: Shape) -> bool:
        """Return whether an input of another shape would have parameters of the same shapes."""
        own = {name: plan[0] for name, plan in self.plan.items()}
        own |= {name: vars(self)[name].shape for name in self.declared if name not in own}
        twin = copy.copy(self)
        twin.declared, twin.plan = {}, {}
        with planned():
            twin.compute_output_shape(input_shape)
            twin.make_parameters(input_shape)
        return own == {name: plan[0] for name, plan in twin.plan.items()}

    def _drawn(self, name: str, shape: tuple[int, ...], initializer: Any) -> Array:
        """Return initial values."""
        make = initializer
        if isinstance(initializer, (str, type)) or not callable(initializer):
            make = initializers.get(initializer, f"{self.label}.add_parameter({name!r})")
        made = np.asarray(make(shape, self.dtype))
        if made.dtype.kind not in "fiub" or made.shape != shape:
            where, fix = f"{self.label}, its {name}", "give an initializer of shape and dtype"
            got = f"{made.dtype} of shape {made.shape}"
            raise ArgumentError(message(where, f"numbers of shape {shape}", got, fix))
        return np.array(made, self.dtype, order="C")

    def adopt(self, name: str, value: Array, trainable: bool = True) -> None:
        """Let the layer have a parameter, whose array this is from now on."""
        self.declared = {**self.declared, name: trainable}
        Parameter.declare(type(self), name)
        self.bind(name, value, np.zeros_like(value) if trainable else None)

    def bind(self, name: str, value: Array, gradient: Array | None) -> None:
        """Let the layer use these two arrays for a parameter and its gradient."""
        vars(self)[name] = value
        if gradient is not None:
            vars(self)[f"grad_{name}"] = gradient

    def parameters(self) -> Iterator[tuple[str, Array, Array]]:
        """Yield (name, value, gradient) for each parameter that is learnt, in Keras's order."""
        for name, trainable in self.declared.items():
            if trainable:
                yield name, vars(self)[name], getattr(self, f"grad_{name}")

    def own_arrays(self) -> Iterator[tuple[str, Array]]:
        """Yield (name, value) for each parameter, those that are not learnt last, as in Keras."""
        for name in (*self.parameter_names, *self.state_names):
            yield name, vars(self)[name]

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """Yield the same, and after it (layer/name, value) for each of the layers in it."""
        for front, part in fronts(self):
            for name, value in part.own_arrays():
                yield front + name, value

    def in_files(self) -> dict[str, tuple[str, Array]]:
        """Return parameter → its name and its array as Keras's files have them."""
        found = {}
        for name, value in self.own_arrays():
            own, dtype = self.stored.get(name, (name, ""))
            found[name] = own, value.astype(dtype) if dtype else value
        return found

    @checked
    def save_own_variables(self, store: Store) -> None:
        """Put the layer's own parameters into a file's store, "0", "1" …; a class may add others.

        Args:
            store: takes arrays by name.
        """
        for k, (_, value) in enumerate(self._made()):
            store[str(k)] = value

    @checked
    def load_own_variables(self, store: Store) -> None:
        """Take back what `save_own_variables` put there.

        Args:
            store: gives arrays by name.
        """
        given = [store[name] for name in map(str, range(len(store))) if name in store]
        set_arrays(f"{self.label}.load_own_variables()", self._made(), given)

    def _made(self) -> list[tuple[str, Array]]:
        """Return its own arrays as far as there are any yet."""
        names = (*self.parameter_names, *self.state_names)
        return [(name, vars(self)[name]) for name in names if name in vars(self)]

    def folders(self) -> dict[str, list[str]]:
        """Return folder → parameters, as Keras's `.keras` keeps them within the layer's own."""
        return {"vars": [*self.parameter_names, *self.state_names]}

    def _weights(self) -> list[Weight]:
        return [
            layer.weight_of(name)
            for layer in leaves_of(self, by_weights=True)
            for name in (*layer.parameter_names, *layer.state_names)
        ]

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The names of the parameters that are learnt."""
        return tuple(name for name, trainable in self.declared.items() if trainable)

    @property
    def state_names(self) -> tuple[str, ...]:
        """The names of those that are not."""
        return tuple(name for name, trainable in self.declared.items() if not trainable)

    def count_params(self) -> int:
        """Return how many numbers the layer's parameters are, state included."""
        self.require_built("count_params()")
        return sum(value.size for _, value in self.arrays())

    def get_weights(self) -> list[Array]:
        """Return copies of the parameters: kernel, bias."""
        return [value.copy() for _, value in self.arrays()]

    def set_weights(self, weights: list[Any]) -> None:
        """Overwrite the parameters; all shapes are checked before anything is written."""
        self.require_built("set_weights()")
        set_arrays(f"{self.label}.set_weights()", list(self.arrays()), weights)

    def write_gradients(self, arrays: Mapping[str, Array]) -> None:
        """Let the backward pass write into these arrays: parameter → gradient."""
        for name, array in arrays.items():
            vars(self)[f"grad_{name}"] = array


def _free(name: str, taken: Container[str]) -> str:
    """Return a name, with the first number behind it that makes it one of its own if need be."""
    every = itertools.chain([name], (f"{name}_{k}" for k in itertools.count(1)))
    return next(one for one in every if one not in taken)
