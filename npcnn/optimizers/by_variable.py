"""Optimizers as Keras 3 has them written: `build` makes state, `update_step` moves one variable.

npcnn's own move all parameters at once, and their state lies in flat vectors. Here each variable is
an object that is a part of these, and so is what `add_variable_from_reference` makes; files,
checkpoints and options (clipping, decay, running means, …) know the vectors alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from npcnn import initializers
from npcnn.arguments import Anything, checked
from npcnn.checks import ArgumentError, DtypeError, message, shown
from npcnn.optimizers.options import AVERAGE, SUMS, Arrays, named
from npcnn.subclasses import MissingError, is_ours
from npcnn.variables import Variable

Array = np.ndarray


class Held(Variable):
    """A variable as `build` and `update_step` get it: a part of the vector of all.

    Args:
        path: what it is called.
        array: its numbers; another one whenever the model's are elsewhere.
        place: of it in the vector.
    """

    def __init__(self, path: str, array: Array, place: slice) -> None:
        self.array, self.trainable, self.place = array, True, place
        self.name, self.own_path = path.rpartition("/")[2], path

    @property
    def value(self) -> Array:
        """Its array; what takes its place is assigned."""
        return self.array

    @value.setter
    def value(self, value: Any) -> None:
        self.assign(value)

    @property
    def path(self) -> str:
        """Its layer's name, and its own."""
        return self.own_path


class Placing:
    """What is made while a `build` runs: which slots, in what order."""

    def __init__(self, fresh: bool, slots: dict[str, Array] | None = None) -> None:
        self.fresh, self.slots = fresh, slots
        self.made: list[tuple[int, str]] = []

    def take(self, one: Held, name: str) -> str:
        """Return the name of the slot that a variable's state of this name lies in."""
        name = f"own_{name}" if name in (AVERAGE, SUMS) else name
        times = sum(k == one.place.start and n.partition("#")[0] == name for k, n in self.made)
        name = f"{name}#{times}" if times else name
        self.made.append((one.place.start, name))
        return name


class ByVariable:
    """The half of an optimizer that knows variables one by one.

    Attributes:
        by_variable: whether the class has an `update_step`, and no later `update`.
        applies_own: whether a class of a program's has an `apply`, or an `apply_gradients`: it gets
            gradients and variables, one each, as in Keras.
        built: whether `build` was called; a program may set it.
    """

    by_variable = applies_own = built = False
    _placing: Placing | None = None
    _again: Placing | None = None  # while a program's own call of `build` goes on
    _places: tuple[Any, list[Held]] = (None, [])
    _given: Sequence[Any] = ()  # a program's own variables, in the same order
    _order: tuple[tuple[str, ...], int] | None = None
    slots: dict[str, Array]
    lay_out: Any
    replays: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """See which of the two forms a class has."""
        super().__init_subclass__(**kwargs)
        if {"apply", "apply_gradients"} & vars(cls).keys() and not is_ours(cls):
            cls.applies_own, cls.replays = True, False  # no written-down step calls it
        kinds = (kind for kind in cls.__mro__ if {"update", "update_step"} & vars(kind).keys())
        cls.by_variable = "update_step" in vars(next(kinds)) and cls.__name__ != "Optimizer"
        if cls.by_variable and not isinstance(vars(cls).get("slot_names"), property):
            own: dict[str, Any] = {
                "slot_names": property(lambda self: order(self)[0] if self.by_variable else ()),
                "in_turns": property(lambda self: order(self)[1] if self.by_variable else 0),
                "settings": lambda self: {},  # its step is never written down
                "replays": False, "reads_rate": True,
                "keras_slots": None, "keras_numbers": (),  # an npcnn's class above may have others
            }  # fmt: skip
            for name, value in own.items():
                setattr(cls, name, value)

    # What a class may define ----------------------------------------------------------------------

    @checked
    def build(self, variables: Arrays) -> None:
        """Make the state for some variables; a class of one's own calls this first, if at all."""
        self.built = True
        if self._placing is None:  # a program calls it, on variables of its own
            arrays = [getattr(one, "value", one) for one in variables]
            size = sum(array.size for array in arrays)
            dtype = arrays[0].dtype if arrays else np.dtype("float32")
            self.lay_out(size, dtype, lambda: named(variables))
            self._given, self._again = variables, Placing(False, self.slots)

    def update_step(self, gradient: Array, variable: Any, learning_rate: Any) -> None:
        """Move one variable, by `self.assign_sub(variable, …)`; in a class of Keras's form."""
        where, fix = f"{type(self).__name__}.update_step", "compute the step in this one"
        above = [kind for kind in type(self).__mro__ if kind.__name__ != "Optimizer"]
        native = next((kind for kind in above if "update" in vars(kind)), None)
        expected, got = "a class above it that has one", "none"
        if native is not None:
            got = f"{native.__name__}, which moves all variables at once"
            fix = (
                "change gradients in an apply(self, grads, trainable_variables=None) that ends with"
                " super().apply(grads, trainable_variables), and define no update_step"
            )
        raise MissingError(message(where, expected, got, fix))

    def _get_current_learning_rate(self) -> Any:
        """Return the learning rate, a schedule's as it is now, under Keras's name of it."""
        own: Any = self
        return own.learning_rate

    # What it calls --------------------------------------------------------------------------------

    @checked
    def add_variable_from_reference(
        self, reference_variable: Anything, name: str | None = None,
        initializer: Any = "zeros",
    ) -> Variable:  # fmt: skip
        """Make state of a variable's shape, in `build`.

        Args:
            reference_variable: one of those that `build` got.
            name: of the state, such as 'momentum'.
            initializer: its numbers before the first step.
        """
        placing = self._placing or self._again
        where = f"{type(self).__name__}.add_variable_from_reference()"
        if placing is None:
            fix = "call it in build(variables), after super().build(variables)"
            raise ArgumentError(message(where, "a build that runs", "none", fix))
        one = self._places[1][self._get_variable_index(reference_variable)]
        slot = placing.take(one, name or "var")
        make = initializers.get(initializer, where)
        if placing.slots is None:
            return Held(f"{one.path}_{slot}", np.zeros(one.shape, one.dtype), one.place)
        if slot not in placing.slots:
            fix = "make the same for each variable, whatever its shape"
            raise ArgumentError(message(where, f"state named {list(placing.slots)}", slot, fix))
        part = placing.slots[slot][one.place].reshape(one.shape)
        if placing.fresh:
            part[...] = make(one.shape, one.dtype)
        return Held(f"{one.path}_{slot}", part, one.place)

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Any], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Make state of each variable's shape: a list, or one for each of several names."""
        names = [name] if isinstance(name, str) else list(name)
        several = isinstance(initializer, (list, tuple))
        begun = list(initializer) if several else [initializer] * len(names)
        found: list[list[Variable]] = [[] for _ in names]
        for one in trainable_variables:
            for own, each, start in zip(found, names, begun, strict=True):
                own.append(self.add_variable_from_reference(one, each, start))
        return found[0] if isinstance(name, str) else tuple(found)

    def add_variable(self, *args: Any, **kwargs: Any) -> Variable:
        """Refuse state that is no variable's: files have no place for it."""
        where, fix = f"{type(self).__name__}.add_variable()", "use add_variable_from_reference()"
        raise ArgumentError(message(where, "state of a variable's shape", "any other", fix))

    def assign(self, variable: Any, value: Anything) -> None:
        """Put numbers in a variable's place."""
        _variable(self, variable).assign(value)

    def assign_add(self, variable: Any, value: Anything) -> None:
        """Add numbers to a variable."""
        _variable(self, variable).assign_add(value)

    def assign_sub(self, variable: Any, value: Anything) -> None:
        """Take numbers away from a variable."""
        _variable(self, variable).assign_sub(value)

    def _get_variable_index(self, variable: Any) -> int:
        """Return which of the variables that `build` got one is; Keras's classes ask this."""
        for known in (self._places[1], self._given):
            for k, one in enumerate(known):
                if one is variable or getattr(one, "value", one) is getattr(variable, "value", 0):
                    return k
        where, fix = f"{type(self).__name__}, its variables", "give one of those that build() gets"
        raise ArgumentError(message(where, "one that it was built for", shown(variable), fix))

    def update_each(self, where: slice, parameters: Array, gradients: Array) -> None:
        """Let `update_step` move each variable of a stretch."""
        own: Any = self
        rate = parameters.dtype.type(own.learning_rate)
        for one in self._places[1]:
            first, stop = one.place.start - where.start, one.place.stop - where.start
            if first < 0 or stop > len(parameters) or first == stop:
                continue
            one.array = parameters[first:stop].reshape(one.shape)
            before, gradient = one.array.copy(), gradients[first:stop].reshape(one.shape).copy()
            found = own.update_step(gradient, one, rate)
            if found is not None and np.array_equal(before, one.array):
                name, fix = (
                    f"{type(self).__name__}.update_step",
                    "call self.assign_sub(variable, …)",
                )
                raise DtypeError(message(name, "the variable assigned to", shown(found), fix))


def _variable(optimizer: Any, given: Any) -> Any:
    """Return what can be assigned to, or raise DtypeError."""
    if hasattr(given, "assign"):
        return given
    where, fix = f"{type(optimizer).__name__}.assign(variable, value)", "the variable comes first"
    raise DtypeError(message(where, "a variable", shown(given), fix))


def order(optimizer: Any) -> tuple[tuple[str, ...], int]:
    """Return the slots that a class's `build` makes, and how many lie in turns; see `in_turns`."""
    if optimizer._order is None:
        twin = copy.deepcopy(optimizer)
        twin._order, twin._placing = ((), 0), Placing(True)
        two = [Held(f"variable_{k}", np.zeros(1, "float32"), slice(k, k + 1)) for k in range(2)]
        twin._places, twin.built = (None, two), False
        twin.build(two)
        made = twin._placing.made
        names = tuple(dict.fromkeys(name for _, name in made))
        in_a_row = len(names) > 1 and made[0][1] == made[1][1]
        optimizer._order = names, 1 if in_a_row else 0
    return optimizer._order


def place(
    optimizer: Any, size: int, dtype: np.dtype, weights: Callable[[], Sequence[Any]] | None,
    fresh: bool,
) -> None:  # fmt: skip
    """Let a class's `build` have its variables, unless those that it has are still right.

    Args:
        optimizer: whose vectors are laid out.
        size: how many numbers are learnt.
        dtype: theirs.
        weights: returns what they belong to; None for what is known, or one vector.
        fresh: whether the vectors are new, to be filled by the state's initializers.
    """
    slots, known = optimizer._places
    listed = None if weights is None else [(w.path, w.shape) for w in weights()]
    shapes = [(one.path, one.shape) for one in known]
    total = known[-1].place.stop if known else 0
    if slots is optimizer.slots and (shapes == listed if listed is not None else total == size):
        return
    if listed is None:
        listed = shapes if total == size else [("parameters", (size,))]
    held, stop = [], 0
    for path, shape in listed:
        start, stop = stop, stop + int(np.prod(shape, dtype=np.int64))
        held.append(Held(path, np.zeros(shape, dtype), slice(start, stop)))
    if weights is not None:
        for one, weight in zip(held, weights(), strict=True):
            one.array = weight.value
    optimizer._places, optimizer.built = (optimizer.slots, held), False
    optimizer._placing = Placing(fresh, {n: optimizer.slots[n] for n in optimizer.slot_names})
    try:
        optimizer.build(held)
    finally:
        optimizer._placing = None
