"""How a gradient becomes a step. State lives in flat vectors, one number a parameter."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import numpy as np

from npcnn import contracts, interrupts
from npcnn.arguments import PositiveInt, argument_names, arguments_of, checked
from npcnn.backend import ops
from npcnn.checks import (
    ArgumentError,
    DtypeError,
    NpcnnWarning,
    StateError,
    is_number,
    message,
    non_negative,
    one_of,
    shown,
)  # fmt: skip
from npcnn.names import auto_name
from npcnn.optimizers import by_variable, options, schedules
from npcnn.optimizers.held import Rate, Steps
from npcnn.optimizers.options import (
    Arrays,
    Decay,
    Limit,
    LossValue,
    Momentum,
    Names,
    Pairs,
    Several,
)  # fmt: skip
from npcnn.optimizers.schedules.base import Asked, rate_at, said
from npcnn.remembered import Remembering, kept
from npcnn.subclasses import Open, missing, settle
from npcnn.variables import Variable

Array = np.ndarray
Segment = tuple[slice, Array, Array]

LEAST, MOST = 1e-30, options.MOST  # float32 has them, their squares not


def _rate(value: Any, where: str) -> Any:
    """Return a step's length, or a schedule of it, or raise ArgumentError."""
    if isinstance(value, dict):
        return schedules.deserialize(value)
    if isinstance(value, schedules.LearningRateSchedule):
        return value
    if callable(value) and not isinstance(value, type):
        return Asked(value, where)
    return non_negative(value, where, "0.001 is a start", most=MOST)


def _epsilon(value: Any, where: str) -> float:
    """Return ε, or raise ArgumentError: without it, a parameter without gradient becomes NaN."""
    if is_number(value) and LEAST <= value <= MOST:
        return float(value)
    expected = f"a number from {LEAST:g} to {MOST:g}"
    raise ArgumentError(message(where, expected, shown(value), "1e-7 is Keras's"))


LearningRate = Annotated[Any, _rate]  # out: a float, or a LearningRateSchedule
Epsilon = Annotated[float, _epsilon]


class Optimizer(by_variable.ByVariable, Open, Remembering):
    """Base: a learning rate, a count of steps taken, and named vectors of state (`slots`).

    One of your own defines `update`, and names its state in `slot_names`:

    >>> class Plain(Optimizer):
    ...     def update(self, parameters, gradients):
    ...         parameters -= self.learning_rate * gradients

    What every optimizer takes besides, in Keras's arithmetic and in this order: the mean of the
    gradients of so many steps, clipping, weight decay, the step itself, the running mean.

    Args:
        learning_rate: a number, a `schedules.LearningRateSchedule`, or a function without
            arguments that is asked for the number before each step.
        name: how the optimizer is called in files.
        weight_decay: before a step, each parameter shrinks by the share lr · weight_decay.
        clipnorm: the gradient of each variable has at most this norm.
        clipvalue: each number of it at most this size.
        global_clipnorm: all gradients together have at most this norm. One of the three at most.
        use_ema: keep a running mean a = ρa + (1 − ρ)p of each parameter, which takes its place
            when `fit` ends.
        ema_momentum: ρ, from 0 to 1.
        ema_overwrite_frequency: the mean takes the parameters' place every so many steps, too.
        loss_scale_factor: what the loss is multiplied by (`scale_loss`) where one computes the
            gradients oneself; `apply` divides them by it. In `fit` neither is needed.
        gradient_accumulation_steps: parameters move every so many steps, 2 or more.

    Raises:
        ArgumentError: an argument that is none of these, or does not fit.

    Attributes:
        slot_names: of the vectors that `update` is handed.
        keras_slots: the same in Keras's files, where it has other names.
        slot_start: the number that slots hold before the first step.
        keras_numbers: what Keras's files hold behind the slots; here it follows from the rest.
        in_turns: how many slots Keras's files have in turns, parameter by parameter, before the
            next so many; 0 for all.
        replays: as a layer's.
        reads_rate: whether `update` reads `learning_rate`; False where it hands the array `now`,
            which `numbers` fills anew in each step, to an op.
        clock: how many steps were taken, an array of one int64 without axes.
        now: what changes from step to step, in the parameters' dtype.
    """

    overridable = ("update", "update_step", "build")
    slot_names: tuple[str, ...] = ()
    keras_slots: tuple[str, ...] | None = None
    slot_start = 0.0
    keras_numbers: tuple[float, ...] = ()
    in_turns = 0
    reads_rate = replays = True
    # What a subclass that makes no use of them has.
    weight_decay: float | None = None
    clipnorm: float | None = None
    clipvalue: float | None = None
    global_clipnorm: float | None = None
    use_ema = False
    ema_momentum = 0.99
    ema_overwrite_frequency: int | None = None
    loss_scale_factor: float | None = None
    gradient_accumulation_steps: int | None = None
    beside: options.Beside | None = None
    excluded: tuple[list[Array], list[str]] = ([], [])

    @checked
    def __init__(
        self, learning_rate: LearningRate = 0.01, name: str | None = None,
        weight_decay: Decay | None = None, clipnorm: Limit | None = None,
        clipvalue: Limit | None = None, global_clipnorm: Limit | None = None,
        use_ema: bool = False, ema_momentum: Momentum = 0.99,
        ema_overwrite_frequency: PositiveInt | None = None, loss_scale_factor: Limit | None = None,
        gradient_accumulation_steps: Several | None = None, **unknown: Any,
    ) -> None:  # fmt: skip
        self._refuse(unknown)
        self.name = name or auto_name(type(self).__name__)
        self._learning_rate = learning_rate
        self.weight_decay, self.clipnorm, self.clipvalue = weight_decay, clipnorm, clipvalue
        self.global_clipnorm, self.use_ema = global_clipnorm, use_ema
        self.ema_momentum, self.ema_overwrite_frequency = ema_momentum, ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        limits = {name: value for name, value in options.limits(self).items() if value is not None}
        if len(limits) > 1:
            where, fix = type(self).__name__, "leave the others out"
            expected = "one of clipnorm, clipvalue and global_clipnorm"
            raise ArgumentError(message(where, expected, " and ".join(limits), fix))
        self.clock = np.zeros((), np.int64)
        self._counted = 0  # 1 between the clock's tick and the end of a step
        self.now = np.zeros(1)
        self.slots: dict[str, Array] = {}

    def _refuse(self, unknown: dict[str, Any]) -> None:
        where = type(self).__name__
        if unknown.pop("decay", None) is not None:
            fix = f"give {where} a schedule as learning_rate"
            text = f"Argument `decay` is no longer supported and will be ignored; {fix}."
            warnings.warn(text, NpcnnWarning, stacklevel=4)
        if "lr" in unknown:
            fix = f"write learning_rate={shown(unknown['lr'])}"
            raise ArgumentError(message(f"{where}(lr)", "Keras 3's name of it", "lr", fix))
        if unknown:
            one_of(next(iter(unknown)), argument_names(type(self)), f"{where}, its arguments")

    @property
    def learning_rate(self) -> float:
        """How far the next step goes, or within `update` this one; may be set between steps.

        Between steps it has a variable's `assign` and `numpy`.
        """
        rate = self._learning_rate
        if self.scheduled:
            if self.reads_rate:
                contracts.read_in_python(f"{self.name}.learning_rate, a schedule,")
            rate = rate_at(self._learning_rate, int(self.clock) - self._counted, MOST)
        return rate if self._counted else Rate(rate, self)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        where = f"{type(self).__name__}(learning_rate)"
        rate = _rate(value, where)
        if self.scheduled and not isinstance(rate, schedules.LearningRateSchedule):
            fix = "give the optimizer a number as learning_rate, which may then be set"
            expected = f"the schedule {said(self._learning_rate)} to stay, or another one"
            raise DtypeError(message(where, expected, shown(value), fix))
        self._learning_rate = rate

    @property
    def lr(self) -> float:
        """`learning_rate`, as Keras 2 calls it."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        self.learning_rate = value

    @property
    def scheduled(self) -> bool:
        """Whether the learning rate follows a schedule."""
        return isinstance(self._learning_rate, schedules.LearningRateSchedule)

    @property
    def iterations(self) -> int:
        """How many steps were taken; within `update`, the number of the step, from 1 on.

        With gradient_accumulation_steps it counts how often the parameters moved, as in Keras.
        """
        contracts.read_in_python(f"{self.name}.iterations")
        passed = int(self.clock) - self._counted * self.by_variable  # Keras counts a step after it
        done = passed // (self.gradient_accumulation_steps or 1)
        return done if self._counted else Steps(done, self)

    @iterations.setter
    def iterations(self, value: int) -> None:
        self.clock[...] = value * (self.gradient_accumulation_steps or 1)

    @property
    def decays_apart(self) -> bool:
        """Whether weights decay in a pass of their own, not within `update`."""
        return self.weight_decay is not None

    @property
    def position(self) -> tuple[int, float | None]:
        """Steps taken, and the learning rate unless it follows a schedule: where a run stands."""
        return int(self.clock), None if self.scheduled else self._learning_rate

    @position.setter
    def position(self, value: tuple[int, float | None]) -> None:
        self.clock[...], rate = value
        if rate is not None and not self.scheduled:
            self._learning_rate = rate

    # State ----------------------------------------------------------------------------------------

    def lay_out(
        self, size: int, dtype: np.dtype, weights: Callable[[], Sequence[Any]] | None = None
    ) -> None:
        """Make new state for `size` parameters, unless it is there already.

        Args:
            size: how many numbers are learnt.
            dtype: theirs.
            weights: returns what they belong to, in order, each with a name and a shape.
        """
        names = [*options.slots(self), *self.slot_names]
        fits = list(self.slots) == names and all(
            slot.size == size and slot.dtype == dtype for slot in self.slots.values()
        )
        if not fits:
            self.slots = {name: np.full(size, self.start_of(name), dtype) for name in names}
        numbers = self.numbers(1)
        if self.now.dtype != dtype or len(self.now) != len(numbers):
            self.now = np.array(numbers, dtype)
        if not fits or self.beside is None or options.used(self):
            self.beside = options.beside(self, size, dtype, weights)
        if self.by_variable:
            by_variable.place(self, size, dtype, weights, not fits)

    def start_of(self, slot: str) -> float:
        """Return what the numbers of a slot, or of state that options need, begin with."""
        return self.slot_start if slot in self.slot_names else 0.0

    def numbers(self, step: int) -> tuple[float, ...]:
        """Return what changes from step to step, for step 1, 2, …: the learning rate, or so."""
        return (self.learning_rate,)

    def prepare(self) -> None:
        """Fill `now` for the step to come."""
        done = int(self.clock) // (self.gradient_accumulation_steps or 1)
        self.now[:] = self.numbers(done + 1)
        if self.decays_apart or self.use_ema:
            options.prepare(self, done)

    def turn(self) -> bool:
        """Return whether the parameters move in the step to come."""
        steps = self.gradient_accumulation_steps
        return steps is None or (int(self.clock) + 1) % steps == 0

    # Steps ----------------------------------------------------------------------------------------

    def apply(self, segments: Sequence[Any], trainable_variables: Any = None) -> None:
        """Take one step, which Ctrl-C does not tear apart.

        Args:
            segments: (place in the slots, parameters, gradients), flat views, changed in place; or
                a gradient for each of the variables.
            trainable_variables: None, or arrays or a model's variables, changed in place.
        """
        if trainable_variables is not None:
            segments = options.segments(self, list(segments), list(trainable_variables))
        elif len(self.slots) < len(self.slot_names):
            self.lay_out(segments[-1][0].stop, segments[-1][1].dtype)
        with interrupts.Deferred():
            moves = self.turn()
            self.prepare()
            ops.count(self.clock)
            self._counted = 1
            try:
                self._move(segments, moves)
            finally:
                self._counted = 0

    def _move(self, segments: Sequence[Segment], moves: bool) -> None:
        if options.used(self):
            return options.step(self, segments, moves)
        for place, parameters, gradients in segments:
            options.update(self, place, parameters, gradients)

    @checked
    def apply_gradients(self, grads_and_vars: Pairs) -> int:
        """Take one step with pairs of (gradient, variable); return how many were taken."""
        gradients, variables = zip(*grads_and_vars, strict=True)
        self.apply(gradients, variables)
        return int(self.clock)

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Update one stretch of parameters and its slots in place."""
        raise missing(self, "update")

    @checked
    def scale_loss(self, loss: LossValue) -> Any:
        """Return the loss times loss_scale_factor, if there is one."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    @checked
    def exclude_from_weight_decay(
        self, var_list: Arrays | None = None, var_names: Names | None = None
    ) -> None:
        """Let some variables not decay; to be called before the first step.

        Args:
            var_list: some of a model's `trainable_variables`, or arrays such as `layer.bias`.
            var_names: texts; a variable whose name ('kernel', 'bias', …) matches one is left out.
        """
        if self.beside is not None:
            where, fix = f"{type(self).__name__}.exclude_from_weight_decay()", "call it earlier"
            raise StateError(
                message(where, "an optimizer before its first step", "a later one", fix)
            )
        self.excluded = var_list or [], var_names or []

    @checked
    def finalize_variable_values(self, var_list: Arrays) -> None:
        """Put the running means in the place of all variables, as `fit` does when it ends."""
        if self.use_ema and int(self.clock):
            options.finish(self, var_list)

    # What others ask ------------------------------------------------------------------------------

    @property
    def variables(self) -> list[Variable]:
        """Steps taken, learning rate and state, in the order of Keras's files."""
        return [options.Named(array, name) for name, array in options.variables(self)]

    def arrays(self) -> list[Array]:
        """Return the arrays that a step changes."""
        return [self.clock, *self.slots.values(), *([self.beside.sums] if self.beside else [])]

    def inputs(self) -> list[Array]:
        """Return the arrays that a step reads, and that `prepare` fills."""
        return [self.now, *([self.beside.numbers] if self.beside else [])]

    def settings(self) -> dict[str, Any]:
        """Return what a written-down step depends on."""
        unread = () if self.reads_rate else ("_learning_rate",)
        found = {name: value for name, value in vars(self).items() if name not in unread}
        return {**found, "beside": self.beside and self.beside.about()}

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy is made of: arrays of its own."""
        slots = {name: slot.copy() for name, slot in self.slots.items()}
        own = {k: v.copy() for k, v in vars(self).items() if isinstance(v, np.ndarray)}
        return {**vars(self), **own, "slots": slots, "beside": self.beside and self.beside.copy()}

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this optimizer again, without its state."""
        rate: Any = self._learning_rate
        if self.scheduled:
            rate = schedules.serialize(rate)
        names = {name: getattr(self, name) for name in options.NAMES}
        return {"name": self.name, "learning_rate": rate, **names, **kept(self, Optimizer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Optimizer:
        """Return an optimizer with the arguments that `get_config` returned."""
        return cls(**arguments_of(cls, config, f"{cls.__name__}.from_config(config)"))


settle(Optimizer, Optimizer(name="optimizer"), **options.KINDS)
