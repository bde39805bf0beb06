"""How a gradient becomes a step. State lives in flat vectors, one number a parameter."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from npcnn import contracts, interrupts
from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_number, message, non_negative, shown
from npcnn.subclasses import Open, missing

Array = np.ndarray
Segment = tuple[slice, Array, Array]

LEAST, MOST = 1e-30, 1e30  # float32 has them, their squares not


def _rate(value: Any, where: str) -> float:
    """Return a step's length, or raise ArgumentError."""
    return non_negative(value, where, "0.001 is a start", most=MOST)


def _epsilon(value: Any, where: str) -> float:
    """Return ε, or raise ArgumentError: without it, a parameter without gradient becomes NaN."""
    if is_number(value) and LEAST <= value <= MOST:
        return float(value)
    expected = f"a number from {LEAST:g} to {MOST:g}"
    raise ArgumentError(message(where, expected, shown(value), "1e-7 is Keras's"))


LearningRate = Annotated[float, _rate]
Epsilon = Annotated[float, _epsilon]


class Optimizer(Open):
    """Base: a learning rate, a count of steps taken, and named vectors of state (`slots`).

    One of your own defines `update`, and names its state in `slot_names`:

    >>> class Plain(Optimizer):
    ...     def update(self, parameters, gradients):
    ...         parameters -= self.learning_rate * gradients

    Attributes:
        slot_names: of the vectors that `update` is handed.
        keras_slots: the same in Keras's files, where it has other names.
        slot_start: the number that slots hold before the first step.
        keras_numbers: what Keras's files hold behind the slots; here it follows from the rest.
        slot_by_slot: whether Keras's files have one slot of all parameters after the other.
        replays: as a layer's.
        reads_rate: whether `update` reads `learning_rate`; False where it hands the array `now`,
            which `numbers` fills anew in each step, to an op.
        clock: how many steps were taken, an array of one int64 without axes.
        now: what changes from step to step, in the parameters' dtype.
    """

    overridable = ("update",)
    slot_names: tuple[str, ...] = ()
    keras_slots: tuple[str, ...] | None = None
    slot_start = 0.0
    keras_numbers: tuple[float, ...] = ()
    slot_by_slot = False
    reads_rate = replays = True

    @checked
    def __init__(self, learning_rate: LearningRate = 0.01, name: str | None = None) -> None:
        self.name = name or type(self).__name__.lower()
        self.learning_rate = learning_rate
        self.clock = np.zeros((), np.int64)
        self.now = np.zeros(1)
        self.slots: dict[str, Array] = {}

    @property
    def learning_rate(self) -> float:
        """How far a step goes; may be set between steps."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        where = f"{type(self).__name__}(learning_rate)"
        self._learning_rate = _rate(value, where)

    @property
    def iterations(self) -> int:
        """How many steps were taken; within `update`, the number of the step, from 1 on."""
        contracts.read_in_python(f"{self.name}.iterations")
        return int(self.clock)

    @iterations.setter
    def iterations(self, value: int) -> None:
        self.clock[...] = value

    def build(self, size: int, dtype: np.dtype) -> None:
        """Make new state for `size` parameters, unless it is there already."""
        fits = list(self.slots) == list(self.slot_names) and all(
            slot.size == size and slot.dtype == dtype for slot in self.slots.values()
        )
        if not fits:
            self.slots = {name: np.full(size, self.slot_start, dtype) for name in self.slot_names}
        numbers = self.numbers(1)
        if self.now.dtype != dtype or len(self.now) != len(numbers):
            self.now = np.array(numbers, dtype)

    def numbers(self, step: int) -> tuple[float, ...]:
        """Return what changes from step to step, for step 1, 2, …: the learning rate, or so."""
        return (self.learning_rate,)

    def prepare(self) -> None:
        """Fill `now` for the step to come."""
        self.now[:] = self.numbers(int(self.clock) + 1)

    def apply(self, segments: list[Segment]) -> None:
        """Take one step, which Ctrl-C does not tear apart.

        Args:
            segments: (place in the slots, parameters, gradients), flat views, changed in place.
        """
        with interrupts.Deferred():
            self.prepare()
            ops.count(self.clock)
            for place, parameters, gradients in segments:
                slots = (self.slots[name][place] for name in self.slot_names)
                self.update(parameters, gradients, *slots)

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Update one stretch of parameters and its slots in place."""
        raise missing(self, "update")

    def arrays(self) -> list[Array]:
        """Return the arrays that a step changes."""
        return [self.clock, *self.slots.values()]

    def settings(self) -> dict[str, Any]:
        """Return what a written-down step depends on."""
        unread = () if self.reads_rate else ("_learning_rate",)
        return {name: value for name, value in vars(self).items() if name not in unread}

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy is made of: arrays of its own."""
        slots = {name: slot.copy() for name, slot in self.slots.items()}
        arrays = {"clock": self.clock.copy(), "now": self.now.copy(), "slots": slots}
        return {**vars(self), **arrays}

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this optimizer again, without its state."""
        return {"name": self.name, "learning_rate": self.learning_rate}
