"""A step that is made again and again, and what it depends on besides the numbers in arrays.

What a step's layers, loss and optimizer are set to goes into its program when that is written. So
whoever repeats a step asks here first: a run when an epoch begins, the model at each call. If
something is set otherwise than it was, a new program is begun. Nothing watches attributes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import optimizers, strangers
from npcnn.backend import get_backend, ops
from npcnn.checks import NpcnnWarning, message
from npcnn.layers.parts import unlearnt
from npcnn.threads import get_num_threads

if TYPE_CHECKING:
    from npcnn.model import Model

# Bytes of weights up to which a second copy of the model is no burden.
LARGEST = 64 << 20

Array = np.ndarray
Arrays = tuple[Array, ...]


class Repeated:
    """A step of a model, compiled (`ops.compiled`) anew whenever the model is set otherwise.

    Args:
        model: built.
        step: takes arrays and returns arrays.
        learns: whether it changes the parameters.
        known: arrays that it reads besides, such as a data set.
    """

    def __init__(
        self, model: Model, step: Callable[..., Arrays], learns: bool = False,
        known: Sequence[Array] = (),
    ) -> None:  # fmt: skip
        self.model, self.step, self.learns, self.known = model, step, learns, list(known)
        self.compiled: Any = None
        self.settings: tuple[Any, ...] = ()
        self.graph: Any = None
        self.states: list[dict[str, Any]] = []  # the layers' attributes, as they were

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()  # a copied model begins anew

    def current(self) -> Any:
        """Return what makes the step as the model is set now."""
        model = self.model
        if self.learns:  # a callback may have put another one in its place, or none
            found = optimizers.get(model.optimizer, f"{type(model).__name__}.optimizer")
            if model.optimizer is not found:  # to set it costs a microsecond, here and below
                model.optimizer = found
        if self.compiled is None or not self._as_it_was():
            self._begin()
        vars(model)["_own_program"] = self.compiled
        return self.compiled

    def _begin(self) -> None:
        model = self.model
        if self.learns:
            model._prepare_optimizer()
            _warn_of_nothing_to_learn(model)
        model.vectors()  # binds the parameters to their places, once
        self.settings = self._settings()
        self.graph = model.graph
        self.states = [dict(vars(layer)) for layer in self.graph.layers]
        things: list[Any] = [*self.graph.layers]
        things += model.objective.losses if model.compiled else []
        things += [model.optimizer] if self.learns else []
        never = [type(thing).__name__ for thing in things if not thing.replays]
        reason = f"{never[0]} says that it is not to be" if never else None
        if model.run_eagerly:
            reason = "compile(run_eagerly=True)"
        elif model.compiled and model.writes("compute_loss"):
            reason = "compute_loss is the class's own"
        if not self.learns and self.graph.draws:
            reason = reason or "what it draws is another in each pass"
        state, known = list(model.vectors()), list(self.known)
        if self.learns:
            state += model.optimizer.arrays()
            known += model.optimizer.inputs()
        arguments = self.step, state, known, things, reason, self._about, self.learns
        self.compiled = ops.compiled(*arguments)
        if self.learns and model.optimizer.gradient_accumulation_steps:
            self.compiled = InTurns(self.compiled, ops.compiled(*arguments), model.optimizer)

    def _about(self) -> dict[str, Any]:
        """Describe the step to a process that helps to compile it, if the model is small."""
        small = sum(vector.nbytes for vector in self.model.vectors()) <= LARGEST
        return {"model": self.model.to_json() if small else "", "learns": self.learns}

    def _as_it_was(self) -> bool:
        if self.model.graph is not self.graph or not _equal(self.settings, self._settings()):
            return False
        for layer, then in zip(self.graph.layers, self.states, strict=True):
            now = vars(layer)
            try:
                if now == then:  # nearly always: identical values are not looked into
                    continue
            except ValueError:  # arrays, which do not compare as a whole
                pass
            if not _alike(now, then):
                return False
            then.update(now)
        return self.compiled.as_it_was()

    def _settings(self) -> tuple[Any, ...]:
        """Return what the step depends on, but for the layers' attributes."""
        model = self.model
        kinds = [(type(layer).forward, type(layer).backward) for layer in model.graph.layers]
        found: list[Any] = [get_backend(), get_num_threads(), kinds]
        if model.compiled:
            found += [model.run_eagerly, list(model.objective.weights)]
            for loss in model.objective.losses:
                found += [loss, dict(vars(loss))]
        if self.learns:
            found += [model.optimizer, model.optimizer.settings()]
            found.append([layer.trainable for layer in model.graph.owners])
        return tuple(found)


class InTurns:
    """A step in which parameters move, and one in which gradients add up: two programs."""

    def __init__(self, moving: Any, adding: Any, optimizer: optimizers.Optimizer) -> None:
        self.moving, self.adding, self.optimizer = moving, adding, optimizer
        self.latest = moving

    def __call__(self, *arrays: Array) -> Arrays:
        """Make the step whose turn it is; what comes back is the caller's."""
        return self.in_two(None, *arrays)

    def in_two(self, early: Any, *arrays: Array) -> Arrays:
        """Make the step whose turn it is, as `Programs.in_two` does."""
        self.latest = self.moving if self.optimizer.turn() else self.adding
        return self.latest.in_two(early, *arrays)

    def as_it_was(self) -> bool:
        """Whether neither program has found anything set otherwise."""
        return self.moving.as_it_was() and self.adding.as_it_was()

    @property
    def last(self) -> Any:
        """The program of the last step."""
        return self.latest.last

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()  # a copied model begins anew

    def __str__(self) -> str:
        return str(self.latest)


def _alike(now: dict[str, Any], before: dict[str, Any]) -> bool:
    """Return whether two states of a layer differ in nothing but which arrays it holds.

    A layer's parameters are not among them: `bound` counts those. Settings that are arrays, in a
    user's layer, are looked after by `npcnn/strangers.py`.
    """
    if now.keys() != before.keys():
        return False
    for name, value in now.items():
        old = before[name]
        if value is old or (isinstance(value, np.ndarray) and isinstance(old, np.ndarray)):
            continue
        if type(value) is not type(old) or isinstance(value, np.ndarray) or not _equal(value, old):
            return False
    return True


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except ValueError:  # arrays, which do not compare as a whole
        return False


def _warn_of_nothing_to_learn(model: Any) -> None:
    """Say that no step will change anything, as Keras does; such runs are seldom meant."""
    if not model.segments():
        fix = "set trainable = True of what is to learn"
        text = message(f"{model.label}: learning", "trainable weights", "none", fix)
        warnings.warn(text, NpcnnWarning, stacklevel=2)
    for layer in model.graph.layers:
        if layer.has_call or strangers.own(layer):
            continue
        for one in unlearnt(layer, model.graph.owners):
            fix = "write call() instead of forward() and backward(), or freeze it"
            got = f"{one.label}, which is neither learnt nor in files"
            text = message(layer.label, "layers in it that the model knows", got, fix)
            warnings.warn(text, NpcnnWarning, stacklevel=2)
