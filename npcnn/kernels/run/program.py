"""A step's kernel calls, written down once and made again without Python in between.

A training step of a small network makes some thirty calls of a few microseconds' Python each, a
fifth of its time. From step to step nothing changes in them except the numbers in the arrays. So a
`Program` runs its step once as it is, and notes each call of a task body: its address and those of
its arrays. From then on it plays these notes in one compiled loop: the same bodies on the same
memory in the same order give the same bits.

That holds only if kernel calls are all that the step does, so a program has to prove itself. Every
array in a call must come from the program's own memory, from its inputs or state, or be a constant
of an op: an array that NumPy made lies elsewhere, and the step is then run as it is for good. Each
of the first steps is run as it is *and* played: its memory filled with NaN beforehand, its state
put back to where it was, the bits compared afterwards. `print(program)` says what came of it.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from npcnn import strangers
from npcnn.kernels.run import assistant, layout, memory
from npcnn.kernels.run.compile import JIT
from npcnn.kernels.run.notes import Call, Notes, write
from npcnn.strangers import Outside

Array = np.ndarray
Arrays = tuple[Array, ...]

# Steps that are run as they are and played, before a program is trusted: the second has other
# numbers in it, so that one which Python read from an array shows, in its notes or in the bits.
PROOFS = 2
# Proofs that another thread may spoil before a step is run as it is for good.
TRIES = 20
# Shapes remembered: a whole batch and a short last one, and some more.
REMEMBERED = 6


class _Own(threading.local):
    """A Python thread's own programs: two of them may make steps at once."""

    def __init__(self) -> None:
        self.programs: dict[Any, Program] = {}
        self.last: Program | None = None


class Early(Protocol):
    """What is called in a step as soon as nothing that follows reads or writes some arrays."""

    arrays: Sequence[Array]

    def call(self) -> None:
        """Begin with what comes of the arrays."""


class Step:
    """What is made again and again: all that a program knows of whose it is.

    It knows no programs: these are gone at once, memory and all, when their owner is.

    Args:
        step: takes arrays and returns arrays; reads and writes only what it is told of here.
        state: arrays that the step reads and changes: parameters, gradients, slots.
        known: arrays that it reads, a data set say.
        watched: objects whose attributes the step must leave as they are: layers.
        reason: why it is not to be played, if somebody knows.
        learns: whether it changes the state. If not, nothing is ever put back there: another
            thread may be learning meanwhile, and what it has learnt would be lost.
    """

    def __init__(
        self, step: Callable[..., Arrays], state: Sequence[Array] = (),
        known: Sequence[Array] = (), watched: Sequence[Any] = (), reason: str | None = None,
        learns: bool = True,
    ) -> None:  # fmt: skip
        self.step, self.state, self.known = step, list(state), list(known)
        self.watched, self.reason, self.learns = list(watched), reason, learns
        self.outside: Outside | None = None  # what a user's classes depend on, once written down

    @functools.cached_property
    def strange(self) -> bool:
        """Whether a user's class has a part in the step."""
        return strangers.among(self.watched)

    def restore(self, numbers: list[Array]) -> None:
        """Put back what the state was, if it is this step's to change."""
        if self.learns:
            for array, old in zip(self.state, numbers, strict=True):
                array[...] = old

    def eager(self, arrays: Arrays) -> Arrays:
        """Make the step as it is; what a user's class has hold of is never the caller's array."""
        if not self.strange:
            return self.step(*map(layout.in_order, arrays))
        return tuple(map(strangers.copied, self.step(*map(layout.own_copy, arrays))))


class Programs:
    """A step, and the program of it for each shape that its arrays come in.

    Args:
        about: of the step, as `Step` takes it.
    """

    def __init__(self, *about: Any, **named: Any) -> None:
        self.made = Step(*about, **named)
        self.own = _Own()

    def as_it_was(self) -> bool:
        """Return whether what user's classes depend on is as it was when a step was written."""
        outside = self.made.outside
        return outside is None or outside.as_it_was()

    def __call__(self, *arrays: Array) -> Arrays:
        """Make the step; what comes back is the caller's."""
        return self.in_two(None, *arrays)

    def in_two(self, early: Early | None, *arrays: Array) -> Arrays:
        """Make the step; where it is played, `early` is called in its midst, once it may be."""
        key = tuple([(array.shape, array.dtype) for array in arrays])
        programs = self.own.programs
        program = programs.get(key)
        if program is None:
            while len(programs) >= REMEMBERED:
                del programs[next(iter(programs))]
            program = programs[key] = self.own.last = Program(self.made)
            try:
                return program(arrays, early)
            finally:
                assistant.dismiss()
        self.own.last = program
        return program(arrays, early)

    @property
    def last(self) -> Program | None:
        """The program of the last step that this Python thread made."""
        return self.own.last

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()  # a copied model has done nothing yet

    def __str__(self) -> str:
        return "nothing has been run yet" if self.last is None else str(self.last)


class Program:
    """A step with arrays of one shape: run as it is at first, then played from notes.

    Attributes:
        reason: why the step is not played; None if it is, or may be.
        steps: how often the step was made.
        notes: its calls, once they are written down.
    """

    def __init__(self, made: Step) -> None:
        self.made = made
        self.reason: str | None = made.reason if JIT else "nothing is compiled"
        self.steps = self.proofs = self.tries = 0
        self.inputs: Arrays = ()
        self.outputs: Arrays = ()
        self.notes: Notes | None = None
        self.busy = False
        self._kept: list[tuple[Any, Any, Any]] = []  # where layers keep what a pass leaves them
        self._cut: tuple[Early | None, int] = None, 0  # before which entry that is called

    def __call__(self, arrays: Arrays, early: Early | None = None) -> Arrays:
        """Make the step; what comes back is the caller's."""
        if self.reason is not None or self.busy:  # busy: a signal handler came in between
            return self.made.eager(arrays)
        self.busy = True
        try:
            self.steps += 1
            if self.steps == 1:  # what is done once need not be written down
                return self.made.eager(arrays)
            if not self.inputs:
                self.inputs = tuple(map(layout.own_copy, arrays))
            for own, array in zip(self.inputs, arrays, strict=True):
                own[...] = array
            if self.notes is None or self.proofs < PROOFS:
                return self._prove()
            self._play(early)
            return tuple([output.copy(order="K") for output in self.outputs])
        finally:
            self.busy = False

    @property
    def played(self) -> bool:
        """Whether the step is played from notes now."""
        return self.reason is None and self.proofs >= PROOFS

    @property
    def calls(self) -> list[Call]:
        """The ops of a step, in order."""
        return [] if self.notes is None else self.notes.calls

    def _play(self, early: Early | None = None) -> None:
        """Make the step from notes; the layers have kept what they keep in any pass."""
        assert self.notes is not None
        first = 0
        if early is not None:
            if self._cut[0] is not early:
                self._cut = early, self.notes.last_with(early.arrays)
            first = self._cut[1]
            self.notes.play(0, first)
            early.call()
        self.notes.play(first)
        for thing, name, value in self._kept:
            thing[name] = value

    def _prove(self) -> Arrays:
        """Run the step as it is, and see whether playing it gives the same bits."""
        state = self.made.state
        before = [array.copy() for array in state]
        given = [array.copy(order="K") for array in self.inputs]
        try:
            outputs = self._write()
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            return self._begin_again(before, given, "a layer writes into an op's result")
        if not all(map(_same_bits, self.inputs, given)):
            return self._begin_again(before, given, "a layer writes into the step's input")
        after = [array.copy() for array in state]
        wanted = tuple([output.copy(order="K") for output in outputs])
        proved = False
        try:
            if self.reason is None and self.notes is not None:
                self.made.restore(before)
                self.notes.arena.poison()
                self._play()
                pairs = zip([*state, *self.outputs], [*after, *wanted], strict=True)
                proved = all(_same_bits(one, other) for one, other in pairs)
                self.proofs += 1
        finally:
            if not proved:
                self.made.restore(after)
        if not proved and not self._put_off(before):
            self._give_up("played, the step gave other bits: not all it does is kernel calls")
        return wanted

    def _put_off(self, before: list[Array]) -> bool:
        """Return whether another thread seems to have learnt meanwhile; then write anew next time.

        It may be the step itself that changes what is not its own: it is not tried for ever.
        """
        same = self.made.learns or all(map(_same_bits, self.made.state, before))
        if same or self.reason is not None or self.tries >= TRIES:
            return False
        self.tries, self.proofs = self.tries + 1, 0
        self.outputs, self._kept, self.notes = (), [], None
        return True

    def _begin_again(self, before: list[Array], given: list[Array], reason: str) -> Arrays:
        """Make the step as it is from where it began: who wrote what is not known."""
        self.made.restore(before)
        self._give_up(reason)
        return self.made.eager(tuple(given))

    def _give_up(self, reason: str) -> None:
        """Run the step as it is from now on, and give the memory back."""
        self.reason = self.reason or reason
        self.inputs, self.outputs, self._kept, self.notes = (), (), [], None

    def _write(self) -> Arrays:
        """Run the step as it is, and note its calls."""
        made = self.made
        before = [dict(vars(thing)) for thing in made.watched]
        known = [*made.state, *made.known]
        outside = things = None
        if made.strange:
            outside = strangers.Outside(made.watched, [*self.inputs, *known])
            things = outside.objects
        memory.give_back()  # what steps as they are took, the program takes for itself
        outputs, notes = write(made.step, self.inputs, known, things)
        kept, changed = _changed(made.watched, before, notes)
        if outside is not None:
            kept += outside.settle(lambda array: notes.arena.holds(array.ctypes.data))
            changed = outside.reason or changed
        self.reason = notes.reason or changed
        if self.reason is None:
            made.outside = outside
        most = memory.LARGEST
        if notes.arena.full or notes.arena.bytes + sum(a.nbytes for a in self.inputs) > most:
            self.reason = f"it would keep over {most >> 20} MB: Python's share is nothing"
        if self.notes is not None:  # a second time: the first notes are what is played
            if not self.notes.agree(notes):
                self.reason = self.reason or "a number that Python reads changes from step to step"
            return outputs
        if not all(notes.arena.holds(output.ctypes.data) for output in outputs if output.size):
            self.reason = self.reason or "what comes out was not made by an op"
        self.outputs, self.notes, self._kept = outputs, notes, kept
        return outputs

    def __str__(self) -> str:
        from npcnn.kernels.run.program_table import table

        return table(self)


def _same_bits(one: Array, other: Array) -> bool:
    """Return whether two arrays hold the same bits, NaN's among them."""
    return one.shape == other.shape and bool((_bytes(one) == _bytes(other)).all())


def _bytes(array: Array) -> Array:
    axes = np.argsort(array.strides)[::-1] if array.ndim else ()
    return np.ascontiguousarray(array.transpose(axes)).reshape(-1).view(np.uint8)


def _changed(
    things: list[Any], before: list[dict[str, Any]], notes: Notes
) -> tuple[list[tuple[Any, Any, Any]], str | None]:
    """Return what a step left in the layers, as (place, key, value), and what it may not have.

    An attribute that became an array of the program's is as good after a replay as before; any
    other change is one that a replay would not make.
    """
    kept: list[tuple[Any, Any, Any]] = []
    for thing, old in zip(things, before, strict=True):
        if "_kept" in vars(thing):
            kept.append((thing._kept, 0, thing._kept[0]))
        for name, value in vars(thing).items() if strangers.own(thing) else ():
            if value is old.get(name, thing):
                continue
            if not isinstance(value, np.ndarray) or not notes.arena.holds(value.ctypes.data):
                name = f"{getattr(thing, 'name', thing)} changes its attribute {name!r}"
                return [], f"{name} in each step"
            kept.append((vars(thing), name, value))
    return kept, None
